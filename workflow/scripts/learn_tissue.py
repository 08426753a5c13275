"""Refit membership to what is known of a tissue, and take it if it helped."""

import sys
from pathlib import Path

from eyewire_validator.evaluation.decisions import DecisionSettings
from eyewire_validator.jobs.log import job_log
from eyewire_validator.models.checkpoint import load_checkpoint, save_checkpoint
from eyewire_validator.models.evidence import Evidence
from eyewire_validator.models.labels import Labels, labelled_tasks
from eyewire_validator.models.learn import learn_tissue
from eyewire_validator.models.learned import (
    known_memberships,
    known_threshold,
    record,
    with_tissue,
)
from eyewire_validator.storage.files import write_json, write_text
from eyewire_validator.storage.schemas.index import TASK_INDEX
from eyewire_validator.storage.schemas.review import DECIDED_PAIRS
from eyewire_validator.storage.tables import read_table

with job_log(snakemake.log[0], snakemake.output):
    files, params = snakemake.input, snakemake.params
    index = read_table(Path(files.index), TASK_INDEX)
    decided = read_table(Path(files.decided), DECIDED_PAIRS)
    evidence = Evidence.read(files.tasks, files.candidates)
    labels = Labels.of(evidence, labelled_tasks(index, params.splits), decided)
    model, info = load_checkpoint(Path(files.checkpoint))
    learned = learn_tissue(
        labels,
        params.tissue,
        known_memberships(model, info, evidence),
        known_threshold(info),
        DecisionSettings.from_config(params.decisions),
        volume_voxels=params.volume_voxels,
        bootstrap=params.bootstrap,
    )
    if learned.judgement.helped:
        info = with_tissue(info, learned, params.tissue)
        model.membership = learned.memberships.of_all
    save_checkpoint(Path(snakemake.output.checkpoint), model, info)
    found = record(labels, learned, params.tissue)
    write_json(Path(snakemake.output.record), found)
    write_text(Path(snakemake.output.text), [found["text"], "\n"])
    for stream in (sys.stdout, sys.__stderr__):
        print(found["text"], file=stream)
