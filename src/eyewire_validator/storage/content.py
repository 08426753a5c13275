"""Know files by their content, whatever their dates say.

Hashing a large file takes minutes, so what was hashed is remembered with all by which
the disk would tell a change. A file that is moved over another brings an older date;
the time at which its entry on the disk changed is new.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from eyewire_validator.errors import FileError
from eyewire_validator.storage.files import read_json, write_json
from eyewire_validator.storage.hashes import file_hash


def content_of(files: Iterable[str], memory: Path) -> dict[str, str]:
    """Return the SHA-256 of files by their names; what is missing is left out.

    Args:
        files: paths.
        memory: JSON file of what was hashed before; without one, all are hashed.
    """
    known = _remembered(memory)
    found = {file: _look(file) for file in files if Path(file).is_file()}
    new = {
        file: {"look": look, "sha256": file_hash(Path(file))}
        for file, look in found.items()
        if known.get(file, {}).get("look") != look
    }
    if new:
        known |= new
        write_json(memory, known)
    return {file: str(known[file]["sha256"]) for file in found}


def _look(file: str) -> list[int]:
    status = Path(file).stat()
    return [status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino]


def _remembered(memory: Path) -> dict[str, dict[str, Any]]:
    try:
        known = read_json(memory)
    except FileError:
        return {}
    return known if isinstance(known, dict) else {}
