"""Gather what linkage says of the tasks of a tissue, by a model that never saw it."""

from pathlib import Path

from eyewire_validator.agglomeration.examples import draw_volumes
from eyewire_validator.jobs.log import job_log
from eyewire_validator.learning.devices import torch_threads
from eyewire_validator.models.checkpoint import load_checkpoint
from eyewire_validator.models.gather_evidence import gather_evidence
from eyewire_validator.storage.schemas.carry_over import (
    CONTACTS,
    EVIDENCE,
    EVIDENCE_TASKS,
)
from eyewire_validator.storage.schemas.index import TASK_INDEX
from eyewire_validator.storage.tables import read_table, write_table
from eyewire_validator.tasks.split import usable_tasks
from eyewire_validator.volumes.dust import Dust
from eyewire_validator.volumes.store import VolumeStore

with job_log(snakemake.log[0], snakemake.output), torch_threads(snakemake.threads):
    files, params = snakemake.input, snakemake.params
    index = read_table(Path(files.index), TASK_INDEX)
    folders = filter(Path.is_dir, Path(params.volumes).iterdir())
    store = VolumeStore.open(folders, params.geometry, params.voxel_nm)
    usable = usable_tasks(index).sort_values(["volume", "task"])
    volumes = draw_volumes(usable, params.most_volumes, random_seed=0)
    model, info = load_checkpoint(Path(files.checkpoint))
    found = gather_evidence(
        model,
        index,
        store,
        info.model_settings,
        Dust(**params.dust),
        usable.loc[usable["volume"].isin(volumes), "task"].tolist(),
    )
    write_table(Path(snakemake.output.tasks), found.tasks, EVIDENCE_TASKS)
    write_table(Path(snakemake.output.candidates), found.candidates, EVIDENCE)
    write_table(Path(snakemake.output.contacts), found.contacts, CONTACTS)
