"""Paint cells as labels: the id of the cell in each voxel that it has."""

from functools import lru_cache

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from eyewire_validator.growth.block import Block
from eyewire_validator.growth.mosaic import Mosaic
from eyewire_validator.growth.truth import Truth
from eyewire_validator.storage.array_files.opened import Box
from eyewire_validator.volumes.store import SEGMENT_IDS

# Volumes whose painted voxels are kept in memory.
PAINTED = 32


class CellLabels:
    """The labels of cells, in coarse voxels.

    Where volumes overlap, what a cell has in any of them is its own; of cells that
    claim the same voxel, the one of the lowest id has it.

    Args:
        segments: rows of ``cell``, ``volume`` and ``segments``, the cell's there.
        block: that they lie in.

    Attributes:
        mosaic: of the volumes that they lie in.
    """

    def __init__(self, segments: pd.DataFrame, block: Block) -> None:
        """Note where volumes lie; read none yet."""
        self.rows = dict(list(segments.groupby("volume")))
        self.mosaic = Mosaic(block, self.rows)
        self._painted = lru_cache(PAINTED)(self._paint)

    def read(self, box: Box) -> NDArray[np.uint64]:
        """Return the (z, y, x) uint64 cell ids of a box, 0 where no cell is."""
        labels = np.zeros([one.stop - one.start for one in box], np.uint64)
        for volume, within, there in self.mosaic.parts(box):
            here, own = labels[within], self._painted(volume)[there]
            is_first = (own > 0) & ((here == 0) | (own < here))
            np.copyto(here, own, where=is_first)
        return labels

    def _paint(self, volume: int) -> NDArray[np.uint64]:
        """Return the cell in each voxel of a volume."""
        owner = np.zeros(SEGMENT_IDS, np.uint64)
        rows = self.rows[volume].sort_values("cell", ascending=False)
        for cell, segments in rows[["cell", "segments"]].itertuples(index=False):
            owner[segments] = cell
        return owner[self.mosaic.block.store.get(volume).segmentation]


def segments_of_grown(grown: pd.DataFrame) -> pd.DataFrame:
    """Return what cells took, for `CellLabels`.

    Args:
        grown: table in the schema `GROWN`.
    """
    both = [
        np.concatenate([seed, accepted]).astype(np.int64)
        for seed, accepted in zip(grown["seed"], grown["accepted"], strict=True)
    ]
    segments = pd.Series(both, grown.index, dtype=object)
    return grown[["cell", "volume"]].assign(segments=segments)


def segments_of_truth(truth: Truth) -> pd.DataFrame:
    """Return what known cells have, for `CellLabels`."""
    rows = [
        (cell, volume, segments)
        for cell, of_cell in truth.items()
        for volume, segments in of_cell.items()
    ]
    return pd.DataFrame(rows, columns=["cell", "volume", "segments"])
