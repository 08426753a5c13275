"""Choose a level of an image that is there in several resolutions."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from eyewire_validator.errors import FileError
from eyewire_validator.storage.array_files.opened import Place

# Part of an edge by which two sizes of a voxel may differ and be called the same.
SAME_SIZE = 0.01


class NoSuchLevelError(FileError):
    """A source has no level of the name, or the voxel size, that is asked for."""


@dataclass(frozen=True)
class Level:
    """One resolution of an image.

    Args:
        name: as the metadata call it.
        resolution_nm: edges of a voxel (z, y, x), nm; None if that is not known.
        offset_nm: place of the first voxel (z, y, x), nm; None if that is not known.
    """

    name: str
    resolution_nm: Place | None
    offset_nm: Place | None

    def __str__(self) -> str:
        """Name it with size and place."""
        if self.resolution_nm is None:
            return f"{self.name} (voxels of unknown size)"
        place = shown(self.offset_nm or (0.0, 0.0, 0.0))
        return f"{self.name} (voxels of {shown(self.resolution_nm)} nm at {place} nm)"


def choose_level(
    source: str,
    levels: Sequence[Level],
    wanted: str = "",
    voxel_nm: Place | None = None,
) -> int:
    """Return the number of the level of a name or number, or of a voxel size.

    The first one if neither is asked for, or none says a size.

    Raises:
        NoSuchLevelError: there is none.
    """
    names = [level.name for level in levels]
    if wanted in names:
        return names.index(wanted)
    if wanted.isdecimal() and int(wanted) < len(levels):
        return int(wanted)
    listed = ", ".join(map(str, levels[:20])) or "none"
    if wanted:
        raise NoSuchLevelError(f"{source}: no level {wanted}; there are {listed}")
    if voxel_nm is None or all(level.resolution_nm is None for level in levels):
        return 0
    for number, level in enumerate(levels):
        if level.resolution_nm and is_same_size(level.resolution_nm, voxel_nm):
            return number
    raise NoSuchLevelError(
        f"{source}: no level with voxels of {shown(voxel_nm)} nm (z, y, x); there are "
        f"{listed}"
    )


def is_same_size(one: Sequence[float], other: Sequence[float]) -> bool:
    """Return whether all edges agree."""
    pairs = zip(one, other, strict=True)
    return all(abs(a - b) <= SAME_SIZE * max(a, b) for a, b in pairs)


def shown(place: Iterable[float]) -> str:
    """Return a place or size as text, such as ``(30, 18, 18)``."""
    return f"({', '.join(f'{edge:g}' for edge in place)})"
