"""Paint grown cells as labels: the id of the cell in each voxel that it took."""

from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from eyewire_validator.growth.block import Block
from eyewire_validator.storage.array_files.opened import Box
from eyewire_validator.storage.array_files.precomputed_writer import (
    write_precomputed_labels,
)
from eyewire_validator.volumes.store import SEGMENT_IDS

# Volumes whose painted voxels are kept in memory.
PAINTED = 32


class GrownLabels:
    """The labels of grown cells, in coarse voxels.

    Where volumes overlap, what a cell has in any of them is its own; of cells that
    claim the same voxel, the one of the lowest id has it.

    Args:
        grown: table in the schema `GROWN`.
        block: that they grew in.

    Attributes:
        corner: (3,) lowest coarse voxel (z, y, x) of the volumes that cells grew in.
        shape: (3,) coarse voxels (z, y, x) of all of these.
    """

    def __init__(self, grown: pd.DataFrame, block: Block) -> None:
        """Note where volumes lie; read none yet."""
        self.block = block
        self.rows = dict(list(grown.groupby("volume")))
        geometry = block.store.geometry
        self.places = {
            volume: np.array(block.corners[volume]) // geometry.factor
            for volume in sorted(self.rows)
        }
        lowest = [*self.places.values()] or [np.zeros(3, np.int64)]
        self.corner = np.min(lowest, axis=0)
        self.shape = np.max(lowest, axis=0) - self.corner + geometry.coarse_shape
        self._painted = lru_cache(PAINTED)(self._paint)

    def read(self, box: Box) -> NDArray[np.uint64]:
        """Return the (z, y, x) uint64 cell ids of a box, 0 where no cell grew."""
        start = np.array([one.start for one in box])
        stop = np.array([one.stop for one in box])
        labels = np.zeros(stop - start, np.uint64)
        for volume, place in self.places.items():
            low = np.maximum(start, place)
            high = np.minimum(stop, place + self.block.store.geometry.coarse_shape)
            if (low < high).all():
                here = labels[_box(low - start, high - start)]
                own = self._painted(volume)[_box(low - place, high - place)]
                is_first = (own > 0) & ((here == 0) | (own < here))
                np.copyto(here, own, where=is_first)
        return labels

    def write(self, folder: Path) -> None:
        """Write them in the precomputed form, whole or not at all."""
        write_precomputed_labels(
            folder,
            tuple(self.corner.tolist()),
            tuple(self.shape.tolist()),
            self.block.store.coarse_voxel_nm,
            self.read,
        )

    def _paint(self, volume: int) -> NDArray[np.uint64]:
        """Return the cell in each voxel of a volume."""
        owner = np.zeros(SEGMENT_IDS, np.uint64)
        rows = self.rows[volume].sort_values("cell", ascending=False)
        for cell, *segments in rows[["cell", "seed", "accepted"]].itertuples(
            index=False
        ):
            owner[np.concatenate(segments).astype(np.int64)] = cell
        return owner[self.block.store.get(volume).segmentation]


def _box(low: NDArray[np.int64], high: NDArray[np.int64]) -> tuple[slice, ...]:
    return tuple(map(slice, low, high))
