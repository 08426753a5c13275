"""Downsample volumes and write them, with tables that lead back to segments."""

import logging
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from eyewire_validator.storage.files import write_array
from eyewire_validator.storage.hashes import file_hash
from eyewire_validator.storage.schemas.volumes import (
    COVERAGE,
    SEGMENT_GRAPH,
    SEGMENTS_OF_VOLUME,
)
from eyewire_validator.storage.tables import write_columns
from eyewire_validator.volumes.downsampling import (
    BlockCounts,
    bounding_boxes,
    count_blocks,
    downsample_image,
    vote,
)
from eyewire_validator.volumes.geometry import Edges
from eyewire_validator.volumes.raw import RawVolume
from eyewire_validator.volumes.store import (
    COVERAGE_TABLE,
    GRAPH_TABLE,
    IMAGE,
    SEGMENT_IDS,
    SEGMENTATION,
    SEGMENTS_TABLE,
)

log = logging.getLogger(__name__)

# The columns of a table by their names, all of one length.
Columns = dict[str, NDArray[Any]]


class DownsampledVolume(NamedTuple):
    """A volume in coarse voxels, and the tables that lead back to its segments.

    Attributes:
        image: (z, y, x) uint8, the mean of each block.
        segmentation: (z, y, x) uint16, the vote of each block.
        coverage: columns of `COVERAGE`, sorted by segment and coarse voxel.
        segments: columns of `SEGMENTS_OF_VOLUME`, ascending by segment.
        edges: records of `RAW_EDGE`, as Eyewire has them.
    """

    image: NDArray[np.uint8]
    segmentation: NDArray[np.uint16]
    coverage: Columns
    segments: Columns
    edges: NDArray[np.void]


def downsample_volume(raw: RawVolume) -> DownsampledVolume:
    """Downsample a volume and measure its segments.

    One full-resolution array is in memory at a time: 34 MB for 256 voxels cubed. The
    segmentation comes first: unpacking takes its size again, and compiled code, whose
    libraries take more, is not yet loaded then.

    Args:
        raw: the volume.

    Raises:
        VolumeError: a file is missing, damaged, or of another size or form.
    """
    factor = raw.geometry.factor
    blocks, coarse, segments = _vote_and_measure(raw.segmentation(), factor)
    table = coverage_table(blocks)
    del blocks
    image = downsample_image(raw.image(), factor)
    return DownsampledVolume(image, coarse, table, segments, raw.edges())


def _vote_and_measure(
    segmentation: NDArray[np.uint16], factor: Edges
) -> tuple[BlockCounts, NDArray[np.uint16], Columns]:
    blocks = count_blocks(segmentation, factor)
    coarse = vote(blocks)
    return blocks, coarse, segments_table(segmentation, coarse, blocks)


def write_volume(folder: Path, volume: DownsampledVolume) -> dict[str, str]:
    """Write a downsampled volume.

    Args:
        folder: gets image.lzma, segmentation.lzma, coverage.parquet, segments.parquet
            and graph.parquet.
        volume: from `downsample_volume`; edges that join no two of its segments are
            left out.

    Returns:
        The SHA-256 of each file by its name.
    """
    write_array(folder / IMAGE, volume.image)
    write_array(folder / SEGMENTATION, volume.segmentation)
    write_columns(
        folder / COVERAGE_TABLE,
        volume.coverage,
        COVERAGE,
        differences=["coarse_voxel"],
    )
    write_columns(folder / SEGMENTS_TABLE, volume.segments, SEGMENTS_OF_VOLUME)
    edges = _edges_between(volume.segments["segment"], volume.edges)
    if dropped := len(volume.edges) - len(edges["one"]):
        counts = f"{dropped} of {len(volume.edges)} edges"
        log.warning("%s: %s join no two segments; left out", folder, counts)
    write_columns(folder / GRAPH_TABLE, edges, SEGMENT_GRAPH)
    names = (IMAGE, SEGMENTATION, COVERAGE_TABLE, SEGMENTS_TABLE, GRAPH_TABLE)
    return {name: file_hash(folder / name) for name in names}


def coverage_table(blocks: BlockCounts) -> Columns:
    """Return columns of `COVERAGE`, sorted by segment and coarse voxel."""
    order = np.argsort(blocks.segment, kind="stable")
    return {name: vars(blocks)[name][order] for name in COVERAGE.names}


def segments_table(
    segmentation: NDArray[np.uint16], coarse: NDArray[np.uint16], blocks: BlockCounts
) -> Columns:
    """Measure the segments, before and after the vote; 0 is left out.

    Args:
        segmentation: (z, y, x) uint16, full resolution.
        coarse: (z, y, x) uint16, from `vote`.
        blocks: from `count_blocks`.

    Returns:
        Columns of `SEGMENTS_OF_VOLUME`, ascending by segment.
    """
    voxels = blocks.sizes()
    present = np.flatnonzero(voxels)
    coarse_voxels = np.bincount(coarse.ravel(), minlength=SEGMENT_IDS)
    boxes = bounding_boxes(segmentation)[present]
    columns: Columns = {
        "segment": present,
        "voxels": voxels[present],
        "coarse_voxels": coarse_voxels[present],
    }
    for axis, name in enumerate("zyx"):
        columns[f"min_{name}"] = boxes[:, 0, axis]
        columns[f"max_{name}"] = boxes[:, 1, axis]
    return columns


def _edges_between(segments: NDArray[np.int64], edges: NDArray[np.void]) -> Columns:
    """Keep the edges between two of the segments, the lower one first, ascending."""
    ends = np.sort([edges["one"], edges["other"]], axis=0)
    kept = np.isin(ends, segments).all(axis=0) & (ends[0] != ends[1])
    (one, other), affinity = ends[:, kept], edges["affinity"][kept]
    order = np.lexsort((affinity, other, one))
    return {"one": one[order], "other": other[order], "affinity": affinity[order]}
