"""Open segmentations under proofreading (graphene) as they were at a fixed time."""

import os

from eyewire_validator.errors import FileError
from eyewire_validator.storage.array_files.access import Access
from eyewire_validator.storage.array_files.cloud_volume import open_by_cloud_volume
from eyewire_validator.storage.array_files.named import Named
from eyewire_validator.storage.array_files.opened import OpenedArray, Place

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
    token = os.environ.get(TOKEN, "")
    if not token:
        raise FileError(
            f"{named.plain}: needs a token; set the environment variable {TOKEN}"
        )
    return open_by_cloud_volume(
        named,
        voxel_nm,
        access,
        "is a graph of proofreading",
        secret=token,
        secrets={"token": token},
        timestamp=int(time),
        agglomerate=True,
    )
