"""The 48 symmetries of the cube: six orders of the axes times eight flips.

Tissue has them all, and so has an image of it where voxels are cubes. Axes along which
their edges differ cannot be swapped: 16 symmetries are left of flat voxels.
"""

from collections.abc import Sequence
from functools import lru_cache
from itertools import permutations, product
from typing import NamedTuple, TypeVar

import torch
from torch import Tensor

from eyewire_validator.volumes.voxel_size import VoxelSize, are_alike

T = TypeVar("T")


class Symmetry(NamedTuple):
    """Axes are reordered, then some are flipped.

    Attributes:
        axes: which of (z, y, x) = (0, 1, 2) becomes the first, second and third axis.
        flips: whether the first, second and third new axis is flipped.
    """

    axes: tuple[int, int, int]
    flips: tuple[bool, bool, bool]


SYMMETRIES: tuple[Symmetry, ...] = tuple(
    Symmetry((a, b, c), (i, j, k))
    for a, b, c in permutations(range(3))
    for i, j, k in product((False, True), repeat=3)
)


# Has no divisor in common with 48, 16 and 8, so that each symmetry is reached, and
# takes turns among orders of the axes and flips.
STRIDE = 29


def symmetries_of(voxel_nm: VoxelSize | None) -> tuple[Symmetry, ...]:
    """Return the symmetries that put edges of voxels where such as are alike were.

    Args:
        voxel_nm: edges of a voxel (z, y, x) in nm; those of unknown voxels are alike.

    Returns:
        48 for cubes, 16 where two edges are alike, 8 where none are; the identity
        first.
    """
    if voxel_nm is None:
        return SYMMETRIES
    return tuple(
        symmetry
        for symmetry in SYMMETRIES
        if all(map(are_alike, voxel_nm, turned(voxel_nm, symmetry)))
    )


def numbers_of(symmetries: Sequence[Symmetry]) -> list[int]:
    """Return which of `SYMMETRIES` these are."""
    return [SYMMETRIES.index(symmetry) for symmetry in symmetries]


def choose(count: int, symmetries: Sequence[Symmetry] = SYMMETRIES) -> list[Symmetry]:
    """Return ``count`` of the symmetries, the identity first; always the same."""
    return [symmetries[STRIDE * n % len(symmetries)] for n in range(count)]


def turned(along: Sequence[T], symmetry: Symmetry) -> tuple[T, T, T]:
    """Return what lies along (z, y, x) in the order of the turned axes."""
    a, b, c = (along[axis] for axis in symmetry.axes)
    return a, b, c


def apply(tensor: Tensor, symmetry: Symmetry) -> Tensor:
    """Turn ``tensor`` (..., z, y, x) by a symmetry."""
    leading = tensor.dim() - 3
    moved = tensor.permute(*range(leading), *(leading + axis for axis in symmetry.axes))
    return moved.flip(
        [leading + axis for axis, flip in enumerate(symmetry.flips) if flip]
    )


def steps_along(symmetries: Tensor, size: int) -> tuple[Tensor, Tensor]:
    """Tell where the voxels of turned cubes come from.

    Args:
        symmetries: (n,) int64, which of `SYMMETRIES` turns each cube.
        size: edge of the cubes, voxels.

    Returns:
        (n, 3) int64, which axis (z, y, x) = (0, 1, 2) becomes each new one, and
        (n, 3, size) int64, the position along it of each step along the new one.
    """
    axes, flips = (table[symmetries] for table in _tables(symmetries.device))
    steps = torch.arange(size, device=symmetries.device).expand(*axes.shape, size)
    return axes, torch.where(flips[..., None], size - 1 - steps, steps)


@lru_cache
def _tables(device: torch.device) -> tuple[Tensor, Tensor]:
    """Return (48, 3) axes and flips of all symmetries on a device."""
    axes, flips = zip(*SYMMETRIES, strict=True)
    return torch.tensor(axes, device=device), torch.tensor(flips, device=device)
