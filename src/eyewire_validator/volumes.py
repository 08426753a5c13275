"""Volumes: fetched as Eyewire keeps them, verified, and written downsampled."""

import io
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError
from scipy.ndimage import find_objects

from eyewire_validator.api.client import EyewireClient
from eyewire_validator.api.concurrency import ask_for_all
from eyewire_validator.downsampling import (
    coverage,
    downsample_image,
    segment_sizes,
    vote,
)
from eyewire_validator.errors import FileError, NotFoundError, VolumeError
from eyewire_validator.files import decompress, write_array, write_bytes
from eyewire_validator.geometry import VolumeGeometry
from eyewire_validator.provenance import file_hash
from eyewire_validator.tables import (
    COVERAGE,
    SEGMENT_GRAPH,
    SEGMENTS_OF_VOLUME,
    make_frame,
    write_table,
)

RAW_SEGMENTATION = "segmentation.lzma"
# Eyewire's own guess of what belongs together; not every bucket has it.
RAW_GRAPH = "segmentation.graph"
RAW_EDGE = np.dtype([("one", "<u2"), ("other", "<u2"), ("affinity", "<f4")])
IMAGE = "image.lzma"
SEGMENTATION = "segmentation.lzma"
COVERAGE_TABLE = "coverage.parquet"
SEGMENTS_TABLE = "segments.parquet"
GRAPH_TABLE = "graph.parquet"

log = logging.getLogger(__name__)


class RawVolume(NamedTuple):
    """A volume as Eyewire keeps it.

    Attributes:
        image: (z, y, x) uint8, full resolution.
        segmentation: (z, y, x) uint16, full resolution.
        edges: the records of its ``segmentation.graph``, columns as in
            `tables.SEGMENT_GRAPH`; empty where the bucket has no such file.
    """

    image: NDArray[np.uint8]
    segmentation: NDArray[np.uint16]
    edges: pd.DataFrame


async def download_volume(
    client: EyewireClient,
    volume: int,
    full_path: str,
    folder: Path,
    geometry: VolumeGeometry,
) -> None:
    """Fetch the slices, segmentation and graph of a volume, and keep what is whole.

    A bucket without ``segmentation.graph`` is fine: the log says so.

    Args:
        client: an open client.
        volume: segmentation id, for messages.
        full_path: URL of the volume's folder, with a trailing slash.
        folder: gets ``jpg/{z}.jpg``, ``segmentation.lzma`` and ``segmentation.graph``,
            byte for byte.
        geometry: the size that the volume must have.

    Raises:
        NotFoundError: the bucket lacks one of the other files.
        VolumeError: a file is damaged, or of another size or form.
        ApiError: any other failure.
    """

    async def save(name: str) -> None:
        try:
            content = await client.fetch(full_path + name, f"volume {volume}")
        except NotFoundError:
            if name != RAW_GRAPH:
                raise
            log.info("volume %d: the bucket has no %s", volume, name)
            return
        decode = _DECODERS.get(name, _decode_slice)
        decode(content, f"volume {volume}: {full_path}{name}", geometry)
        write_bytes(folder / name, content)

    names = [*_DECODERS, *map(_slice_name, range(geometry.size))]
    await ask_for_all(save, names, f"volume {volume}")


def assemble_volume(folder: Path, volume: int, geometry: VolumeGeometry) -> RawVolume:
    """Read what `download_volume` fetched, trusting none of it.

    Args:
        folder: holds ``jpg/{z}.jpg``, ``segmentation.lzma`` and, if the bucket has it,
            ``segmentation.graph``.
        volume: segmentation id, for messages.
        geometry: the size that the volume must have.

    Raises:
        VolumeError: a file is missing, damaged, or of another size or form.
    """
    image = np.empty(geometry.shape, np.uint8)
    for z in range(geometry.size):
        image[z] = _decode_slice(*_read(folder / _slice_name(z), volume), geometry)
    packed = _read(folder / RAW_SEGMENTATION, volume)
    segmentation = _decode_segmentation(*packed, geometry)
    if not (folder / RAW_GRAPH).exists():
        return RawVolume(image, segmentation, make_frame([], SEGMENT_GRAPH))
    records = _read(folder / RAW_GRAPH, volume)
    return RawVolume(image, segmentation, _decode_graph(*records, geometry))


def _slice_name(z: int) -> str:
    return f"jpg/{z}.jpg"


def _read(path: Path, volume: int) -> tuple[bytes, str]:
    where = f"volume {volume}: {path}"
    try:
        return path.read_bytes(), where
    except OSError as error:
        raise _unusable(where, str(error.strerror), "a file") from None


