"""Check and downsample the raw volumes of a group."""

from pathlib import Path

from eyewire_validator.files import write_json
from eyewire_validator.geometry import VolumeGeometry
from eyewire_validator.logs import job_log
from eyewire_validator.manifests import require_intact
from eyewire_validator.raw_volumes import DOWNLOADED, RawVolume
from eyewire_validator.volumes import downsample_volume, write_volume

with job_log(snakemake.log[0], snakemake.output):
    geometry = VolumeGeometry(**snakemake.params.geometry)
    hashes = {}
    for volume in snakemake.params.volumes:
        raw = RawVolume(Path(snakemake.input.raw) / volume, int(volume), geometry)
        require_intact(raw.folder / DOWNLOADED)
        folder = Path(snakemake.output.volumes) / volume
        hashes[volume] = write_volume(folder, downsample_volume(raw))
    write_json(Path(snakemake.output.manifest), hashes)
