"""Learn a tissue from what is known of it, and take what was learned if it helped."""

import sys
from functools import partial
from pathlib import Path

from eyewire_validator.evaluation.decisions import DecisionSettings
from eyewire_validator.jobs.log import job_log
from eyewire_validator.models.checkpoint import load_checkpoint, save_checkpoint
from eyewire_validator.models.evidence import Evidence
from eyewire_validator.models.judge_labels import Chosen
from eyewire_validator.models.labels import Labels, labelled_tasks
from eyewire_validator.models.learn import Tuned, better_of, learn_tissue
from eyewire_validator.models.learned import (
    common_membership,
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
    known = known_memberships(model, info)
    learn = partial(
        learn_tissue,
        tissue=params.tissue,
        before=Chosen(labels.evidence.probability(known), known_threshold(info)),
        settings=DecisionSettings.from_config(params.decisions),
        volume_voxels=params.volume_voxels,
        bootstrap=params.bootstrap,
    )
    refit = learned = learn(labels, known=known)
    if files.tuned:
        halves = map(Evidence.read, files.tasks_of_halves, files.candidates_of_halves)
        tuned = Tuned.join(labels, [*halves])
        if tuned.can_judge():
            # Memberships of other tissues are of the network as it was.
            own = learn(tuned.labels, known=known.for_strangers(), halves=tuned.halves)
            learned = better_of(refit, own)
    if learned.judgement.helped:
        if learned.is_tuned:
            model, _ = load_checkpoint(Path(files.tuned))
        info = with_tissue(info, learned, params.tissue)
        model.membership = common_membership(learned, params.tissue)
    save_checkpoint(Path(snakemake.output.checkpoint), model, info)
    found = record(labels, learned, refit, params.tissue)
    write_json(Path(snakemake.output.record), found)
    write_text(Path(snakemake.output.text), [found["text"], "\n"])
    for stream in (sys.stdout, sys.__stderr__):
        print(found["text"], file=stream)
