"""Gather what linkage says of the tasks of which anything is known."""

from pathlib import Path

import pandas as pd

from eyewire_validator.agglomeration.scoring import linker
from eyewire_validator.growth.block import corners_in
from eyewire_validator.jobs.log import job_log
from eyewire_validator.learning.devices import torch_threads
from eyewire_validator.models.checkpoint import load_checkpoint
from eyewire_validator.models.gather_evidence import gather_evidence
from eyewire_validator.models.labels import half_of, tasks_to_learn
from eyewire_validator.review.agreement import settled_pairs
from eyewire_validator.review.stops import find_stops, pairs_of_stops
from eyewire_validator.storage.schemas.carry_over import EVIDENCE, EVIDENCE_TASKS
from eyewire_validator.storage.schemas.cells import CATALOG
from eyewire_validator.storage.schemas.index import TASK_INDEX
from eyewire_validator.storage.schemas.review import DECIDED_PAIRS, DECISIONS
from eyewire_validator.storage.tables import read_table, write_table
from eyewire_validator.tasks.origins import Origins
from eyewire_validator.volumes.dust import Dust
from eyewire_validator.volumes.store import VolumeStore

with job_log(snakemake.log[0], snakemake.output), torch_threads(snakemake.threads):
    files, params = snakemake.input, snakemake.params
    index = read_table(Path(files.index), TASK_INDEX)
    store = VolumeStore.open(
        files.volumes, params.geometry, params.voxel_nm, files.manifest
    )
    about_stops = read_table(Path(files.stops), DECISIONS)
    corners = corners_in(read_table(Path(files.catalog), CATALOG))
    origins = Origins(files.supervoxels)
    stops = find_stops(about_stops, store, corners, origins)
    index = pd.concat([index[stops.columns], stops], ignore_index=True)
    decided = pd.concat(
        [
            settled_pairs(read_table(Path(files.decisions), DECISIONS)),
            pairs_of_stops(stops, about_stops, store),
        ],
        ignore_index=True,
    )
    tasks = tasks_to_learn(index, params.splits, params.most_volumes, decided["task"])
    if params.half is not None:
        tasks = half_of(index, tasks, params.half)
    model, info = load_checkpoint(Path(files.checkpoint))
    link_task = linker(model, store, info.model_settings)
    found = gather_evidence(link_task, index, store, Dust(**params.dust), tasks)
    write_table(Path(snakemake.output.tasks), found.tasks, EVIDENCE_TASKS)
    write_table(Path(snakemake.output.candidates), found.candidates, EVIDENCE)
    write_table(Path(snakemake.output.decided), decided, DECIDED_PAIRS)
    asked = about_stops["task"].nunique()
    print(f"{len(stops)} of {asked} stops of growth that were decided on were found")
