"""Rank what people should decide by the edits that each decision saves."""

from pathlib import Path

import pandas as pd

from eyewire_validator.growth.stops import lineage_with_stops
from eyewire_validator.jobs.log import job_log
from eyewire_validator.models.thresholds import read_calibration, read_thresholds
from eyewire_validator.review.agreement import CONFLICT, settle
from eyewire_validator.review.question import data_hash
from eyewire_validator.review.queue import rank_decisions, select_decisions
from eyewire_validator.review.stops import ask_about_stops
from eyewire_validator.storage.hashes import file_hash
from eyewire_validator.storage.schemas.answers import ANSWERS
from eyewire_validator.storage.schemas.growth import GROWN
from eyewire_validator.storage.schemas.index import TASK_INDEX
from eyewire_validator.storage.schemas.review import DECISIONS, QUEUE
from eyewire_validator.storage.tables import read_batches, read_table, write_table
from eyewire_validator.tasks.origins import Origins
from eyewire_validator.volumes.frame import Frame
from eyewire_validator.volumes.store import VolumeStore

with job_log(snakemake.log[0], snakemake.output):
    files, params = snakemake.input, snakemake.params
    threshold = read_thresholds(Path(files.thresholds)).decisions.threshold
    calibration = read_calibration(Path(files.thresholds))
    grown = read_table(Path(files.grown), GROWN) if files.grown else None
    lineage = lineage_with_stops(read_table(Path(files.index), TASK_INDEX), grown)
    store = VolumeStore.open(
        files.volumes, params.geometry, params.voxel_nm, files.manifest
    )
    selected = [
        select_decisions(batch, threshold, params.audit_share, calibration)
        for batch in read_batches(Path(files.answers), ANSWERS, ANSWERS.names)
    ]
    if grown is not None:
        origins = Origins(files.supervoxels)
        frame = Frame.open(params.voxel_nm, files.manifest)
        selected.append(ask_about_stops(grown, lineage, store, origins, frame))
    decisions = settle(read_table(Path(files.decisions), DECISIONS))
    settled = set(decisions.loc[decisions["verdict"] != CONFLICT, "item"])
    queue = rank_decisions(pd.concat(selected, ignore_index=True), settled)
    hashes = {
        task: data_hash(store.get(volume), lineage.task(task))
        for volume, task in sorted(
            set(zip(queue["volume"], queue["task"], strict=True))
        )
    }
    queue["data"] = queue["task"].map(hashes).astype(str)
    queue["checkpoint"] = (
        file_hash(Path(files.checkpoint))[:12] if files.checkpoint else params.settings
    )
    write_table(Path(snakemake.output[0]), queue, QUEUE)
    print(queue.groupby("reason").size().to_string())
