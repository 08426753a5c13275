"""Mean linkage from a seed as it was first written: each join looks at every contact.

What `eyewire_validator.agglomeration.linkage` is measured against, and must equal.
"""

import numpy as np
from numba import njit

from eyewire_validator.agglomeration.linkage import HIGHEST


def link(pairs, faces, evidence, seed):
    """Join segments until no contact is left.

    Returns:
        The segments that touch another one, ascending, and their levels.
    """
    names, ends = np.unique(pairs, return_inverse=True)
    levels = np.full(len(names), -np.inf, np.float32)
    in_seed = np.isin(names, seed)
    if not in_seed.any():
        return names, levels
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
    return names, np.where(in_seed, np.inf, joined).astype(np.float32)


@njit
def _join(pairs, total, weight, nodes, root):
    """Join nodes; each pair is there once, and its ends differ."""
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
