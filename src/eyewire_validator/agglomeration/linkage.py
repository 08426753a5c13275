"""Agglomerate segments with the seed by mean linkage, the surest contact first.

Agglomeration by the mean over the faces between two clusters is what is mostly done
with affinities of neurons (Lee et al. 2017, arXiv:1706.00120; Funke et al. 2019,
doi:10.1109/TPAMI.2018.2835450). Here it is the mean of log odds, as these are what
evidence adds up in, and one cluster is the seed from the start. What belongs to it
depends on where the joining is stopped, so each segment gets the level down to which it
must go on.
"""

import numpy as np
from numpy.typing import NDArray

from eyewire_validator.volumes.compiled import compiled
from eyewire_validator.volumes.store import SEGMENT_IDS

# Log odds are cut off here, at a probability of 0.999: one contact that the classifier
# is very sure of does not outweigh all others. At the lowest, nothing is joined.
HIGHEST = 7.0


def link(
    pairs: NDArray[np.int64],
    faces: NDArray[np.int64],
    evidence: NDArray[np.float32],
    seed: NDArray[np.int64],
) -> NDArray[np.float32]:
    """Join segments until no contact is left.

    Two clusters are as near as the mean of ``evidence`` over the faces between them;
    the nearest two are joined first, of equals those whose contact comes first.

    Args:
        pairs: (n, 2) int64 segment ids of each contact.
        faces: (n,) int64 faces of each.
        evidence: (n,) float32 log odds that both sides belong together, from -HIGHEST
            to HIGHEST.
        seed: ids of the segments that are one from the start.

    Returns:
        (65536,) float32 log odds by segment id: the lowest mean that was joined before
        the segment was one with the seed; infinite for the seed, and minus infinity
        where that never happens.
    """
    levels = np.full(SEGMENT_IDS, -np.inf, np.float32)
    levels[seed] = np.inf
    names, ends = np.unique(pairs, return_inverse=True)
    in_seed = np.isin(names, seed)
    if not in_seed.any():
        return levels
    root = int(np.flatnonzero(in_seed)[0])
    ends = np.where(in_seed[ends], root, ends).reshape(pairs.shape)
    one, other = np.sort(ends, axis=1).T
    inside = one != other
    first, which = np.unique(
        np.stack([one, other], axis=1)[inside], axis=0, return_inverse=True
    )
    shared = faces[inside].astype(np.float64)
    weight, total = (
        np.bincount(which.ravel(), values, len(first)).astype(np.float64)
        for values in (shared, shared * evidence[inside])
    )
    joined = _join(first, total, weight, len(names), root)
    levels[names] = np.where(in_seed, np.inf, joined)
    return levels


@compiled()
def _join(
    pairs: NDArray[np.int64],
    total: NDArray[np.float64],
    weight: NDArray[np.float64],
    nodes: int,
    root: int,
) -> NDArray[np.float64]:  # pragma: no cover - compiled
    """Join nodes; see `link`. Each pair is there once, and its ends differ.

    Each join looks at every contact that is left, once: that suits some thousand
    segments and needs no other structure.
    """
    one, other = pairs[:, 0].copy(), pairs[:, 1].copy()
    cluster = np.arange(nodes)
    levels = np.full(nodes, -np.inf)
    beside = np.full(nodes, -1)
    left, level = len(one), np.inf
    while left:
        nearest = 0
        for edge in range(1, left):
            if total[edge] * weight[nearest] > total[nearest] * weight[edge]:
                nearest = edge
        level = min(level, total[nearest] / weight[nearest])
        if level <= -HIGHEST:
            break
        kept, gone = one[nearest], other[nearest]
        if gone == root:
            kept, gone = gone, kept
        for node in range(nodes):
            if cluster[node] == gone:
                cluster[node] = kept
                if kept == root:
                    levels[node] = level
        alive = 0
        beside[:] = -1
        for edge in range(left):
            a, b = cluster[one[edge]], cluster[other[edge]]
            if a == b:
                continue
            far = b if a == kept else a
            if (a == kept or b == kept) and beside[far] >= 0:
                total[beside[far]] += total[edge]
                weight[beside[far]] += weight[edge]
                continue
            if a == kept or b == kept:
                beside[far] = alive
            one[alive], other[alive] = a, b
            total[alive], weight[alive] = total[edge], weight[edge]
            alive += 1
        left = alive
    return levels
