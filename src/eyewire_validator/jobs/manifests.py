"""Manifests: the SHA-256 of files, in the form of the tool ``sha256sum``.

Each job writes one when it is done. `check_folder` reads all files again and finds
those that changed since.
"""

import hashlib
import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from eyewire_validator.errors import FileError
from eyewire_validator.storage.files import write_text
from eyewire_validator.storage.hashes import file_hash

SUFFIX = ".sha256"


class Finding(NamedTuple):
    """A file that is not as the manifests say.

    Attributes:
        file: the file.
        what: what is wrong with it.
        manifests: those that list it, or itself if it is one; none if none does.
    """

    file: Path
    what: str
    manifests: tuple[Path, ...]


def write_manifest(path: Path, files: Collection[Path]) -> None:
    """Write the hashes of files, by the names and in the order in which they are given.

    A folder stands for all files in it. What a job made by name comes first, so that
    asking for that makes all of it again.
    """
    by_name = [file for file in files if not file.is_dir()]
    in_folders = [
        f for folder in files if folder.is_dir() for f in sorted(_files_in(folder))
    ]
    listed = dict.fromkeys([*by_name, *in_folders])
    write_text(path, (f"{file_hash(file)}  {file}\n" for file in listed))


def manifests_of_jobs(logs: Path) -> list[Path]:
    """Return the manifests that finished jobs left, each in the folder of its rule.

    Raises:
        FileError: there are none, so that nothing can be compared.
    """
    if not (found := sorted(logs.glob(f"*/*{SUFFIX}"))):
        raise FileError(
            f"{logs}: no finished job left hashes here; run the workflow first "
            "(results on a store cannot be verified)"
        )
    return found


def add_to_manifest(manifest: Path, name: str, content: bytes) -> None:
    """Add the hash of a file, by its name below the manifest's own folder."""
    line = f"{hashlib.sha256(content).hexdigest()}  {name}\n"
    # One short write at the end: a killed job leaves whole lines.
    with manifest.open("ab", buffering=0) as file:
        file.write(line.encode())


def keep_intact(manifest: Path) -> set[str]:
    """Drop all lines of `add_to_manifest` but those of files that are as they were.

    Returns:
        The names of these files.
    """
    kept = {
        entry[2]: f"{entry[0]}\n"
        for entry in _entries(manifest)
        if entry
        and (file := manifest.parent / entry[2]).is_file()
        and file_hash(file) == entry[1]
    }
    write_text(manifest, kept.values())
    return set(kept)


def require_intact(manifest: Path) -> None:
    """Refuse a folder whose files are not those that `add_to_manifest` noted.

    Raises:
        FileError: names the first of them.
    """
    folder = manifest.parent
    for finding in check_folder(folder, [manifest], [manifest], root=folder):
        raise FileError(f"{finding.file}: {finding.what}; delete its folder and rerun")


def check_folder(
    folder: Path,
    manifests: Iterable[Path],
    ignored: Collection[Path] = (),
    root: Path = Path(),
) -> Iterator[Finding]:
    """Find the files of a folder that are not as manifests say.

    A file is as it should be if its hash is in any manifest: jobs of another
    configuration may have made it, too.

    Args:
        folder: searched for files that no manifest lists; hidden ones do not count.
        manifests: as `write_manifest` wrote them.
        ignored: files, and folders with all that is in them, to leave out of that.
        root: where the manifests' names start.
    """
    listed: dict[Path, dict[Path, str]] = defaultdict(dict)
    for manifest in manifests:
        for number, entry in enumerate(_entries(manifest), start=1):
            if entry:
                listed[root / entry[2]][manifest] = entry[1]
            else:
                yield Finding(manifest, f"line {number} is damaged", (manifest,))
    for file, hashes in sorted(listed.items()):
        if not file.is_file():
            yield Finding(file, "is missing", tuple(hashes))
        elif file_hash(file) not in hashes.values():
            yield Finding(file, "is not as it was made", tuple(hashes))
    for file in sorted(set(_files_in(folder)) - set(listed)):
        if not {file, *file.parents} & set(ignored):
            yield Finding(file, "is in no manifest of a finished job", ())


def to_text(findings: Sequence[Finding], jobs: int) -> str:
    """Describe the findings among the files of so many jobs, and what to do."""
    if not findings:
        return f"what {jobs} jobs made: all is as it was made"
    lines = [
        f"{file}: {what} ({', '.join(map(str, manifests)) or 'delete it'})"
        for file, what, manifests in findings
    ]
    manifests = {path for finding in findings for path in finding.manifests}
    if again := sorted(filter(None, map(_first_file, manifests))):
        lines.append(f"to make all of it again: --forcerun {' '.join(again)}")
    return "\n".join(lines)


def require_none(findings: Sequence[Finding]) -> None:
    """Refuse files that are not as they were made.

    Raises:
        FileError: there are any.
    """
    if findings:
        raise FileError(
            f"{len(findings)} files are not as they were made; run the workflow again "
            "with the --forcerun that is printed above"
        )


def _first_file(manifest: Path) -> str | None:
    entry = next(_entries(manifest))
    return entry and entry[2]


def _entries(manifest: Path) -> Iterator[re.Match[str] | None]:
    """Yield hash and name of each line; none for a line, or a file, of another form."""
    try:
        text = manifest.read_bytes().decode(errors="replace")
    except OSError:
        text = ""
    for line in text.removesuffix("\n").split("\n"):
        yield re.fullmatch("([0-9a-f]{64})  (.+)", line)


def _files_in(folder: Path) -> Iterator[Path]:
    for file in folder.rglob("*"):
        hidden = any(part.startswith(".") for part in file.relative_to(folder).parts)
        if file.is_file() and not hidden:
            yield file
