"""The 48 symmetries of the cube: six orders of the axes times eight flips."""

from functools import lru_cache
from itertools import permutations, product
from typing import NamedTuple

import torch
from torch import Tensor


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


# Has no divisor in common with 48, so that each symmetry is reached, and takes turns
# among orders of the axes and flips.
STRIDE = 29


def choose(count: int) -> list[Symmetry]:
    """Return ``count`` symmetries, at most 48, the identity first; always the same."""
    return [SYMMETRIES[STRIDE * n % len(SYMMETRIES)] for n in range(count)]


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
