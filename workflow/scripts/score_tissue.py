"""Score the contacts of a tissue by a network that never saw it: the first look."""

from pathlib import Path

from eyewire_validator.agglomeration.examples import draw_volumes
from eyewire_validator.agglomeration.scoring import score_contacts
from eyewire_validator.growth.scores import write_scores
from eyewire_validator.jobs.log import job_log
from eyewire_validator.jobs.progress import Progress
from eyewire_validator.learning.devices import torch_threads
from eyewire_validator.models.checkpoint import load_checkpoint
from eyewire_validator.storage.schemas.index import TASK_INDEX
from eyewire_validator.storage.tables import read_table
from eyewire_validator.tasks.split import usable_tasks
from eyewire_validator.volumes.store import VolumeStore

with job_log(snakemake.log[0], snakemake.output), torch_threads(snakemake.threads):
    files, params = snakemake.input, snakemake.params
    usable = usable_tasks(read_table(Path(files.index), TASK_INDEX))
    folders = filter(Path.is_dir, Path(params.volumes).iterdir())
    store = VolumeStore.open(folders, params.geometry, params.voxel_nm)
    model, info = load_checkpoint(Path(files.checkpoint))
    volumes = draw_volumes(usable, params.most_volumes, random_seed=0)
    scored = {
        volume: score_contacts(model, store.read(volume), info.model_settings.image)
        for volume in Progress(volumes, unit="volumes")
    }
    write_scores(Path(snakemake.output[0]), scored)
