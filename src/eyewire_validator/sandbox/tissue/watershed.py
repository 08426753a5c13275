"""A watershed from markers: the lowest voxel beside what is flooded is flooded next."""

import numpy as np
from numpy.typing import NDArray

from eyewire_validator.volumes.compiled import compiled


def watershed(
    landscape: NDArray[np.float32],
    markers: NDArray[np.int32],
    within: NDArray[np.bool_],
) -> NDArray[np.int32]:
    """Flood a landscape from markers; voxels that share a face are neighbours.

    Equal voxels are flooded in the order in which the flood came beside them, markers
    first. As ``skimage.segmentation.watershed`` does it, but for the order of markers
    of equal height, which there is any, and here that of the voxels.

    Args:
        landscape: heights (z, y, x).
        markers: the basin that begins in each voxel, 0 for none.
        within: where the flood may go.

    Returns:
        The basin of each voxel; 0 where the flood did not come.
    """
    # A rim that is not within saves looking for the edge at each step.
    heights = np.pad(landscape, 1)
    basins = np.pad(np.where(within, markers, -1), 1, constant_values=-1)
    _, height, width = basins.shape
    _flood(_ascending(heights), heights.ravel(), height * width, width, basins.ravel())
    flooded: NDArray[np.int32] = np.maximum(basins[1:-1, 1:-1, 1:-1], 0)
    return flooded


def _ascending(heights: NDArray[np.float32]) -> NDArray[np.int32]:
    """Return the flat indices of voxels, lowest first, equal ones in their order."""
    # The bits of a positive float32, read as a whole number, are in the same order, and
    # one number of height and index sorts many times faster than argsort.
    bits = (heights.ravel() + np.float32(0)).view(np.int32)
    ordered = np.where(bits < 0, bits ^ np.int32(0x7FFFFFFF), bits)
    keys = (ordered.astype(np.int64) << 32) | np.arange(bits.size)
    keys.sort()
    return keys.astype(np.int32)


@compiled()
def _flood(ascending, heights, area, width, basins):  # type: ignore[no-untyped-def]
    """Flood level by level; ``basins`` is -1 where the flood may not go."""
    steps = (-area, -width, -1, 1, width, area)
    # When the flood came beside a voxel, and those whose turn it is at this level.
    ages = np.zeros(basins.size, np.int32)
    queue = np.empty(basins.size, np.int32)
    age, start = 0, 0
    while start < ascending.size:
        level, end = heights[ascending[start]], 0
        while start < ascending.size and heights[ascending[start]] == level:
            voxel = ascending[start]
            start += 1
            if basins[voxel] > 0:
                place = end
                while place > 0 and ages[queue[place - 1]] > ages[voxel]:
                    queue[place] = queue[place - 1]
                    place -= 1
                queue[place] = voxel
                end += 1
        turn = 0
        while turn < end:
            voxel = queue[turn]
            turn += 1
            for step in steps:
                beside = voxel + step
                if basins[beside] == 0:
                    age += 1
                    basins[beside], ages[beside] = basins[voxel], age
                    # What lies lower is flooded at this level, too.
                    if heights[beside] <= level:
                        queue[end] = beside
                        end += 1