def _decode_slice(
    content: bytes, where: str, geometry: VolumeGeometry
) -> NDArray[np.uint8]:
    size = geometry.size
    try:
        with Image.open(io.BytesIO(content), formats=["JPEG"]) as image:
            if (image.mode, *image.size) != ("L", size, size):
                found = f"{image.width} x {image.height}, mode {image.mode}"
                raise _unusable(where, found, f"{size} x {size}, mode L (grey)")
            return np.asarray(image)
    except UnidentifiedImageError:
        raise _unusable(where, "no JPEG, or no more than its start", "one") from None
    except (OSError, Image.DecompressionBombError) as error:
        raise _unusable(where, str(error), "a whole JPEG") from None


def _decode_segmentation(
    content: bytes, where: str, geometry: VolumeGeometry
) -> NDArray[np.uint16]:
    try:
        unpacked = decompress(content, 2 * geometry.size**3)
    except FileError as error:
        expected = f"lzma of {geometry.size} cubed uint16"
        raise _unusable(where, str(error), expected) from None
    return np.frombuffer(unpacked, "<u2").reshape(geometry.shape)


def _decode_graph(content: bytes, where: str, _: VolumeGeometry) -> pd.DataFrame:
    if len(content) % RAW_EDGE.itemsize:
        expected = f"records of {RAW_EDGE.itemsize} bytes (uint16, uint16, float32)"
        raise _unusable(where, f"{len(content)} bytes", expected)
    records = np.frombuffer(content, RAW_EDGE)
    if wrong := np.count_nonzero(~np.isfinite(records["affinity"])):
        found = f"{wrong} of {len(records)} affinities are not finite"
        raise _unusable(where, found, "numbers")
    columns = {
        name: records[name].astype(SEGMENT_GRAPH.field(name).type.to_pandas_dtype())
        for name in SEGMENT_GRAPH.names
    }
    return pd.DataFrame(columns)


_DECODERS: dict[str, Callable[[bytes, str, VolumeGeometry], Any]] = {
    RAW_SEGMENTATION: _decode_segmentation,
    RAW_GRAPH: _decode_graph,
}


def _unusable(where: str, found: str, expected: str) -> VolumeError:
    return VolumeError(
        f"{where}: {found}; expected {expected}; delete the downloaded folder, if "
        "there is one, and rerun; or exclude the volume's cells from the registry"
    )


def write_volume(
    folder: Path, raw: RawVolume, geometry: VolumeGeometry
) -> dict[str, str]:
    """Write a volume downsampled, with the tables that lead back to its segments.

    Args:
        folder: gets image.lzma, segmentation.lzma, coverage.parquet, segments.parquet
            and graph.parquet.
        raw: what `assemble_volume` read.
        geometry: tells the factor.

    Returns:
        The SHA-256 of each file by its name.
    """
    coarse = vote(raw.segmentation, geometry.factor)
    write_array(folder / IMAGE, downsample_image(raw.image, geometry.factor))
    write_array(folder / SEGMENTATION, coarse)
    found = coverage(raw.segmentation, geometry.factor)
    write_table(folder / COVERAGE_TABLE, pd.DataFrame(vars(found)), COVERAGE)
    segments = _segments(raw.segmentation, coarse)
    write_table(folder / SEGMENTS_TABLE, segments, SEGMENTS_OF_VOLUME)
    edges = _edges_between(segments["segment"].to_numpy(), raw.edges)
    if dropped := len(raw.edges) - len(edges):
        counts = f"{dropped} of {len(raw.edges)} edges"
        log.warning("%s: %s join no two segments; left out", folder, counts)
    write_table(folder / GRAPH_TABLE, edges, SEGMENT_GRAPH)
    names = (IMAGE, SEGMENTATION, COVERAGE_TABLE, SEGMENTS_TABLE, GRAPH_TABLE)
    return {name: file_hash(folder / name) for name in names}


def _segments(
    segmentation: NDArray[np.uint16], coarse: NDArray[np.uint16]
) -> pd.DataFrame:
    """Measure the segments, before and after the vote; 0 is left out."""
    voxels = segment_sizes(segmentation)
    present = np.flatnonzero(voxels[1:]) + 1
    # find_objects has an entry for every id up to the highest, none for unused ones.
    boxes = [box for box in find_objects(segmentation) if box is not None]
    columns: dict[str, Any] = {
        "segment": present,
        "voxels": voxels[present],
        "coarse_voxels": segment_sizes(coarse)[present],
    }
    for axis, name in enumerate("zyx"):
        columns[f"min_{name}"] = [box[axis].start for box in boxes]
        columns[f"max_{name}"] = [box[axis].stop for box in boxes]
    return pd.DataFrame(columns)


def _edges_between(segments: NDArray[np.int64], edges: pd.DataFrame) -> pd.DataFrame:
    """Keep the edges between two of the segments, the lower one first, ascending."""
    ends = np.sort(edges[["one", "other"]].to_numpy(), axis=1)
    kept = np.isin(ends, segments).all(axis=1) & (ends[:, 0] != ends[:, 1])
    edges = edges.assign(one=ends[:, 0], other=ends[:, 1])[kept]
    return edges.sort_values(SEGMENT_GRAPH.names, ignore_index=True)
