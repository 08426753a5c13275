"""Score the contacts of a group of volumes, once for all cells that grow there."""

from pathlib import Path

from eyewire_validator.agglomeration.scoring import scored_contacts
from eyewire_validator.growth.scores import write_scores
from eyewire_validator.jobs.log import job_log
from eyewire_validator.jobs.progress import Progress
from eyewire_validator.learning.devices import (
    keep_memory,
    resolve_device,
    torch_threads,
)
from eyewire_validator.models.checkpoint import load_checkpoint
from eyewire_validator.volumes.store import VolumeStore

with job_log(snakemake.log[0], snakemake.output), torch_threads(snakemake.threads):
    files, params = snakemake.input, snakemake.params
    keep_memory()
    granted = snakemake.resources.cuda > 0
    device = resolve_device(params.device, cuda_granted=granted)
    model, info = load_checkpoint(Path(files.checkpoint), device)
    store = VolumeStore.open(
        [files.volumes], params.geometry, params.voxel_nm, files.manifest
    )
    image = info.model_settings.image
    scored = {
        volume: scored_contacts(model, store, volume, image)
        for volume in Progress(sorted(store.folders), unit="volumes")
    }
    write_scores(Path(snakemake.output[0]), scored)
