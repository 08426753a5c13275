"""Refuse results that rest on other settings than those that are asked for.

What the workflow makes carries the hash of its settings, so that numbers never stand
under a configuration that they do not come from.
"""

from pathlib import Path

from eyewire_validator.errors import TableError
from eyewire_validator.storage.tables import read_metadata


def require_settings_of_table(path: Path, expected: str) -> None:
    """Refuse a table whose metadata name other settings.

    Raises:
        TableError: they do, or name none.
    """
    require_settings(path, read_metadata(path).get("settings"), expected)


def require_settings(path: Path, found: str | None, expected: str) -> None:
    """Refuse a file by the hash of settings that it carries.

    Args:
        path: the file, for the message.
        found: the hash in it; none if it has none.
        expected: the hash that the configuration gives.

    Raises:
        TableError: they differ.
    """
    if found != expected:
        raise TableError(
            f"{path}: was made with the settings {found or '(not said)'}, expected "
            f"{expected}; delete it and rerun"
        )
