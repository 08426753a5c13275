"""Open Neuroglancer's precomputed volumes."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from eyewire_validator.errors import FileError
from eyewire_validator.storage.array_files.access import Access
from eyewire_validator.storage.array_files.chunked import open_chunked
from eyewire_validator.storage.array_files.cloud_volume import open_by_cloud_volume
from eyewire_validator.storage.array_files.folder import Folder
from eyewire_validator.storage.array_files.named import Named
from eyewire_validator.storage.array_files.opened import OpenedArray, Place
from eyewire_validator.storage.array_files.precomputed_chunks import Chunks
from eyewire_validator.storage.array_files.pyramids import Level, choose_level

ENCODINGS = ("raw", "compressed_segmentation", "jpeg", "png")
AXES = ("x", "y", "z", "channel")


def open_precomputed(
    named: Named, voxel_nm: Place | None, access: Access
) -> OpenedArray:
    """Open a scale, by its key or number after ``::``, or by its voxel size.

    Raises:
        FileError: there is no such volume or scale, or its form is not read.
    """
    folder = Folder(named.plain, named.location, access)
    info = _info(folder)
    scales = info["scales"]
    levels = [_level(scale) for scale in scales]
    number = choose_level(folder.source, levels, named.inside, voxel_nm)
    if why := _not_read(folder, scales[number]):
        return open_by_cloud_volume(named, voxel_nm, access, why)
    spec = {"driver": "neuroglancer_precomputed", "scale_index": number}
    chunks = Chunks(folder, scales[number], np.dtype(info["data_type"]))
    return open_chunked(
        folder, spec, AXES, levels[number], named.options, chunks.confirm
    )


def _info(folder: Folder) -> dict[str, Any]:
    info = folder.read_json("info")
    if info is None:
        raise FileError(
            f"{folder.source}: no precomputed volume there (no file info, or it may "
            "not be read); check the address"
        )
    if "graph" in info or "app" in info:
        raise FileError(
            f"{folder.source}: is a graph of proofreading; name it as graphene://"
        )
    if not isinstance(info.get("scales"), list):
        raise FileError(
            f"{folder.source}: its info is that of {info.get('@type', 'no volume')}, "
            "expected a volume with scales; check the address"
        )
    return info


def _not_read(folder: Folder, scale: Mapping[str, Any]) -> str | None:
    """Return what of a scale tensorstore does not read; None if it reads it."""
    key, encoding = str(scale["key"]), scale["encoding"]
    if encoding not in ENCODINGS:
        return f"its scale {key} is encoded as {encoding}"
    packed = folder.below(key).packed()
    return packed and f"its chunks are packed one by one ({packed})"


def _level(scale: Mapping[str, Any]) -> Level:
    x, y, z = map(float, scale["resolution"])
    i, j, k = map(float, scale.get("voxel_offset", (0, 0, 0)))
    return Level(str(scale["key"]), (z, y, x), (k * z, j * y, i * x))
