"""Contacts of a label volume: pairs of touching segments and the faces they share.

Two voxels that are neighbours along an axis share a face.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from eyewire_validator.volumes.graph import GRAPHS, Graph
from eyewire_validator.volumes.store import SEGMENT_IDS, VolumeStore


def faces_along(
    axis: int, segmentation: NDArray[np.integer], *, with_background: bool = False
) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """Find the faces between two segments along an axis.

    Args:
        axis: 0, 1 or 2 for z, y or x.
        segmentation: (z, y, x) segment ids, 0 is background.
        with_background: find the faces between a segment and the background, too.

    Returns:
        Whether there is a face beyond each voxel but the last along the axis, which is
        moved to the front; and (faces,) a code of their pairs, see `pairs_of`.
    """
    ids = np.moveaxis(segmentation, axis, 0).astype(np.int64)
    one, other = ids[:-1], ids[1:]
    touching = one != other
    if not with_background:
        touching &= (one > 0) & (other > 0)
    codes = np.minimum(one, other) * SEGMENT_IDS + np.maximum(one, other)
    return touching, codes[touching]


def pairs_of(codes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the two ids of each code, (n, 2), the lower one first."""
    return np.stack(np.divmod(codes, SEGMENT_IDS), axis=1)


def faces_with_seed(
    pairs: NDArray[np.int64], faces: NDArray[np.int64], seed: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Count the faces that each segment shares with the seed.

    Args:
        pairs: (n, 2) segment ids of each contact.
        faces: (n,) faces of each.
        seed: (n,) segment ids.

    Returns:
        (65536,) int64 by segment id; 0 for the seed itself.
    """
    is_seed = np.isin(pairs, seed)
    beside = is_seed.any(axis=1) & ~is_seed.all(axis=1)
    others = pairs[beside][~is_seed[beside]]
    return np.bincount(others, faces[beside], SEGMENT_IDS).astype(np.int64)


@dataclass(frozen=True)
class Contacts:
    """The contacts of a coarse segmentation.

    Segments that vanished in the vote touch nothing.

    Attributes:
        pairs: (n, 2) int64 segment ids, never 0, the lower one first, ascending.
        faces: (n,) int64 faces that they share.
        surface: (65536,) int64, by segment id: faces that it shares with anything else,
            also with 0. What lies beyond the volume is not known and does not count.
    """

    pairs: NDArray[np.int64]
    faces: NDArray[np.int64]
    surface: NDArray[np.int64]

    @classmethod
    def find(cls, segmentation: NDArray[np.uint16]) -> "Contacts":
        """Count the faces of a segmentation (z, y, x)."""
        codes = [
            faces_along(axis, segmentation, with_background=True)[1]
            for axis in range(3)
        ]
        unique, faces = np.unique(np.concatenate(codes), return_counts=True)
        pairs = pairs_of(unique)
        surface = np.bincount(pairs.ravel(), faces.repeat(2), SEGMENT_IDS)
        is_segment = pairs[:, 0] > 0
        return cls(pairs[is_segment], faces[is_segment], surface.astype(np.int64))

    def graph(self) -> Graph:
        """Weigh a contact by its share of all faces of the smaller of the two."""
        smaller = self.surface[self.pairs].min(axis=1)
        return Graph(self.pairs, (self.faces / smaller).astype(np.float32))


def contacts_of(store: VolumeStore) -> Callable[[int], Contacts]:
    """Return a function that finds the contacts of a volume; the last ones are kept."""
    return lru_cache(GRAPHS)(
        lambda volume: Contacts.find(store.get(volume).segmentation)
    )
