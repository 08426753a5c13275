"""Floods: from the seed along a graph of segments, over its strongest edges.

The score of a segment is the highest threshold at which a flood along the edges at or
above it still reaches the segment from the seed, that is, the weakest edge of the best
path. Thresholded like the probability of any other model, it gives that flood.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial

import numpy as np
import pandas as pd
from numba import njit
from numpy.typing import NDArray

from eyewire_validator.answerers.masks import answer_given
from eyewire_validator.answers import Answer, answer_in_segments
from eyewire_validator.bridge import Dust
from eyewire_validator.lineage import Task
from eyewire_validator.volume_store import SEGMENT_IDS, VolumeStore

# Graphs kept in memory, about 1 MB each; many tasks lie in the same volume.
GRAPHS = 64

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Graph:
    """Segments of a volume, and how strongly pairs of them are joined.

    Attributes:
        pairs: (n, 2) int64 segment ids, never 0.
        weights: (n,) float32, 0 to 1.
    """

    pairs: NDArray[np.int64]
    weights: NDArray[np.float32]


@dataclass(frozen=True)
class Contacts:
    """Where the segments of a coarse segmentation touch.

    Two voxels that are neighbours along an axis share a face. Segments that vanished in
    the vote touch nothing.

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
        keys = []
        for axis in range(3):
            ids = np.moveaxis(segmentation, axis, 0).astype(np.int64)
            one, other = ids[:-1], ids[1:]
            low, high = np.minimum(one, other), np.maximum(one, other)
            keys.append((low * SEGMENT_IDS + high)[one != other])
        unique, faces = np.unique(np.concatenate(keys), return_counts=True)
        pairs = np.stack(np.divmod(unique, SEGMENT_IDS), axis=1)
        surface = np.bincount(pairs.ravel(), faces.repeat(2), SEGMENT_IDS)
        is_segment = pairs[:, 0] > 0
        return cls(pairs[is_segment], faces[is_segment], surface.astype(np.int64))

    def graph(self) -> Graph:
        """Weigh a contact by its share of all faces of the smaller of the two."""
        smaller = self.surface[self.pairs].min(axis=1)
        return Graph(self.pairs, (self.faces / smaller).astype(np.float32))


def contacts_of(store: VolumeStore) -> Callable[[int], Contacts]:
    """Return what finds the contacts in a volume; the last ones are kept."""
    return lru_cache(GRAPHS)(
        lambda volume: Contacts.find(store.get(volume).segmentation)
    )


def flood(graph: Graph, seed: NDArray[np.int64]) -> NDArray[np.float32]:
    """Flood a graph from the seed.

    Args:
        graph: its edges of weight 0 lead nowhere.
        seed: (n,) segment ids.

    Returns:
        (65536,) float32 scores by segment id: 1 for the seed, 0 for what stays dry.
    """
    order = np.argsort(-graph.weights, kind="stable")
    scores = np.zeros(SEGMENT_IDS, np.float32)
    scores[seed] = 1
    _flood(graph.pairs[order], graph.weights[order], scores)
    return scores


def contact_greedy(store: VolumeStore) -> Callable[[Task], Answer]:
    """Take, again and again, the segment in closest contact with what is there.

    Stopping below a threshold makes that the flood of `Contacts.graph`. Segments that
    vanished in the vote score 0.
    """
    contacts = contacts_of(store)
    return partial(_answer, store, lambda volume: contacts(volume).graph())


def msty(store: VolumeStore, index: pd.DataFrame) -> Callable[[Task], Answer]:
    """Do as Eyewire's own agent does: flood its spanning tree of affinities.

    The agent has one global threshold (`datasets.mst_threshold`, 0.35 by default); here
    it is chosen like that of any other model. Where the bucket has no graph, the answer
    is the seed alone, and the log says so once.

    Args:
        store: the volumes.
        index: table in the schema `tables.TASK_INDEX`, for the log.
    """
    graph_of = _affinities(store)
    _warn_of_bare_volumes(graph_of, index)
    return partial(_answer, store, graph_of)


