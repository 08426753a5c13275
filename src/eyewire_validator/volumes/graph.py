"""Graphs of segments, and floods along their strongest edges."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eyewire_validator.volumes.compiled import compiled
from eyewire_validator.volumes.store import SEGMENT_IDS

# Graphs kept in memory, about 1 MB each; many tasks lie in the same volume.
GRAPHS = 64


@dataclass(frozen=True)
class Graph:
    """A weighted graph of the segments of a volume.

    Attributes:
        pairs: (n, 2) int64 segment ids, never 0.
        weights: (n,) float32, 0 to 1.
    """

    pairs: NDArray[np.int64]
    weights: NDArray[np.float32]


def flood(graph: Graph, seed: NDArray[np.int64]) -> NDArray[np.float32]:
    """Flood a graph from the seed.

    Args:
        graph: its edges of weight 0 lead nowhere.
        seed: (n,) segment ids.

    Returns:
        (65536,) float32 scores by segment id: 1 for the seed, 0 for what no path
            reaches.
    """
    order = np.argsort(-graph.weights, kind="stable")
    scores = np.zeros(SEGMENT_IDS, np.float32)
    scores[seed] = 1
    _flood(graph.pairs[order], graph.weights[order], scores)
    return scores


@compiled()
def _flood(pairs, weights, scores):  # type: ignore[no-untyped-def]
    """Join segments by their edges, strongest first, and score what the seed reaches.

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


@compiled()
def _fill(values, after, first, value):  # type: ignore[no-untyped-def]
    """Set the value of all members of the ring that ``first`` is in."""
    member = first
    while True:
        values[member] = value
        member = after[member]
        if member == first:
            break
