"""Fetch the images, segmentations and graphs of a group of volumes."""

import asyncio
import os
import shutil
from pathlib import Path

from eyewire_validator.acquire.api.client import ApiSettings, open_client
from eyewire_validator.acquire.volumes import FORMAT, download_volume
from eyewire_validator.jobs.log import job_log
from eyewire_validator.jobs.progress import Progress
from eyewire_validator.storage.hashes import file_hash, settings_hash
from eyewire_validator.volumes.geometry import VolumeGeometry


async def download(folders: dict[str, Path]) -> None:
    """Fetch with the share of the request rate that this job was given."""
    geometry = VolumeGeometry(**snakemake.params.geometry)
    async with open_client(
        ApiSettings(**snakemake.config["api"]),
        token=os.environ.get("EW_OAUTH2"),
        requests_per_second=snakemake.resources.storage_requests_per_second,
        failures=Path(snakemake.params.failures),
        sandbox=Path(sandbox[0]).parent if sandbox else None,
    ) as client:
        volumes = snakemake.params.volumes.items()
        for volume, full_path in Progress(volumes, unit="volumes"):
            folder = folders[volume]
            await download_volume(client, int(volume), full_path, folder, geometry)


with job_log(snakemake.log[0]):
    sandbox = snakemake.input.sandbox
    # Snakemake deletes what a failed or killed job promised to make. These folders it
    # does not know. Their names change with all that the bytes of a volume depend on.
    partial = Path(snakemake.params.partial)
    service = [
        FORMAT,
        snakemake.params.geometry,
        *map(file_hash, map(Path, sandbox[:1])),
    ]
    folders = {
        volume: partial / volume / settings_hash([full_path, *service])
        for volume, full_path in snakemake.params.volumes.items()
    }
    asyncio.run(download(folders))
    finished = Path(snakemake.output[0])
    finished.mkdir(parents=True, exist_ok=True)
    for volume, folder in folders.items():
        folder.rename(finished / volume)
        shutil.rmtree(folder.parent)
