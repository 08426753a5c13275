"""Volumes of a block put together: what is written of them for Neuroglancer."""

from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eyewire_validator.growth.block import Block
from eyewire_validator.storage.array_files.opened import Box
from eyewire_validator.storage.array_files.precomputed_writer import (
    Form,
    write_precomputed,
)


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
        self.places = {
            volume: np.array(block.corners[volume]) // geometry.factor
            for volume in sorted(volumes)
        }
        lowest = [*self.places.values()] or [np.zeros(3, np.int64)]
        self.corner = np.min(lowest, axis=0)
        self.shape = np.max(lowest, axis=0) - self.corner + geometry.coarse_shape

    def parts(self, box: Box) -> Iterator[tuple[int, Box, Box]]:
        """Yield what volumes have of a box: the volume, where in the box, and in it."""
        start = np.array([one.start for one in box])
        stop = np.array([one.stop for one in box])
        for volume, place in self.places.items():
            low = np.maximum(start, place)
            high = np.minimum(stop, place + self.block.store.geometry.coarse_shape)
            if (low < high).all():
                yield (
                    volume,
                    _box(low - start, high - start),
                    _box(low - place, high - place),
                )

    def image(self, box: Box) -> NDArray[np.uint8]:
        """Return the (z, y, x) uint8 grey values of a box, 0 where no volume is."""
        grey = np.zeros([one.stop - one.start for one in box], np.uint8)
        for volume, here, there in self.parts(box):
            grey[here] = self.block.store.get(volume).image[there]
        return grey

    def write(
        self, folder: Path, form: Form, read: Callable[[Box], NDArray[Any]]
    ) -> None:
        """Write them in the precomputed form, whole or not at all.

        Args:
            folder: see `write_precomputed`.
            form: the same.
            read: `image`, or another function of boxes of this mosaic.
        """
        corner, shape = tuple(self.corner.tolist()), tuple(self.shape.tolist())
        voxel_nm = self.block.store.coarse_voxel_nm
        write_precomputed(folder, form, corner, shape, voxel_nm, read)


def _box(low: NDArray[np.int64], high: NDArray[np.int64]) -> Box:
    return tuple(map(slice, low, high))
