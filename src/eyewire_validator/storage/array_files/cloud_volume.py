"""Open by cloud-volume, the optional extra, what tensorstore does not read."""

from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eyewire_validator.errors import FileError
from eyewire_validator.storage.array_files.access import Access
from eyewire_validator.storage.array_files.blocks import Ask, Blocks, Wait
from eyewire_validator.storage.array_files.chunked import kept_in
from eyewire_validator.storage.array_files.named import Named
from eyewire_validator.storage.array_files.opened import Box, OpenedArray, Place
from eyewire_validator.storage.array_files.pyramids import Level, choose_level
from eyewire_validator.storage.hashes import settings_hash

INSTALL = "pip install 'eyewire-validator[cave]'"


def open_by_cloud_volume(
    named: Named,
    voxel_nm: Place | None,
    access: Access,
    why: str,
    secret: str = "",
    **options: Any,
) -> OpenedArray:
    """Open a level of a volume, labels as they were at a time if that is given.

    Args:
        named: the source.
        voxel_nm: edges of a voxel (z, y, x), nm: chooses the level.
        access: how to ask for what lies elsewhere.
        why: why the extra is needed, for those who do not have it.
        secret: appears in no message.
        options: of ``cloudvolume.CloudVolume``.

    Raises:
        FileError: the extra is missing, or it refuses.
    """
    volume = _connect(named, why, secret, options)
    levels = [_level(volume, mip) for mip in volume.available_mips]
    volume.mip = choose_level(named.plain, levels, named.inside, voxel_nm)
    level = levels[volume.mip]
    is_local = "://" not in named.location.removeprefix("file://")
    stated = {key: value for key, value in options.items() if key != "secrets"}
    version = settings_hash([named.plain, level.name, stated])
    x, y, z = (int(edge) for edge in volume.volume_size)
    i, j, k = (int(edge) for edge in volume.chunk_size)
    blocks = Blocks(
        (z, y, x),
        np.dtype(volume.dtype),
        (k, j, i),
        _asking(named.plain, volume, secret),
        access,
        kept_in(access.cache, named.plain, version, is_local),
        is_paced=not is_local,
    )
    return OpenedArray(
        blocks, level.resolution_nm, level.offset_nm, named.plain, version
    )


def _connect(named: Named, why: str, secret: str, options: dict[str, Any]) -> Any:
    try:
        # In no environment of the workflow.
        cloudvolume = import_module("cloudvolume")
    except ImportError:
        raise FileError(
            f"{named.plain}: {why}, which cloud-volume reads, but it is not here; "
            f"{INSTALL}"
        ) from None
    location = named.location
    if named.form == "precomputed" and "://" not in location:
        location = f"file://{location}"
    try:
        return cloudvolume.CloudVolume(
            f"{named.form}://{location}",
            fill_missing=named.options.get("missing") == "fill",
            bounded=True,
            progress=False,
            use_https=True,
            **options,
        )
    except Exception as error:
        raise _failed(named.plain, error, secret) from None


def _failed(source: str, error: Exception, secret: str) -> FileError:
    reason = " ".join(str(error).split()) or type(error).__name__
    reason = reason.replace(secret, "***") if secret else reason
    return FileError(f"{source}: cloud-volume cannot read it ({reason[:300]})")


def _level(volume: Any, mip: int) -> Level:
    x, y, z = (float(edge) for edge in volume.meta.resolution(mip))
    i, j, k = (float(edge) for edge in volume.meta.voxel_offset(mip))
    name = "_".join(f"{edge:g}" for edge in (x, y, z))
    return Level(name, (z, y, x), (k * z, j * y, i * x))


def _asking(source: str, volume: Any, secret: str) -> Ask:
    offset = [int(edge) for edge in volume.voxel_offset]

    def ask(box: Box) -> Wait:
        x, y, z = (
            slice(part.start + first, part.stop + first)
            for part, first in zip(box[::-1], offset, strict=True)
        )

        def wait() -> NDArray[Any]:
            try:
                voxels = np.asarray(volume[x, y, z])
            except Exception as error:
                raise _failed(source, error, secret) from None
            return voxels[..., 0].T

        return wait

    return ask
