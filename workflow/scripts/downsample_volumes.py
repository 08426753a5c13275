"""Check and downsample the raw volumes of a group."""

from pathlib import Path

from eyewire_validator.jobs.log import job_log
from eyewire_validator.jobs.manifests import require_intact
from eyewire_validator.jobs.progress import Progress
from eyewire_validator.storage.files import write_json
from eyewire_validator.volumes.coarse import downsample_volume, write_volume
from eyewire_validator.volumes.geometry import VolumeGeometry
from eyewire_validator.volumes.raw import DOWNLOADED, RawVolume

with job_log(snakemake.log[0], snakemake.output):
    geometry = VolumeGeometry(**snakemake.params.geometry)
    hashes = {}
    for volume in Progress(snakemake.params.volumes, unit="volumes"):
        raw = RawVolume(Path(snakemake.input.raw) / volume, int(volume), geometry)
        require_intact(raw.folder / DOWNLOADED)
        folder = Path(snakemake.output.volumes) / volume
        hashes[volume] = write_volume(
            folder, downsample_volume(raw, invert=snakemake.params.invert)
        )
    write_json(Path(snakemake.output.manifest), hashes)
