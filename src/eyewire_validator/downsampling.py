"""From full resolution to coarse voxels: blocks of ``factor`` cubed become one.

Images take the mean, segmentations the published vote; `coverage` keeps what the vote
throws away. All arrays are C-order (z, y, x).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from eyewire_validator.errors import VolumeError

# Segment ids are uint16, so a table over all of them is small and needs no look-up.
SEGMENT_IDS = 1 << 16


@dataclass(frozen=True)
class Coverage:
    """Full-resolution voxels of each segment in each coarse voxel, sorted by both.

    Attributes:
        segment: (n,) int64, segment ids, never 0.
        coarse_voxel: (n,) int32, C-order index of the coarse voxel.
        voxels: (n,) int32, full-resolution voxels of the segment in it, at least 1.
    """

    segment: NDArray[np.int64]
    coarse_voxel: NDArray[np.int32]
    voxels: NDArray[np.int32]


def downsample_image(image: NDArray[np.uint8], factor: int) -> NDArray[np.uint8]:
    """Average blocks of ``factor`` cubed voxels, rounded half to even.

    Args:
        image: (z, y, x) uint8; every edge a multiple of ``factor``.
        factor: edge of a block, voxels.

    Returns:
        (z / factor, y / factor, x / factor) uint8.

    Raises:
        VolumeError: another dtype, or an edge that ``factor`` does not divide.
    """
    _check(image, np.uint8, factor)
    # One axis after the other, in integers: exact, and faster than all three at once.
    z, y, x = image.shape
    sums = image.reshape(z, y, x // factor, factor).sum(axis=3, dtype=np.uint32)
    sums = sums.reshape(z, y // factor, factor, -1).sum(axis=2)
    sums = sums.reshape(z // factor, factor, y // factor, -1).sum(axis=1)
    # Exact in float64: a mean that is no tie lies at least 1 / (2 factor^3) from one.
    means: NDArray[np.uint8] = np.rint(sums / factor**3).astype(np.uint8)
    return means


def segment_sizes(segmentation: NDArray[np.uint16]) -> NDArray[np.int64]:
    """Count the voxels of every possible segment id.

    Args:
        segmentation: (z, y, x) uint16.

    Returns:
        (65536,) int64; the count of an id stands at its index.
    """
    sizes: NDArray[np.int64] = _count_ids(np.ascontiguousarray(segmentation).ravel())
    return sizes


def vote(segmentation: NDArray[np.uint16], factor: int) -> NDArray[np.uint16]:
    """Choose one segment for each block of ``factor`` cubed voxels, as published.

    Zero loses to any other id; the most frequent nonzero id wins; a tie goes to the id
    with the fewest voxels in the whole volume, then to the smallest id. A block is 0
    only if all its voxels are. (The rule of ``downsample_segment.py`` of the published
    validator.)

    Args:
        segmentation: (z, y, x) uint16; every edge a multiple of ``factor``.
        factor: edge of a block, voxels.

    Returns:
        (z / factor, y / factor, x / factor) uint16.

    Raises:
        VolumeError: another dtype, or an edge that ``factor`` does not divide.
    """
    _check(segmentation, np.uint16, factor)
    winners: NDArray[np.uint16] = _vote(np.ascontiguousarray(segmentation), factor)
    return winners


def coverage(segmentation: NDArray[np.uint16], factor: int) -> Coverage:
    """List how many voxels of each segment lie in each block; 0 is left out.

    Args:
        segmentation: (z, y, x) uint16; every edge a multiple of ``factor``.
        factor: edge of a block, voxels.

    Raises:
        VolumeError: another dtype, or an edge that ``factor`` does not divide.
    """
    _check(segmentation, np.uint16, factor)
    entries = _cover(np.ascontiguousarray(segmentation), factor)
    order = np.argsort(entries[0], kind="stable")
    segment, coarse_voxel, voxels = (column[order] for column in entries)
    return Coverage(segment.astype(np.int64), coarse_voxel, voxels)


def _check(array: NDArray[Any], dtype: type[np.generic], factor: int) -> None:
    if array.dtype != dtype:
        raise VolumeError(f"array is {array.dtype}, expected {np.dtype(dtype)}")
    if factor < 1 or array.ndim != 3 or any(edge % factor for edge in array.shape):
        raise VolumeError(
            f"array of shape {array.shape} does not split into blocks of {factor} "
            "cubed; check volumes.size and volumes.factor in the config"
        )


@njit(cache=True, nogil=True)
def _count_ids(ids):  # type: ignore[no-untyped-def]
    sizes = np.zeros(SEGMENT_IDS, np.int64)
    for segment in ids:
        sizes[segment] += 1
    return sizes


@njit(cache=True, nogil=True)
def _count_block(segmentation, corner, factor, in_block, found):  # type: ignore[no-untyped-def]
    """Add the block at ``corner`` to ``in_block``; list its ids, return how many."""
    count = 0
    for z in range(corner[0], corner[0] + factor):
        for y in range(corner[1], corner[1] + factor):
            for x in range(corner[2], corner[2] + factor):
                segment = segmentation[z, y, x]
                if in_block[segment] == 0:
                    found[count] = segment
                    count += 1
                in_block[segment] += 1
    return count


@njit(cache=True, nogil=True)
def _vote(segmentation, factor):  # type: ignore[no-untyped-def]
    sizes = _count_ids(segmentation.ravel())
    in_block = np.zeros(SEGMENT_IDS, np.int32)
    found = np.empty(factor**3, np.uint16)
    depth, height, width = segmentation.shape
    winners = np.empty((depth // factor, height // factor, width // factor), np.uint16)
    for z, y, x in np.ndindex(winners.shape):
        corner = (z * factor, y * factor, x * factor)
        count = _count_block(segmentation, corner, factor, in_block, found)
        winner = found[0]
        for segment in found[1:count]:
            if _beats(segment, winner, in_block, sizes):
                winner = segment
        winners[z, y, x] = winner
        for segment in found[:count]:
            in_block[segment] = 0
    return winners


@njit(cache=True, nogil=True)
def _beats(segment, other, in_block, sizes):  # type: ignore[no-untyped-def]
    if segment == 0 or other == 0:
        return other == 0
    if in_block[segment] != in_block[other]:
        return in_block[segment] > in_block[other]
    if sizes[segment] != sizes[other]:
        return sizes[segment] < sizes[other]
    return segment < other


@njit(cache=True, nogil=True)
def _cover(segmentation, factor):  # type: ignore[no-untyped-def]
    # As many entries as voxels at worst; pages that stay empty take no memory.
    segments = np.empty(segmentation.size, np.uint16)
    coarse_voxels = np.empty(segmentation.size, np.int32)
    voxels = np.empty(segmentation.size, np.int32)
    in_block = np.zeros(SEGMENT_IDS, np.int32)
    found = np.empty(factor**3, np.uint16)
    depth, height, width = segmentation.shape
    entry = coarse_voxel = 0
    for z in range(0, depth, factor):
        for y in range(0, height, factor):
            for x in range(0, width, factor):
                corner = (z, y, x)
                count = _count_block(segmentation, corner, factor, in_block, found)
                for segment in found[:count]:
                    if segment != 0:
                        segments[entry] = segment
                        coarse_voxels[entry] = coarse_voxel
                        voxels[entry] = in_block[segment]
                        entry += 1
                    in_block[segment] = 0
                coarse_voxel += 1
    return segments[:entry], coarse_voxels[:entry], voxels[:entry]
