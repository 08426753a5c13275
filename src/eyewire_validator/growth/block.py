"""The block that cells grow in: volumes that overlap, and the ways between them."""

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import cache, cached_property
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from eyewire_validator.storage.schemas.columns import MINIMA
from eyewire_validator.volumes.dust import Dust, scaled
from eyewire_validator.volumes.geometry import Corner
from eyewire_validator.volumes.spawning import (
    PRIOR_VOXELS,
    Slab,
    Step,
    spawn_seeds,
)
from eyewire_validator.volumes.store import SEGMENT_IDS, VolumeStore


class Way(NamedTuple):
    """The way from a volume to a neighbouring one.

    Attributes:
        volume: the neighbour.
        step: to it, in coarse voxels.
    """

    volume: int
    step: Step


class Child(NamedTuple):
    """A seed that an answer gives in a neighbouring volume.

    Attributes:
        volume: the neighbour.
        seed: (n,) int64 its segments, ascending.
        through: (m,) int64 segments of the answer that lie over the seed.
    """

    volume: int
    seed: NDArray[np.int64]
    through: NDArray[np.int64]


def corners_in(catalog: pd.DataFrame) -> dict[int, Corner]:
    """Return the lowest voxel (z, y, x) of each volume whose place is known.

    Args:
        catalog: table in the schema `CATALOG`.
    """
    placed = catalog.dropna(subset=MINIMA)
    corners = placed[MINIMA].to_numpy(np.int64)
    return {
        int(volume): (int(z), int(y), int(x))
        for volume, (z, y, x) in zip(placed["volume"], corners, strict=True)
    }


class Block:
    """Volumes of one store, and where they lie.

    Args:
        store: the volumes.
        corners: lowest voxel (z, y, x) of each volume, at full resolution.
        dust: segments that are neither seeds nor joined.
    """

    def __init__(
        self, store: VolumeStore, corners: Mapping[int, Corner], dust: Dust
    ) -> None:
        """Note which volumes overlap; read none yet."""
        self.store, self.dust = store, dust
        self.corners = {
            volume: corner for volume, corner in corners.items() if volume in store
        }
        self.ways = self._ways()
        self._sizes_in_slab = cache(self._count_in_slab)
        self._eligible = cache(self._not_dust)

    @cached_property
    def prior(self) -> float:
        """The spawner's prior, in coarse voxels."""
        geometry = self.store.geometry
        return scaled(PRIOR_VOXELS, geometry.size) / math.prod(geometry.factor)

    def overlap(self, one: int, other: int) -> bool:
        """Return whether two volumes share voxels."""
        return all(
            abs(a - b) < size
            for a, b, size in zip(
                *(self.corners[one], self.corners[other]),
                self.store.geometry.size,
                strict=True,
            )
        )

    def voxels(self, volume: int, segments: NDArray[np.int64]) -> int:
        """Return the full-resolution voxels of segments of a volume."""
        table = self.store.coverage(volume).segments
        return int(table.loc[table["segment"].isin(segments), "voxels"].sum())

    def candidates(self, volume: int, seed: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the segments that may be joined: neither the seed's nor dust."""
        coverage = self.store.coverage(volume)
        chosen = coverage.candidates(seed, self.dust)
        segments: NDArray[np.int64] = coverage.segments["segment"].to_numpy(np.int64)
        return segments[chosen]

    def children(
        self,
        volume: int,
        answer: NDArray[np.int64],
        pairs: Mapping[int, NDArray[np.int64]],
    ) -> Iterator[Child]:
        """Yield the seeds that an answer gives in the volumes around.

        Args:
            volume: where the answer is.
            answer: its segments, the seed's too.
            pairs: (n, 2) segments that touch, by volume.
        """
        for way in self.ways[volume]:
            slab = self._slab(volume, way)
            eligible = self._eligible(way.volume)
            if slab is None:
                continue
            found = spawn_seeds(slab, answer.tolist(), eligible, pairs[way.volume])
            for seed in found:
                ids = np.array(sorted(seed), np.int64)
                over = np.unique(slab.parent[np.isin(slab.child, ids)])
                through = np.intersect1d(over, answer).astype(np.int64)
                yield Child(way.volume, ids, through)

    def _ways(self) -> dict[int, list[Way]]:
        """Find, of each volume, the nearest others along each axis that overlap it."""
        geometry = self.store.geometry
        ways: dict[int, list[Way]] = {volume: [] for volume in self.corners}
        for axis, (size, factor) in enumerate(
            zip(geometry.size, geometry.factor, strict=True)
        ):
            rows = defaultdict(list)
            for volume, corner in self.corners.items():
                beside = (*corner[:axis], *corner[axis + 1 :])
                rows[beside].append((corner[axis], volume))
            for row in map(sorted, rows.values()):
                for (low, one), (high, other) in pairwise(row):
                    if high - low < size:
                        step = Step(axis, (high - low) // factor)
                        ways[one].append(Way(other, step))
                        ways[other].append(Way(one, step.reversed()))
        return {volume: sorted(found) for volume, found in ways.items()}

    def _slab(self, volume: int, way: Way) -> Slab | None:
        """Return what two volumes share, without its outermost voxels, if anything."""
        axis = way.step.axis
        shape = self.store.geometry.coarse_shape
        start, stop = way.step.shared(shape)
        if stop - start < 3:  # nothing but the outermost
            return None
        inner = [slice(1, length - 1) for length in shape]
        here, there = inner.copy(), inner.copy()
        here[axis] = slice(start + 1, stop - 1)
        there[axis] = slice(start + 1 - way.step.voxels, stop - 1 - way.step.voxels)
        return Slab(
            self.store.get(volume).segmentation[tuple(here)],
            self.store.get(way.volume).segmentation[tuple(there)],
            axis,
            way.step.is_above,
            self._sizes_in_slab(way),
            self.prior,
        )

    def _count_in_slab(self, way: Way) -> NDArray[np.int64]:
        """Count the coarse voxels of the neighbour's segments in what is shared."""
        start, stop = way.step.reversed().shared(self.store.geometry.coarse_shape)
        box = [slice(None)] * 3
        box[way.step.axis] = slice(start + 1, stop - 1)
        slab = self.store.get(way.volume).segmentation[tuple(box)]
        return np.bincount(slab.ravel(), minlength=SEGMENT_IDS)

    def _not_dust(self, volume: int) -> NDArray[np.bool_]:
        """Tell by id which segments of a volume may be seeds."""
        found = np.zeros(SEGMENT_IDS, np.bool_)
        found[self.candidates(volume, np.empty(0, np.int64))] = True
        return found
