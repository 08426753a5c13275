"""Write arrays chunk by chunk, whole or not at all, in a form that is given."""

import shutil
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

from numpy.typing import NDArray

from eyewire_validator.storage.array_files.opened import Box

# Edge of a chunk, voxels.
CHUNK = 64
Voxels = tuple[int, ...]


class Extent(NamedTuple):
    """Place an array, and say how large its voxels are.

    Attributes:
        corner: the lowest voxel (z, y, x).
        shape: (z, y, x).
        voxel_nm: edges of a voxel (z, y, x).
    """

    corner: Voxels
    shape: Voxels
    voxel_nm: tuple[float, float, float]


# Creates an array in a folder, and returns that of tensorstore: (z, y, x), its voxels
# counted as the corner is.
Create = Callable[[Path, Extent], Any]


def write_chunked(
    folder: Path, create: Create, extent: Extent, read: Callable[[Box], NDArray[Any]]
) -> None:
    """Write an array chunk by chunk, whole or not at all.

    Args:
        folder: is replaced.
        create: the array, in one of the forms.
        extent: of it.
        read: returns the (z, y, x) values of a box, of voxels counted as the corner is.
    """
    unfinished = folder.with_name(f".{folder.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    array = create(unfinished, extent)
    for box in _chunks(extent):
        array[box] = read(box)
    shutil.rmtree(folder, ignore_errors=True)
    unfinished.rename(folder)


def _chunks(extent: Extent) -> Iterator[Box]:
    """Yield the boxes of the chunks, the last of a row cut off at its end."""
    corner = extent.corner
    ends = [low + edge for low, edge in zip(corner, extent.shape, strict=True)]
    starts = [range(low, end, CHUNK) for low, end in zip(corner, ends, strict=True)]
    for lows in product(*starts):
        yield tuple(
            slice(low, min(low + CHUNK, end))
            for low, end in zip(lows, ends, strict=True)
        )
