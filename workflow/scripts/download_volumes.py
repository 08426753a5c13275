"""Fetch the images, segmentations and graphs of a group of volumes."""

import asyncio
import os
from pathlib import Path

from eyewire_validator.api.client import ApiSettings, open_client
from eyewire_validator.geometry import VolumeGeometry
from eyewire_validator.logs import job_log
from eyewire_validator.manifests import write_manifest
from eyewire_validator.raw_volumes import DOWNLOADED
from eyewire_validator.volume_download import download_volume


async def download() -> None:
    """Fetch with the share of the request rate that this job was given."""
    geometry = VolumeGeometry(**snakemake.params.geometry)
    async with open_client(
        ApiSettings(**snakemake.config["api"]),
        token=os.environ.get("EW_OAUTH2"),
        requests_per_second=snakemake.resources.storage_requests_per_second,
        failures=Path(snakemake.params.failures),
        sandbox=Path(snakemake.input[0]).parent if snakemake.input else None,
    ) as client:
        for volume, full_path in snakemake.params.volumes.items():
            folder = Path(snakemake.output[0]) / volume
            await download_volume(client, int(volume), full_path, folder, geometry)
            files = [path for path in folder.rglob("*") if path.is_file()]
            write_manifest(folder / DOWNLOADED, files)


with job_log(snakemake.log[0]):
    asyncio.run(download())
