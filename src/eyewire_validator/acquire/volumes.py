"""Download volumes from the bucket."""

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from eyewire_validator.acquire.api.concurrency import ask_for_all
from eyewire_validator.errors import NotFoundError
from eyewire_validator.jobs.manifests import add_to_manifest, keep_intact
from eyewire_validator.storage.files import write_bytes
from eyewire_validator.volumes.geometry import VolumeGeometry
from eyewire_validator.volumes.raw import DOWNLOADED, RAW_GRAPH, check_file, file_names

# The rules import FORMAT, and do without the HTTP libraries.
if TYPE_CHECKING:
    from eyewire_validator.acquire.api.client import EyewireClient

# What the rule download_volumes depends on, beside its settings: raised by hand when
# the bytes or the meaning of a raw volume's files change. All volumes are then fetched
# and downsampled again.
FORMAT = 1

log = logging.getLogger(__name__)


async def download_volume(
    client: "EyewireClient",
    volume: int,
    full_path: str,
    folder: Path,
    geometry: VolumeGeometry,
) -> None:
    """Download the slices, segmentation and graph of a volume; keep whole files.

    What an interrupted download left in the folder is not fetched again, if its hash is
    that with which it came. A bucket without ``segmentation.graph`` is fine: the log
    says so.

    Args:
        client: an open client.
        volume: segmentation id, for messages.
        full_path: URL of the volume's folder, with a trailing slash.
        folder: gets ``jpg/{z}.jpg``, ``segmentation.lzma`` and ``segmentation.graph``,
            byte for byte, and their hashes, `DOWNLOADED`.
        geometry: the size that the volume must have.

    Raises:
        NotFoundError: the bucket lacks one of the other files.
        VolumeError: a file is damaged, or of another size or form.
        ApiError: any other failure.
    """
    manifest = folder / DOWNLOADED
    kept = keep_intact(manifest)

    async def save(name: str) -> None:
        url = full_path + name

        def check(content: bytes) -> None:
            check_file(name, content, f"volume {volume}: {url}", geometry)

        try:
            content = await client.fetch(url, f"volume {volume}", check)
        except NotFoundError:
            if name != RAW_GRAPH:
                raise
            log.info("volume %d: the bucket has no %s", volume, name)
            return
        write_bytes(folder / name, content)
        add_to_manifest(manifest, name, content)

    missing = [name for name in file_names(geometry) if name not in kept]
    await ask_for_all(save, missing, "files")
