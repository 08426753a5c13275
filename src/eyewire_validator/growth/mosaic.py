"""Volumes of a block put together: what is written of them for Neuroglancer."""

from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eyewire_validator.growth.block import Block
from eyewire_validator.storage.array_files.opened import Box
from eyewire_validator.storage.array_files.writer import Create, Extent, write_chunked


class Mosaic:
    """Volumes of a block, in coarse voxels.

    Args:
        block: that they are of.
        volumes: which of its volumes.

    Attributes:
        corner: (3,) lowest coarse voxel (z, y, x) of these.
        shape: (3,) coarse voxels (z, y, x) of all of them.
    """

    def __init__(self, block: Block, volumes: Collection[int]) -> None:
        """Note where they lie; read none yet."""
        self.block = block
        geometry = block.store.geometry
        self.volumes = sorted(volumes)
        corners = [block.corners[volume] for volume in self.volumes]
        places = np.array(corners, np.int64).reshape(-1, 3)
        self._low = places // geometry.factor
        self._high = self._low + geometry.coarse_shape
        # Of no volumes, one in which there is nothing.
        lowest = self._low if len(self._low) else np.zeros((1, 3), np.int64)
        self.corner = lowest.min(axis=0)
        self.shape = lowest.max(axis=0) - self.corner + geometry.coarse_shape

    def parts(self, box: Box) -> Iterator[tuple[int, Box, Box]]:
        """Yield what volumes have of a box: the volume, where in the box, and in it."""
        start = np.array([one.start for one in box])
        low = np.maximum(self._low, start)
        high = np.minimum(self._high, [one.stop for one in box])
        for row in np.flatnonzero((low < high).all(axis=1)):
            here = _box(low[row] - start, high[row] - start)
            there = _box(low[row] - self._low[row], high[row] - self._low[row])
            yield self.volumes[row], here, there

    def image(self, box: Box) -> NDArray[np.uint8]:
        """Return the (z, y, x) uint8 grey values of a box, 0 where no volume is."""
        grey = np.zeros([one.stop - one.start for one in box], np.uint8)
        for volume, here, there in self.parts(box):
            grey[here] = self.block.store.get(volume).image[there]
        return grey

    def write(
        self, folder: Path, create: Create, read: Callable[[Box], NDArray[Any]]
    ) -> None:
        """Write them, whole or not at all; of unknown size, a voxel counts as 1 nm.

        Args:
            folder: see `write_chunked`.
            create: the same.
            read: `image`, or another function of boxes of this mosaic.
        """
        corner, shape = tuple(self.corner.tolist()), tuple(self.shape.tolist())
        voxel_nm = self.block.store.coarse_voxel_nm or (1.0, 1.0, 1.0)
        write_chunked(folder, create, Extent(corner, shape, voxel_nm), read)


def _box(low: NDArray[np.int64], high: NDArray[np.int64]) -> Box:
    return tuple(map(slice, low, high))