def msty_oracle(
    store: VolumeStore, index: pd.DataFrame, dust: Dust
) -> Callable[[Task], Answer]:
    """Do as `msty` does, with the threshold that is best for each single task.

    A reference: it knows the truth. Best is the threshold with the fewest wrong voxels,
    missed or falsely merged. (The best IoU of a task without its seed would be no
    bound: it floods the whole volume as soon as that wins any voxel of the truth.)

    Args:
        store: the volumes.
        index: table in the schema `tables.TASK_INDEX`, for the log.
        dust: segments that are no candidates.
    """
    graph_of = _affinities(store)
    _warn_of_bare_volumes(graph_of, index)
    return partial(_answer_best, store, graph_of, dust)


def _affinities(store: VolumeStore) -> Callable[[int], Graph]:
    """Return what reads the graph of a volume; the last ones are kept."""

    def read(volume: int) -> Graph:
        edges = store.graph(volume)
        weights = edges["affinity"].to_numpy(np.float32).clip(0, 1)
        return Graph(edges[["one", "other"]].to_numpy(np.int64), weights)

    return lru_cache(GRAPHS)(read)


def _warn_of_bare_volumes(
    graph_of: Callable[[int], Graph], index: pd.DataFrame
) -> None:
    volumes = index.loc[index["split"].notna(), "volume"].unique()
    if bare := sum(not len(graph_of(volume).pairs) for volume in volumes):
        counts = f"{bare} of {len(volumes)} volumes"
        log.warning("%s have no segmentation.graph: only the seed is answered", counts)


def _answer(store: VolumeStore, graph_of: Callable[[int], Graph], task: Task) -> Answer:
    scores = flood(graph_of(task.place), task.seed)
    return answer_in_segments(store.get(task.place).segmentation, task.seed, scores)


def _answer_best(
    store: VolumeStore, graph_of: Callable[[int], Graph], dust: Dust, task: Task
) -> Answer:
    bridge = store.bridge(task.place)
    candidates = bridge.segments[bridge.candidates(task.seed, dust)]
    segments = candidates["segment"].to_numpy()
    scores = flood(graph_of(task.place), task.seed)[segments]
    belongs = np.isin(segments, task.aggregate)
    threshold = _best_threshold(scores, belongs, candidates["voxels"].to_numpy())
    return answer_given(task, segments[scores >= threshold], store)


def _best_threshold(
    scores: NDArray[np.float32], belongs: NDArray[np.bool_], voxels: NDArray[np.int64]
) -> float:
    """Return the threshold with the fewest wrong voxels; infinite if none helps."""
    order = np.argsort(-scores, kind="stable")
    order = order[scores[order] > 0]
    ranked = scores[order]
    gains = np.cumsum(np.where(belongs, voxels, -voxels)[order])
    # Segments of equal scores are chosen together.
    gains[:-1][ranked[1:] == ranked[:-1]] = 0
    return float(ranked[gains.argmax()]) if gains.max(initial=0) > 0 else np.inf


@njit(cache=True, nogil=True)
def _flood(pairs, weights, scores):  # type: ignore[no-untyped-def]
    """Join segments by their edges, strongest first, and score those that get wet.

    Kruskal's algorithm: what joins two groups is the weakest edge of the best path
    between them. The members of a group form a ring: it is walked through in no time,
    and one swap joins two. All members of a group have a score, or none has.
    """
    group = np.arange(scores.size)
    after = np.arange(scores.size)
    members = np.ones(scores.size, np.int64)
    for i in range(weights.size):
        one, other = group[pairs[i, 0]], group[pairs[i, 1]]
        if one == other:
            continue
        if (scores[one] > 0) != (scores[other] > 0):
            _fill(scores, after, other if scores[one] > 0 else one, weights[i])
        small, large = (one, other) if members[one] < members[other] else (other, one)
        _fill(group, after, small, large)
        members[large] += members[small]
        after[small], after[large] = after[large], after[small]


@njit(cache=True, nogil=True)
def _fill(values, after, first, value):  # type: ignore[no-untyped-def]
    """Set the value of all members of the ring that ``first`` is in."""
    member = first
    while True:
        values[member] = value
        member = after[member]
        if member == first:
            break
