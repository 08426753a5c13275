"""Measure a model that learned from more and from fewer tasks, and draw it."""

from pathlib import Path

import pandas as pd

from eyewire_validator.evaluation.comparison import honest_table, read_entries
from eyewire_validator.figures import Heading, draw_learning, save_figure
from eyewire_validator.jobs.log import job_log
from eyewire_validator.storage.schemas.training import HISTORY
from eyewire_validator.storage.tables import read_table, write_csv

with job_log(snakemake.log[0], snakemake.output):
    params, files = snakemake.params, snakemake.input
    entries = read_entries(
        params.entries,
        files.summaries,
        files.answers,
        files.segments,
        volume_voxels=params.volume_voxels,
    )
    learned_from = pd.DataFrame(
        {
            "model": [entry["model"] for entry in params.entries],
            "training_tasks": [
                read_table(Path(file), HISTORY)["tasks"].max()
                for file in files.histories
            ],
        }
    )
    table = honest_table(entries, **params.bootstrap).merge(
        learned_from.groupby("model", as_index=False).mean()
    )
    figure = draw_learning(table, Heading(**params.heading))
    save_figure(figure, Path(snakemake.output.png).with_suffix(""))
    write_csv(Path(snakemake.output.csv), table)
