"""Gather what linkage says of the tasks of which anything is known."""

from pathlib import Path

from eyewire_validator.jobs.log import job_log
from eyewire_validator.learning.devices import torch_threads
from eyewire_validator.models.checkpoint import load_checkpoint
from eyewire_validator.models.gather_evidence import gather_evidence
from eyewire_validator.models.labels import half_of, tasks_to_learn
from eyewire_validator.review.agreement import settled_pairs
from eyewire_validator.storage.schemas.carry_over import EVIDENCE, EVIDENCE_TASKS
from eyewire_validator.storage.schemas.index import TASK_INDEX
from eyewire_validator.storage.schemas.review import DECISIONS
from eyewire_validator.storage.tables import read_table, write_table
from eyewire_validator.volumes.dust import Dust
from eyewire_validator.volumes.store import VolumeStore

with job_log(snakemake.log[0], snakemake.output), torch_threads(snakemake.threads):
    files, params = snakemake.input, snakemake.params
    index = read_table(Path(files.index), TASK_INDEX)
    decided = settled_pairs(read_table(Path(files.decisions), DECISIONS))
    tasks = tasks_to_learn(index, params.splits, params.most_volumes, decided["task"])
    if params.half is not None:
        tasks = half_of(index, tasks, params.half)
    model, info = load_checkpoint(Path(files.checkpoint))
    store = VolumeStore.open(
        files.volumes, params.geometry, params.voxel_nm, files.manifest
    )
    found = gather_evidence(
        model, index, store, info.model_settings, Dust(**params.dust), tasks
    )
    write_table(Path(snakemake.output.tasks), found.tasks, EVIDENCE_TASKS)
    write_table(Path(snakemake.output.candidates), found.candidates, EVIDENCE)
