"""Geometry of volumes: where they lie, and how their frames relate.

All positions are in voxels of the full-resolution data, axis order (z, y, x).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eyewire_validator.errors import ConfigError


@dataclass(frozen=True)
class VolumeGeometry:
    """Size of the cubic volumes, their overlap, and the factor of downsampling.

    Eyewire: size 256, overlap 32, factor 4, hence stride 224 and 64 coarse voxels.

    Args:
        size: edge of a volume, in voxels.
        overlap: voxels that face-adjacent volumes share along their common axis.
        factor: edge of the block that becomes one coarse voxel.
    """

    size: int = 256
    overlap: int = 32
    factor: int = 4

    def __post_init__(self) -> None:
        """Refuse geometries whose coarse frames would not line up."""
        if not 0 <= self.overlap < self.size:
            raise ConfigError(
                f"volumes: overlap {self.overlap} must be below size {self.size}"
            )
        for name, value in (("size", self.size), ("stride", self.stride)):
            if value % self.factor:
                raise ConfigError(
                    f"volumes: factor {self.factor} does not divide the {name} of "
                    f"{value} (stride is size - overlap); change one of the three"
                )

    @property
    def stride(self) -> int:
        """Distance between face-adjacent volumes, in voxels."""
        return self.size - self.overlap

    @property
    def coarse_size(self) -> int:
        """Edge of a downsampled volume, in coarse voxels."""
        return self.size // self.factor

    @property
    def shape(self) -> tuple[int, int, int]:
        """Shape of a volume (z, y, x)."""
        return (self.size,) * 3

    @property
    def coarse_shape(self) -> tuple[int, int, int]:
        """Shape of a downsampled volume (z, y, x)."""
        return (self.coarse_size,) * 3


def grid_positions(minima: NDArray[np.int64], stride: int) -> NDArray[np.int64]:
    """Turn volume corners into grid indices, counted from the lowest one.

    Args:
        minima: (n, 3) lowest corner of each volume, voxels, (z, y, x).
        stride: distance between face-adjacent volumes, voxels.

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
