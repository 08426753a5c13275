"""Tell what the source of a configuration has: files, players, labels."""

from collections.abc import Mapping
from typing import Any

# Instead of a file of supervoxels: they are made.
MAKE = "make"


def has_files(config: Mapping[str, Any]) -> bool:
    """Return whether tasks are cut from files of the user."""
    return bool(
        config["source"] == "sandbox" and config["sandbox"]["made_from"] == "files"
    )


def has_people(config: Mapping[str, Any]) -> bool:
    """Return whether the source knows its players: where the sandbox plays them."""
    return config["source"] == "sandbox" and not has_files(config)


def has_labels(config: Mapping[str, Any]) -> bool:
    """Return whether the answers to some tasks are known.

    Where they are not, nothing is trained or measured: open tasks are answered by
    models that name a checkpoint.
    """
    if has_files(config):
        return config["sandbox"]["files"]["labels"] is not None
    registry = config["registry"]
    return bool(registry["csvs"] and registry["statuses"])
