"""Measure the queue where the answers are known."""

from pathlib import Path

import pandas as pd

from eyewire_validator.figures import Heading, draw_queue, save_figure
from eyewire_validator.jobs.log import job_log
from eyewire_validator.models.thresholds import read_thresholds
from eyewire_validator.review.curve import (
    EFFORT,
    decisions_of_labelled,
    describe_shares,
    edits_found,
    share_found,
)
from eyewire_validator.storage.files import write_json
from eyewire_validator.storage.schemas.evaluation import SEGMENT_SCORES, TASK_METRICS
from eyewire_validator.storage.tables import read_table, write_csv

with job_log(snakemake.log[0], snakemake.output):
    files, params = snakemake.input, snakemake.params
    tasks = read_table(Path(files.tasks), TASK_METRICS)
    every = decisions_of_labelled(
        read_table(Path(files.segments), SEGMENT_SCORES),
        tasks,
        read_thresholds(Path(files.thresholds)),
    )
    sets = {"asked": every[every["asked"]], "all": every}
    data = pd.concat(
        [edits_found(rows).assign(of=of) for of, rows in sets.items()],
        ignore_index=True,
    )
    found = {}
    for of, rows in sets.items():
        shares = share_found(rows, **params.bootstrap)
        counts = {"decisions": len(rows), "edits": int(rows["edit"].sum())}
        found[of] = {**counts, "effort": EFFORT, "found": shares}
        print(of, counts, *describe_shares(shares), sep="\n  ")
    write_json(Path(snakemake.output.summary), found)
    write_csv(Path(snakemake.output.csv), data)
    figure = draw_queue(data, tasks, Heading(**params.heading))
    save_figure(figure, Path(snakemake.output.png).with_suffix(""))
