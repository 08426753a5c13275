"""Volumes: fetched as Eyewire keeps them, verified, and written downsampled."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from eyewire_validator.api.client import EyewireClient
from eyewire_validator.api.concurrency import ask_for_all
from eyewire_validator.downsampling import (
    coverage,
    downsample_image,
    segment_sizes,
    vote,
)
from eyewire_validator.errors import FileError, VolumeError
from eyewire_validator.files import decompress, write_array, write_bytes
from eyewire_validator.geometry import VolumeGeometry
from eyewire_validator.provenance import file_hash
from eyewire_validator.tables import COVERAGE, SEGMENTS_OF_VOLUME, write_table

RAW_SEGMENTATION = "segmentation.lzma"
IMAGE = "image.lzma"
SEGMENTATION = "segmentation.lzma"
COVERAGE_TABLE = "coverage.parquet"
SEGMENTS_TABLE = "segments.parquet"


async def download_volume(
    client: EyewireClient,
    volume: int,
    full_path: str,
    folder: Path,
    geometry: VolumeGeometry,
) -> None:
    """Fetch the slices and the segmentation of a volume, and keep what is whole.

    Args:
        client: an open client.
        volume: segmentation id, for messages.
        full_path: URL of the volume's folder, with a trailing slash.
        folder: gets ``jpg/{z}.jpg`` and ``segmentation.lzma``, byte for byte.
        geometry: the size that the volume must have.

    Raises:
        NotFoundError: the bucket lacks one of the files.
        VolumeError: a file is damaged, or of another size or form.
        ApiError: any other failure.
    """

    async def save(name: str) -> None:
        content = await client.fetch(full_path + name, f"volume {volume}")
        decode = _decode_segmentation if name == RAW_SEGMENTATION else _decode_slice
        decode(content, f"volume {volume}: {full_path}{name}", geometry)
        write_bytes(folder / name, content)

    slices = [_slice_name(z) for z in range(geometry.size)]
    await ask_for_all(save, [RAW_SEGMENTATION, *slices], f"volume {volume}")


def assemble_volume(
    folder: Path, volume: int, geometry: VolumeGeometry
) -> tuple[NDArray[np.uint8], NDArray[np.uint16]]:
    """Read what `download_volume` fetched, trusting none of it.

    Args:
        folder: holds ``jpg/{z}.jpg`` and ``segmentation.lzma``.
        volume: segmentation id, for messages.
        geometry: the size that the volume must have.

    Returns:
        Image (z, y, x) uint8 and segmentation (z, y, x) uint16, full resolution.

    Raises:
        VolumeError: a file is missing, damaged, or of another size or form.
    """
    image = np.empty(geometry.shape, np.uint8)
    for z in range(geometry.size):
        image[z] = _decode_slice(*_read(folder / _slice_name(z), volume), geometry)
    content, where = _read(folder / RAW_SEGMENTATION, volume)
    return image, _decode_segmentation(content, where, geometry)


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


def _unusable(where: str, found: str, expected: str) -> VolumeError:
    return VolumeError(
        f"{where}: {found}; expected {expected}; delete the downloaded folder, if "
        "there is one, and rerun; or exclude the volume's cells from the registry"
    )


def write_volume(
    folder: Path,
    image: NDArray[np.uint8],
    segmentation: NDArray[np.uint16],
    geometry: VolumeGeometry,
) -> dict[str, str]:
    """Write a volume downsampled, with the tables that lead back to its segments.

    Args:
        folder: gets image.lzma, segmentation.lzma, coverage.parquet, segments.parquet.
        image: (z, y, x) uint8, full resolution.
        segmentation: (z, y, x) uint16, full resolution.
        geometry: tells the factor.

    Returns:
        The SHA-256 of each file by its name.
    """
    coarse = vote(segmentation, geometry.factor)
    write_array(folder / IMAGE, downsample_image(image, geometry.factor))
    write_array(folder / SEGMENTATION, coarse)
    found = coverage(segmentation, geometry.factor)
    write_table(folder / COVERAGE_TABLE, pd.DataFrame(vars(found)), COVERAGE)
    segments = _segments(segmentation, coarse)
    write_table(folder / SEGMENTS_TABLE, segments, SEGMENTS_OF_VOLUME)
    names = (IMAGE, SEGMENTATION, COVERAGE_TABLE, SEGMENTS_TABLE)
    return {name: file_hash(folder / name) for name in names}


def _segments(
    segmentation: NDArray[np.uint16], coarse: NDArray[np.uint16]
) -> pd.DataFrame:
    """Count the voxels of the segments, before and after the vote; 0 is left out."""
    voxels = segment_sizes(segmentation)
    present = np.flatnonzero(voxels[1:]) + 1
    columns: dict[str, Any] = {
        "segment": present,
        "voxels": voxels[present],
        "coarse_voxels": segment_sizes(coarse)[present],
    }
    return pd.DataFrame(columns)
