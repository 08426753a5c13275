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
    return np.bincount(segmentation.ravel(), minlength=SEGMENT_IDS)


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
    winners: NDArray[np.uint16] = _vote(*_blocks(segmentation, factor))
    return winners.reshape([edge // factor for edge in segmentation.shape])


def coverage(segmentation: NDArray[np.uint16], factor: int) -> Coverage:
    """List how many voxels of each segment lie in each block; 0 is left out.

    Args:
        segmentation: (z, y, x) uint16; every edge a multiple of ``factor``.
        factor: edge of a block, voxels.

    Raises:
        VolumeError: another dtype, or an edge that ``factor`` does not divide.
    """
    _check(segmentation, np.uint16, factor)
    entries = _cover(*_blocks(segmentation, factor))
    order = np.argsort(entries[0], kind="stable")
    segment, coarse_voxel, voxels = (column[order] for column in entries)
    return Coverage(segment.astype(np.int64), coarse_voxel, voxels)


def _blocks(segmentation: NDArray[np.uint16], factor: int) -> tuple[NDArray[Any], ...]:
    """Say where the blocks lie in the flat array.

    Returns:
        The ids, flat, uint16; the flat index of each block's lowest corner, in C-order
        of the coarse voxels, uintp; the distances of its voxels from there, uintp.
    """
    shape = segmentation.shape
    corners = np.ogrid[tuple(slice(0, edge, factor) for edge in shape)]
    offsets = np.ogrid[(slice(factor),) * 3]
    return (
        segmentation.ravel(),
        np.ravel_multi_index(tuple(corners), shape).ravel().astype(np.uintp),
        np.ravel_multi_index(tuple(offsets), shape).ravel().astype(np.uintp),
    )


def _check(array: NDArray[Any], dtype: type[np.generic], factor: int) -> None:
    if array.dtype != dtype:
        raise VolumeError(f"array is {array.dtype}, expected {np.dtype(dtype)}")
    if factor < 1 or array.ndim != 3 or any(edge % factor for edge in array.shape):
        raise VolumeError(
            f"array of shape {array.shape} does not split into blocks of {factor} "
            "cubed; check volumes.size and volumes.factor in the config"
        )


@njit(cache=True, nogil=True)
def _vote(ids, corners, offsets):  # type: ignore[no-untyped-def]
    block = np.empty(offsets.size, np.int32)
    sizes = np.zeros(SEGMENT_IDS, np.int64)
    winners = np.empty(corners.size, np.uint16)
    ties = [0 for _ in range(0)]
    for coarse_voxel in range(corners.size):
        _gather(ids, corners[coarse_voxel], offsets, block)
        winners[coarse_voxel], tied = _elect(block, sizes, 1)
        if tied:
            ties.append(coarse_voxel)
    # The sizes are complete only now; counting them first would take far longer.
    for coarse_voxel in ties:
        _gather(ids, corners[coarse_voxel], offsets, block)
        winners[coarse_voxel], _ = _elect(block, sizes, 0)
    return winners


@njit(cache=True, nogil=True)
def _elect(block, sizes, counted):  # type: ignore[no-untyped-def]
    """Add ``counted`` for each voxel of the block to the size of its segment, and vote.

    Returns the winner, and whether another segment has as many votes.
    """
    winner, most, tied = 0, 0, False
    _, segment = _count(block, np.int32(0))
    while segment < SEGMENT_IDS:
        votes, higher = _count(block, segment)
        sizes[segment] += counted * votes
        if votes >= most:
            tied = votes == most
            if not tied or sizes[segment] < sizes[winner]:
                winner, most = segment, votes
        segment = higher
    return winner, tied


@njit(cache=True, nogil=True)
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


@njit(cache=True, nogil=True)
def _gather(ids, corner, offsets, block):  # type: ignore[no-untyped-def]
    for i in range(offsets.size):
        block[i] = ids[corner + offsets[i]]


@njit(cache=True, nogil=True)
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
