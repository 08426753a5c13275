"""Cut out of image and segments what a question is about."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eyewire_validator.errors import ModelError
from eyewire_validator.sandbox.frames import common_part
from eyewire_validator.sandbox.ids import as_ids
from eyewire_validator.storage.array_files import OpenedArray, Place, shown
from eyewire_validator.volumes.geometry import Corner
from eyewire_validator.volumes.voxel_size import are_cubes

# Voxels that are looked at in one go: some 400 an edge. Of those that are no cubes,
# the cubes that a network is shown count.
MOST_VOXELS = 2**26
# Edge of the box that is proposed to those who ask for more.
EDGE = 256

# Half-open bounds (z, y, x), voxels.
Bounds = tuple[tuple[int, int], tuple[int, int], tuple[int, int]]


@dataclass(frozen=True)
class Cutout:
    """A part of image and segments, and where it lies.

    Attributes:
        image: (z, y, x) uint8.
        ids: (z, y, x) uint64; 0 is nothing.
        voxel_nm: edges of a voxel (z, y, x), nm.
        offset_nm: place of the first voxel (z, y, x), nm.
    """

    image: NDArray[np.uint8]
    ids: NDArray[np.uint64]
    voxel_nm: Place
    offset_nm: Place

    def middle_nm(self, voxels: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the middles of voxels, (n, 3) in (z, y, x), nm."""
        places = (voxels + 0.5) * self.voxel_nm + self.offset_nm
        return np.asarray(places, np.float64)

    def id_at(self, point_nm: Place) -> int:
        """Return the id at a point (z, y, x) in nm.

        Raises:
            ModelError: it is outside, or on background.
        """
        steps = np.subtract(point_nm, self.offset_nm) / self.voxel_nm
        if not all(0 <= i < n for i, n in zip(steps, self.ids.shape, strict=True)):
            end = np.array(self.ids.shape) * self.voxel_nm + self.offset_nm
            raise ModelError(
                f"seed point {shown(point_nm)} nm is outside of what is looked at, "
                f"{shown(self.offset_nm)} to {shown(end)} nm (z, y, x)"
            )
        found = int(self.ids[tuple(int(step) for step in steps)])
        if not found:
            raise ModelError(
                f"seed point {shown(point_nm)} nm lies on background, in no segment; "
                "move it into one, or name its id"
            )
        return found


def cut_out(
    arrays: Mapping[str, OpenedArray], box: Bounds | None, stated_nm: Place | None
) -> Cutout:
    """Read a box of ``image`` and ``segments``.

    Args:
        arrays: the two.
        box: in voxels of the space in which they lie; all that both cover if None.
        stated_nm: edges of a voxel (z, y, x), nm, if neither says them.

    Raises:
        SandboxError: the two do not fit each other.
        ModelError: there is no voxel size, or the box is outside or too large.
        FileError: a part cannot be read.
    """
    part = common_part(arrays, "image and segments")
    voxel_nm, offset = _frame(arrays, part.corners, stated_nm)
    # Voxels are counted from 0 nm. A grid that is not on it is counted from below.
    first = [math.floor(a / b + 1e-3) for a, b in zip(offset, voxel_nm, strict=True)]
    ends = [a + n for a, n in zip(first, part.shape, strict=True)]
    whole = list(zip(first, ends, strict=True))
    bounds = list(box or whole)
    _check_bounds(bounds, whole, voxel_nm)
    starts = [low - start for (low, _), start in zip(bounds, first, strict=True)]
    lengths = [high - low for low, high in bounds]

    def read(name: str) -> NDArray[Any]:
        corner = zip(part.corners[name], starts, lengths, strict=True)
        return arrays[name].read(tuple(slice(a + b, a + b + n) for a, b, n in corner))

    z, y, x = (
        place + start * edge
        for place, start, edge in zip(offset, starts, voxel_nm, strict=True)
    )
    ids = as_ids(arrays["segments"].source, read("segments"))
    return Cutout(read("image"), ids, voxel_nm, (z, y, x))


def _frame(
    arrays: Mapping[str, OpenedArray],
    corners: Mapping[str, Corner],
    stated_nm: Place | None,
) -> tuple[Place, Place]:
    """Return the edges of a voxel, and the place of the first that both cover, nm.

    An array that says no place lies where the other does.
    """
    for name in ("segments", "image"):
        size, offset = arrays[name].resolution_nm, arrays[name].offset_nm
        if size is not None:
            z, y, x = np.array(offset or (0, 0, 0)) + np.multiply(corners[name], size)
            return size, (float(z), float(y), float(x))
    if stated_nm is None:
        raise ModelError(
            "no voxel size: neither image nor segments say it; give it in nm, such as "
            "--voxel-nm 30,8,8 (z, y, x)"
        )
    return stated_nm, (0.0, 0.0, 0.0)


def _check_bounds(
    bounds: list[tuple[int, int]], whole: list[tuple[int, int]], voxel_nm: Place
) -> None:
    """Refuse a box that is not inside the whole, or too large."""
    pairs = zip(bounds, whole, strict=True)
    if not all(start <= low < high <= end for (low, high), (start, end) in pairs):
        raise ModelError(
            f"box {_text(bounds)} is not inside the data: image and segments both have "
            f"{_text(whole)} (z, y, x in voxels, counted from 0 nm)"
        )
    cubes = [1.0] * 3 if are_cubes(voxel_nm) else [a / min(voxel_nm) for a in voxel_nm]
    count = math.prod(high - low for low, high in bounds) * math.prod(cubes)
    if count > MOST_VOXELS:
        part = [
            (low, min(high, low + math.ceil(EDGE / along)))
            for (low, high), along in zip(bounds, cubes, strict=True)
        ]
        raise ModelError(
            f"{_text(bounds)} holds {round(count):,} voxels, as cubes, at most "
            f"{MOST_VOXELS:,} are looked at; name a part around the seed, such as "
            f"--box {_text(part)}"
        )


def _text(bounds: Iterable[tuple[int, int]]) -> str:
    return ",".join(f"{low}:{high}" for low, high in bounds)
