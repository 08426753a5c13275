"""Downsample images and segmentations: blocks of ``factor`` voxels an edge become one.

Images take the mean, segmentations the published vote. `count_blocks` keeps what the
vote throws away, and all that the vote needs: it alone looks at every voxel's block.
All arrays are C-order (z, y, x).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eyewire_validator.errors import VolumeError
from eyewire_validator.volumes.compiled import compiled
from eyewire_validator.volumes.geometry import ByAxis, Edges, by_axis
from eyewire_validator.volumes.store import SEGMENT_IDS


@dataclass(frozen=True)
class BlockCounts:
    """Full-resolution voxels of each segment in each coarse voxel.

    Attributes:
        shape: numbers of coarse voxels along z, y and x.
        segment: (n,) uint16, segment ids, never 0; ascending within a coarse voxel.
        coarse_voxel: (n,) int32, C-order index of the coarse voxel, ascending.
        voxels: (n,) int32, full-resolution voxels of the segment in it, at least 1.
    """

    shape: tuple[int, ...]
    segment: NDArray[np.uint16]
    coarse_voxel: NDArray[np.int32]
    voxels: NDArray[np.int32]

    def sizes(self) -> NDArray[np.int64]:
        """Return (65536,) the voxels of every possible segment id, 0 for id 0."""
        # Sums of whole numbers stay exact in float64 up to 2^53.
        counts = np.bincount(self.segment, self.voxels, SEGMENT_IDS)
        return counts.astype(np.int64)


def downsample_image(image: NDArray[np.uint8], factor: ByAxis) -> NDArray[np.uint8]:
    """Average blocks of voxels, rounded half to even.

    Args:
        image: (z, y, x) uint8; every edge a multiple of ``factor``.
        factor: edges of a block (z, y, x), voxels, or one number for all three.

    Returns:
        (z / factor, y / factor, x / factor) uint8.

    Raises:
        VolumeError: another dtype, or an edge that ``factor`` does not divide.
    """
    edges = by_axis(factor)
    _check(image, np.uint8, edges)
    means: NDArray[np.uint8] = _average(image, edges)
    return means


def count_blocks(segmentation: NDArray[np.uint16], factor: ByAxis) -> BlockCounts:
    """Count the voxels of each segment in each block; 0 is left out.

    Args:
        segmentation: (z, y, x) uint16; every edge a multiple of ``factor``.
        factor: edges of a block (z, y, x), voxels, or one number for all three.

    Raises:
        VolumeError: another dtype, or an edge that ``factor`` does not divide.
    """
    edges = by_axis(factor)
    _check(segmentation, np.uint16, edges)
    shape = tuple(a // b for a, b in zip(segmentation.shape, edges, strict=True))
    return BlockCounts(shape, *_cover(*_blocks(segmentation, edges)))


def vote(blocks: BlockCounts) -> NDArray[np.uint16]:
    """Choose one segment for each block, as published.

    Zero loses to any other id; the most frequent nonzero id wins; a tie goes to the id
    with the fewest voxels in the whole volume, then to the smallest id. A block is 0
    only if all its voxels are. (The rule of ``downsample_segment.py`` of the published
    validator.)

    Args:
        blocks: from `count_blocks`.

    Returns:
        (z, y, x) uint16, of the shape of the blocks.
    """
    winners = np.zeros(blocks.shape, np.uint16)
    _vote(
        blocks.segment,
        blocks.coarse_voxel,
        blocks.voxels,
        blocks.sizes(),
        winners.reshape(-1),
    )
    return winners


def bounding_boxes(segmentation: NDArray[np.uint16]) -> NDArray[np.int32]:
    """Find the bounding box of each segment.

    Args:
        segmentation: (z, y, x) uint16.

    Returns:
        (65536, 2, 3) int32, at an id's index: its lowest z, y, x, and the first beyond
        its highest; of no use for ids that are not there.
    """
    boxes = np.empty((SEGMENT_IDS, 2, 3), np.int32)
    boxes[:, 0], boxes[:, 1] = segmentation.shape, 0
    _stretch(np.ascontiguousarray(segmentation), boxes)
    return boxes


def _blocks(
    segmentation: NDArray[np.uint16], factor: Edges
) -> tuple[NDArray[Any], ...]:
    """Index the blocks in the flat array.

    Returns:
        The ids, flat, uint16; the flat index of each block's lowest corner, in C-order
        of the coarse voxels, uintp; the distances of its voxels from there, uintp.
    """
    shape = segmentation.shape
    corners = np.ogrid[tuple(map(slice, (0,) * 3, shape, factor))]
    offsets = np.ogrid[tuple(map(slice, factor))]
    return (
        segmentation.ravel(),
        np.ravel_multi_index(tuple(corners), shape).ravel().astype(np.uintp),
        np.ravel_multi_index(tuple(offsets), shape).ravel().astype(np.uintp),
    )


def _check(array: NDArray[Any], dtype: type[np.generic], factor: Edges) -> None:
    if array.dtype != dtype:
        raise VolumeError(f"array is {array.dtype}, expected {np.dtype(dtype)}")
    if min(factor) < 1 or array.ndim != 3 or np.mod(array.shape, factor).any():
        raise VolumeError(
            f"array of shape {array.shape} does not split into blocks of {factor}; "
            "check volumes.size and volumes.factor in the config"
        )


@compiled()
def _average(image, factor):  # type: ignore[no-untyped-def]
    depth, height, width = image.shape
    deep, high, wide = factor
    means = np.empty((depth // deep, height // high, width // wide), np.uint8)
    columns = np.empty(width, np.uint32)
    for z in range(means.shape[0]):
        for y in range(means.shape[1]):
            # Whole rows become vector instructions.
            columns[:] = 0
            for i in range(deep):
                for j in range(high):
                    columns += image[z * deep + i, y * high + j]
            for x in range(means.shape[2]):
                total = columns[x * wide : (x + 1) * wide].sum()
                means[z, y, x] = _divide(total, deep * high * wide)
    return means


@compiled()
def _divide(total, count):  # type: ignore[no-untyped-def]
    """Divide whole numbers, rounding half to even."""
    mean, rest = divmod(2 * total + count, 2 * count)
    # No rest is exactly half way, and has been rounded up.
    return mean - (mean % 2 if rest == 0 else 0)


@compiled()
def _vote(segments, coarse_voxels, voxels, sizes, winners):  # type: ignore[no-untyped-def]
    most = np.zeros(winners.size, np.int32)
    for i in range(segments.size):
        segment, votes, block = segments[i], voxels[i], coarse_voxels[i]
        tied = votes == most[block]
        if votes > most[block] or (tied and sizes[segment] < sizes[winners[block]]):
            winners[block], most[block] = segment, votes


@compiled()
def _stretch(segmentation, boxes):  # type: ignore[no-untyped-def]
    """Stretch the boxes run by run: voxels of one segment, side by side along x."""
    depth, height, width = segmentation.shape
    for z in range(depth):
        for y in range(height):
            row, start = segmentation[z, y], 0
            for x in range(1, width + 1):
                if x == width or row[x] != row[start]:
                    low, high = boxes[row[start]]
                    low[0], high[0] = min(low[0], z), max(high[0], z + 1)
                    low[1], high[1] = min(low[1], y), max(high[1], y + 1)
                    low[2], high[2] = min(low[2], start), max(high[2], x)
                    start = x


@compiled()
def _cover(ids, corners, offsets):  # type: ignore[no-untyped-def]
    block = np.empty(offsets.size, np.int32)
    # As many entries as voxels at worst; pages that stay empty take no memory.
    segments = np.empty(ids.size, np.uint16)
    coarse_voxels = np.empty(ids.size, np.int32)
    voxels = np.empty(ids.size, np.int32)
    entries = 0
    for coarse_voxel in range(corners.size):
        _gather(ids, corners[coarse_voxel], offsets, block)
        _, segment = _count(block, np.int32(0))
        while segment < SEGMENT_IDS:
            segments[entries] = segment
            coarse_voxels[entries] = coarse_voxel
            voxels[entries], segment = _count(block, segment)
            entries += 1
    return segments[:entries], coarse_voxels[:entries], voxels[:entries]


@compiled()
def _gather(ids, corner, offsets, block):  # type: ignore[no-untyped-def]
    for i in range(offsets.size):
        block[i] = ids[corner + offsets[i]]


@compiled()
def _count(block, segment):  # type: ignore[no-untyped-def]
    """Count a segment's voxels; find the next higher id, or SEGMENT_IDS if none is.

    Two reductions over int32, by index, become vector instructions; that makes looking
    at the whole block once for each of its few ids the fastest way.
    """
    voxels = np.int32(0)
    higher = np.int32(SEGMENT_IDS)
    for i in range(block.size):
        other = block[i]
        voxels += np.int32(other == segment)
        higher = min(higher, other if other > segment else np.int32(SEGMENT_IDS))
    return voxels, higher
