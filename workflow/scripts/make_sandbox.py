"""Make the sandbox folder."""

from pathlib import Path

from eyewire_validator.jobs.log import job_log
from eyewire_validator.sandbox.make import make_sandbox
from eyewire_validator.storage.files import write_json
from eyewire_validator.volumes.dust import Dust
from eyewire_validator.volumes.geometry import VolumeGeometry

with job_log(snakemake.log[0], snakemake.output):
    manifest_file = Path(snakemake.output.manifest)
    manifest = make_sandbox(
        snakemake.params.settings,
        VolumeGeometry(**snakemake.params.geometry),
        Dust(**snakemake.params.dust),
        manifest_file.parent,
        snakemake.threads,
        snakemake.params.rate,
    )
    write_json(manifest_file, manifest)
