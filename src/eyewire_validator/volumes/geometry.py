"""Geometry of volumes: where they lie, and how their frames relate.

All positions are in voxels of the full-resolution data, axis order (z, y, x).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from eyewire_validator.errors import ConfigError

# Voxels along (z, y, x).
Edges = tuple[int, int, int]
# The voxel (z, y, x) where something starts: its lowest.
Corner = tuple[int, int, int]
# The same, or one number for all three.
ByAxis = int | Sequence[int]


def by_axis(value: ByAxis) -> Edges:
    """Return a number for each axis (z, y, x), of one for all or of three."""
    z, y, x = np.broadcast_to(value, 3).tolist()
    return z, y, x


def as_config(edges: Edges) -> int | Edges:
    """Return three numbers as a config says them: as one, where all are equal."""
    return edges[0] if len(set(edges)) == 1 else edges


@dataclass(frozen=True, init=False)
class VolumeGeometry:
    """Size of the volumes, their overlap, and the factor of downsampling.

    Eyewire: size 256, overlap 32, factor 4, hence stride 224 and 64 coarse voxels.

    Args:
        size: edges of a volume (z, y, x), voxels, or one number for all three.
        overlap: voxels that face-adjacent volumes share along their common axis,
            likewise.
        factor: edges of the block that becomes one coarse voxel, likewise.
    """

    size: Edges
    overlap: Edges
    factor: Edges

    def __init__(
        self, size: ByAxis = 256, overlap: ByAxis = 32, factor: ByAxis = 4
    ) -> None:
        """Refuse geometries whose coarse frames would not line up."""
        for name, value in (("size", size), ("overlap", overlap), ("factor", factor)):
            object.__setattr__(self, name, by_axis(value))
        if not all(0 <= a < b for a, b in zip(self.overlap, self.size, strict=True)):
            raise ConfigError(
                f"volumes: overlap {as_config(self.overlap)} must be below size "
                f"{as_config(self.size)}"
            )
        for name, edges in (("size", self.size), ("stride", self.stride)):
            if any(a % b for a, b in zip(edges, self.factor, strict=True)):
                raise ConfigError(
                    f"volumes: factor {as_config(self.factor)} does not divide the "
                    f"{name} of {as_config(edges)} (stride is size - overlap); change "
                    "one of the three"
                )

    @property
    def stride(self) -> Edges:
        """Distance between face-adjacent volumes along (z, y, x), voxels."""
        z, y, x = (a - b for a, b in zip(self.size, self.overlap, strict=True))
        return z, y, x

    @property
    def voxels(self) -> int:
        """Voxels of a volume."""
        return math.prod(self.size)

    @property
    def coarse_shape(self) -> Edges:
        """Shape of a downsampled volume (z, y, x)."""
        z, y, x = (a // b for a, b in zip(self.size, self.factor, strict=True))
        return z, y, x

    @property
    def coarse_voxels(self) -> int:
        """Coarse voxels of a volume."""
        return math.prod(self.coarse_shape)

    def as_config(self) -> dict[str, int | Edges]:
        """Return the arguments that make the same, each as a config says it."""
        return {name: as_config(edges) for name, edges in vars(self).items()}


def grid_positions(minima: NDArray[np.int64], stride: ArrayLike) -> NDArray[np.int64]:
    """Turn volume corners into grid indices, counted from the lowest one.

    A volume that was shifted inwards counts as of the layer that it starts in.

    Args:
        minima: (n, 3) lowest corner of each volume, voxels, (z, y, x).
        stride: distance between face-adjacent volumes, voxels, or one by axis.

    Returns:
        (n, 3) indices along (z, y, x), each axis starting at 0.
    """
    positions: NDArray[np.int64] = (minima - minima.min(axis=0)) // stride
    return positions


def shift_into_frame(
    mask: NDArray[np.generic], offset: tuple[int, int, int]
) -> NDArray[np.generic]:
    """Shift ``mask`` into a frame of the same shape that lies elsewhere.

    Args:
        mask: array (z, y, x).
        offset: where the mask's corner lies in the new frame, voxels (z, y, x).

    Returns:
        An array of the same shape and dtype; 0 where the mask does not reach.
    """
    moved = np.zeros_like(mask)
    target, origin = [], []
    for size, shift in zip(mask.shape, offset, strict=True):
        length = max(size - abs(shift), 0)
        target.append(slice(max(shift, 0), max(shift, 0) + length))
        origin.append(slice(max(-shift, 0), max(-shift, 0) + length))
    moved[tuple(target)] = mask[tuple(origin)]
    return moved
