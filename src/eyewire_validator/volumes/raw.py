"""Raw volumes, as Eyewire keeps them: checked when downloaded and when read."""

import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from eyewire_validator.errors import FileError, VolumeError
from eyewire_validator.storage.files import decompress
from eyewire_validator.volumes.geometry import VolumeGeometry

RAW_SEGMENTATION = "segmentation.lzma"
# Eyewire's own guess of what belongs together; not every bucket has it.
RAW_GRAPH = "segmentation.graph"
# Hashes of the files as they came: neither a JPEG nor Eyewire's lzma has a checksum.
DOWNLOADED = "files.sha256"
RAW_EDGE = np.dtype([("one", "<u2"), ("other", "<u2"), ("affinity", "<f4")])
# What a slice may take: noise at quality 100 takes 1.6 bytes a pixel. A longer one can
# hold thousands of scans of the same pixels, of 2 s a megabyte.
JPEG_BYTES_A_PIXEL = 2
JPEG_EXTRA_BYTES = 1 << 16


def file_names(geometry: VolumeGeometry) -> list[str]:
    """Return the names of a raw volume's files; it may lack `RAW_GRAPH`."""
    return [*_DECODERS, *map(slice_name, range(geometry.size[0]))]


def check_file(name: str, content: bytes, where: str, geometry: VolumeGeometry) -> None:
    """Check that a file of a raw volume decodes and is whole.

    Args:
        name: one of `file_names`.
        content: the file's bytes.
        where: volume and address, for the message.
        geometry: the size that the volume must have.

    Raises:
        VolumeError: damaged, or of another size or form.
    """
    _DECODERS.get(name, _decode_slice)(content, where, geometry)


@dataclass(frozen=True)
class RawVolume:
    """A volume as `acquire.volumes.download_volume` fetched it, not trusted.

    Every call reads its files again, so that what is not in use takes no memory.

    Attributes:
        folder: holds ``jpg/{z}.jpg``, ``segmentation.lzma`` and, if the bucket has it,
            ``segmentation.graph``.
        volume: segmentation id, for messages.
        geometry: the size that the volume must have.
        invert: whether bright grey values are turned into dark ones (``image.invert``).
    """

    folder: Path
    volume: int
    geometry: VolumeGeometry
    invert: bool = False

    def image(self) -> NDArray[np.uint8]:
        """Read the slices: (z, y, x) uint8, full resolution.

        Raises:
            VolumeError: one is missing, damaged, or of another size or form.
        """
        image = np.empty(self.geometry.size, np.uint8)
        for z in range(self.geometry.size[0]):
            image[z] = _decode_slice(*self._read(slice_name(z)), self.geometry)
        return 255 - image if self.invert else image

    def segmentation(self) -> NDArray[np.uint16]:
        """Read the segmentation: (z, y, x) uint16, full resolution, read-only.

        Raises:
            VolumeError: the file is missing, damaged, or of another size.
        """
        return _decode_segmentation(*self._read(RAW_SEGMENTATION), self.geometry)

    def edges(self) -> NDArray[np.void]:
        """Read the graph: records of `RAW_EDGE`, in the file's order.

        Empty where the bucket has no such file.

        Raises:
            VolumeError: the file is damaged.
        """
        if not (self.folder / RAW_GRAPH).exists():
            return np.empty(0, RAW_EDGE)
        return _decode_graph(*self._read(RAW_GRAPH), self.geometry)

    def _read(self, name: str) -> tuple[bytes, str]:
        path = self.folder / name
        where = f"volume {self.volume}: {path}"
        try:
            return path.read_bytes(), where
        except OSError as error:
            raise _unusable(where, str(error.strerror), "a file") from None


def slice_name(z: int) -> str:
    """Return the name of the file of a slice of a raw volume."""
    return f"jpg/{z}.jpg"


def _decode_slice(
    content: bytes, where: str, geometry: VolumeGeometry
) -> NDArray[np.uint8]:
    _, height, width = geometry.size
    limit = JPEG_BYTES_A_PIXEL * height * width + JPEG_EXTRA_BYTES
    if len(content) > limit:
        raise _unusable(where, f"{len(content)} bytes", f"at most {limit}")
    try:
        with Image.open(io.BytesIO(content), formats=["JPEG"]) as image:
            if (image.mode, *image.size) != ("L", width, height):
                found = f"{image.width} x {image.height}, mode {image.mode}"
                raise _unusable(where, found, f"{width} x {height}, mode L (grey)")
            return np.asarray(image)
    except UnidentifiedImageError:
        raise _unusable(where, "no JPEG, or no more than its start", "one") from None
    except (OSError, Image.DecompressionBombError) as error:
        raise _unusable(where, str(error), "a whole JPEG") from None


def _decode_segmentation(
    content: bytes, where: str, geometry: VolumeGeometry
) -> NDArray[np.uint16]:
    try:
        unpacked = decompress(content, 2 * geometry.voxels)
    except FileError as error:
        expected = f"lzma of {' x '.join(map(str, geometry.size))} uint16"
        raise _unusable(where, str(error), expected) from None
    return np.frombuffer(unpacked, "<u2").reshape(geometry.size)


def _decode_graph(content: bytes, where: str, _: VolumeGeometry) -> NDArray[np.void]:
    if len(content) % RAW_EDGE.itemsize:
        expected = f"records of {RAW_EDGE.itemsize} bytes (uint16, uint16, float32)"
        raise _unusable(where, f"{len(content)} bytes", expected)
    records = np.frombuffer(content, RAW_EDGE)
    if wrong := np.count_nonzero(~np.isfinite(records["affinity"])):
        found = f"{wrong} of {len(records)} affinities are not finite"
        raise _unusable(where, found, "numbers")
    return records


_DECODERS: dict[str, Callable[[bytes, str, VolumeGeometry], Any]] = {
    RAW_SEGMENTATION: _decode_segmentation,
    RAW_GRAPH: _decode_graph,
}


def _unusable(where: str, found: str, expected: str) -> VolumeError:
    return VolumeError(
        f"{where}: {found}; expected {expected}; delete the downloaded folder, if "
        "there is one, and rerun; or exclude the volume's cells from the registry"
    )
