"""Open segmentations under proofreading (graphene) as they were at a fixed time."""

import os
from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eyewire_validator.errors import FileError
from eyewire_validator.storage.array_files.access import Access
from eyewire_validator.storage.array_files.blocks import Ask, Blocks
from eyewire_validator.storage.array_files.chunked import kept_in
from eyewire_validator.storage.array_files.named import Named
from eyewire_validator.storage.array_files.opened import Box, OpenedArray, Place
from eyewire_validator.storage.array_files.pyramids import Level, choose_level
from eyewire_validator.storage.hashes import settings_hash

TOKEN = "CAVE_TOKEN"


def open_graphene(named: Named, voxel_nm: Place | None, access: Access) -> OpenedArray:
    """Open the cells (root ids) of a time by cloud-volume, the optional extra.

    Raises:
        FileError: the extra, the token or the timestamp is missing, or the service
            refuses.
    """
    time = named.options.get("timestamp", "")
    if not time.isdecimal():
        raise FileError(
            f"{named.plain}: changes while people proofread it; fix the time in "
            "seconds since 1970, such as ?timestamp=1700000000"
        )
    volume = _connect(named, int(time))
    levels = [_level(volume, mip) for mip in volume.available_mips]
    mip = choose_level(named.plain, levels, named.inside, voxel_nm)
    volume.mip = mip
    version = settings_hash([named.plain, time, mip])
    x, y, z = (int(edge) for edge in volume.volume_size)
    i, j, k = (int(edge) for edge in volume.chunk_size)
    blocks = Blocks(
        (z, y, x),
        np.dtype(volume.dtype),
        (k, j, i),
        _asking(named.plain, volume),
        access,
        kept_in(access.cache, named.plain, version, is_local=False),
    )
    level = levels[mip]
    return OpenedArray(
        blocks,
        level.resolution_nm,
        level.offset_nm,
        named.plain,
        f"{version} at {time}",
    )


def _connect(named: Named, time: int) -> Any:
    try:
        # An extra, in no environment of the workflow.
        cloudvolume = import_module("cloudvolume")
    except ImportError:
        raise FileError(
            f"{named.plain}: graphene is read by cloud-volume, which is not here; "
            "pip install 'eyewire-validator[cave]'"
        ) from None
    token = os.environ.get(TOKEN)
    if not token:
        raise FileError(
            f"{named.plain}: needs a token; set the environment variable {TOKEN}"
        )
    try:
        return cloudvolume.CloudVolume(
            f"graphene://{named.location}",
            secrets={"token": token},
            timestamp=time,
            agglomerate=True,
            fill_missing=named.options.get("missing") == "fill",
            bounded=True,
            progress=False,
            use_https=True,
        )
    except Exception as error:
        raise _failed(named.plain, error, token) from None


def _failed(source: str, error: Exception, token: str = "") -> FileError:
    reason = " ".join(str(error).split()) or type(error).__name__
    reason = reason.replace(token, "***") if token else reason
    return FileError(
        f"{source}: cloud-volume cannot read it ({reason[:200]}); is the token of "
        f"{TOKEN} still good?"
    )


def _level(volume: Any, mip: int) -> Level:
    x, y, z = (float(edge) for edge in volume.meta.resolution(mip))
    i, j, k = (float(edge) for edge in volume.meta.voxel_offset(mip))
    name = "_".join(f"{edge:g}" for edge in (x, y, z))
    return Level(name, (z, y, x), (k * z, j * y, i * x))


def _asking(source: str, volume: Any) -> Ask:
    i, j, k = (int(edge) for edge in volume.voxel_offset)

    def ask(box: Box) -> Callable[[], NDArray[Any]]:
        z, y, x = box

        def wait() -> NDArray[Any]:
            try:
                voxels = volume[
                    x.start + i : x.stop + i,
                    y.start + j : y.stop + j,
                    z.start + k : z.stop + k,
                ]
            except Exception as error:
                token = os.environ.get(TOKEN, "")
                raise _failed(source, error, token) from None
            return np.asarray(voxels)[..., 0].T

        return wait

    return ask
