"""Lay out grown cells as trees of cubes."""

from collections import defaultdict

import numpy as np
from numpy.typing import NDArray


def lay_out(
    parents: NDArray[np.int64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return depth and height of each cube of a tree, no two leaves at one height.

    Args:
        parents: (n,) the cube that each was reached from, which comes before it, or
            -1.
    """
    children = defaultdict(list)
    depth, height = np.zeros((2, len(parents)))
    for cube, parent in enumerate(parents):
        children[int(parent)].append(cube)
        depth[cube] = depth[parent] + 1 if parent >= 0 else 0
    leaves, waiting = 0, children[-1][::-1]
    while waiting:
        cube = waiting.pop()
        if not children[cube]:
            height[cube], leaves = -leaves, leaves + 1
        waiting.extend(reversed(children[cube]))
    for cube in range(len(parents) - 1, -1, -1):
        if children[cube]:
            height[cube] = height[children[cube]].mean()
    return depth, height
