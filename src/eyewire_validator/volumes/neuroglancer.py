"""Count voxels as a state of Neuroglancer does: x first, in metres."""

from collections.abc import Sequence
from typing import Any


def dimensions(voxel_nm: Sequence[float]) -> dict[str, list[Any]]:
    """Return the dimensions of a state that counts voxels (z, y, x) of so many nm."""
    return {
        axis: [float(f"{nm}e-9"), "m"]
        for axis, nm in zip("xyz", reversed(voxel_nm), strict=True)
    }


def middle_xyz(point: Sequence[int]) -> list[float]:
    """Return the middle of a voxel (z, y, x), x first."""
    return [along + 0.5 for along in reversed(point)]
