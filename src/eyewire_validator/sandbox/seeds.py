"""Read the seeds that a user wants to ask from: a CSV, or all large supervoxels."""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from eyewire_validator.errors import SandboxError
from eyewire_validator.storage.array_files import Place

# Asks from every supervoxel that is large enough.
ALL = "all"
POINT = ("z_nm", "y_nm", "x_nm")
SEGMENT, NAME = "segment", "seed"


@dataclass(frozen=True)
class Seed:
    """One or several segments that are known to be part of one neuron.

    Attributes:
        number: of the cell that its tasks belong to.
        where: what to call it in errors.
        segments: own ids; their pieces in all cubes are seeds.
        points: (z, y, x) in nm; the piece below each is a seed, in one cube.
    """

    number: int
    where: str
    segments: tuple[int, ...] = ()
    points: tuple[Place, ...] = ()


def large_supervoxels(sizes: Mapping[int, int], min_voxels: int) -> list[Seed]:
    """Make a seed of each supervoxel of at least so many voxels.

    Args:
        sizes: voxels by own id.
        min_voxels: of the smallest.
    """
    large = [segment for segment, size in sizes.items() if size >= min_voxels]
    return [
        Seed(number, f"segment {segment}", (segment,))
        for number, segment in enumerate(large, start=1)
    ]


def read_seeds(path: Path) -> list[Seed]:
    """Read seeds from a CSV with the columns of segments, of points in nm, or both.

    A row has a ``segment`` (own id), or a point ``z_nm``, ``y_nm``, ``x_nm``. Rows with
    the same ``seed``, a whole number, are one seed; without this column, each row is.

    Raises:
        SandboxError: the file, a column or a value cannot be used.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            columns, rows = list(reader.fieldnames or []), list(reader)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise SandboxError(
            f"seeds: {path}: cannot be read ({error}); save it as CSV in UTF-8"
        ) from None
    _check_columns(path, columns)
    if not rows:
        raise SandboxError(f"seeds: {path}: has no rows below its header")
    seeds: dict[int, Seed] = {}
    for line, row in enumerate(rows, start=2):
        found = _seed_of(row, line, f"{path}, line {line}")
        before = seeds.get(found.number, Seed(found.number, found.where))
        seeds[found.number] = Seed(
            found.number,
            before.where,
            before.segments + found.segments,
            before.points + found.points,
        )
    return list(seeds.values())


def _check_columns(path: Path, found: Sequence[str]) -> None:
    known = {SEGMENT, NAME, *POINT}
    if unknown := [name for name in found if name not in known]:
        raise SandboxError(
            f"seeds: {path}: unknown column {unknown[0]!r}; expected {SEGMENT}, or "
            f"{', '.join(POINT)}, and {NAME} where several rows are one seed, with "
            "commas between them"
        )
    if SEGMENT not in found and not set(POINT) <= set(found):
        raise SandboxError(
            f"seeds: {path}: has the columns {', '.join(found) or 'of nothing'}; "
            f"expected {SEGMENT}, or {', '.join(POINT)}"
        )


def _seed_of(row: Mapping[str | None, str | None], line: int, where: str) -> Seed:
    if None in row:
        raise SandboxError(f"seeds: {where}: has more values than columns")
    values = {name: (text or "").strip() for name, text in row.items()}
    segment = values.get(SEGMENT, "")
    point = [values.get(axis, "") for axis in POINT]
    if bool(segment) == any(point) or (any(point) and not all(point)):
        raise SandboxError(
            f"seeds: {where}: expected a {SEGMENT}, or a point ({', '.join(POINT)})"
        )
    number = _whole(values[NAME], where, NAME) if NAME in values else line - 1
    if segment:
        return Seed(number, where, segments=(_whole(segment, where, SEGMENT),))
    z, y, x = (_length(text, where) for text in point)
    return Seed(number, where, points=((z, y, x),))


def _whole(text: str, where: str, name: str) -> int:
    if not (text.isascii() and text.isdigit()) or not 0 < int(text) < 2**64:
        raise SandboxError(
            f"seeds: {where}: {name} is {text!r}, expected a whole number above 0"
        )
    return int(text)


def _length(text: str, where: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not abs(value) < float("inf"):
        raise SandboxError(f"seeds: {where}: {text!r} is no length in nm")
    return value
