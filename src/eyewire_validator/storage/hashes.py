"""Hash settings and files."""

import hashlib
import json
from pathlib import Path
from typing import Any


def settings_hash(settings: Any) -> str:
    """Return 12 hex digits that change with the settings (JSON types only)."""
    text = json.dumps(settings, sort_keys=True, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def file_hash(path: Path) -> str:
    """Return the SHA-256 of a file's content, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
