"""Draw which segments are found, by their size, and write the table behind it."""

from pathlib import Path

import pandas as pd

from eyewire_validator.evaluation.error_analysis import recall_by_size
from eyewire_validator.figures import Heading, draw_sizes, save_figure
from eyewire_validator.jobs.log import job_log
from eyewire_validator.storage.files import read_json
from eyewire_validator.storage.schemas.evaluation import SEGMENT_SCORES, TASK_ANSWERS
from eyewire_validator.storage.tables import read_table, read_tables, write_csv

with job_log(snakemake.log[0], snakemake.output):
    files, params = snakemake.input, snakemake.params
    tables = {
        title: recall_by_size(
            read_tables(
                [Path(segments)], SEGMENT_SCORES, ["voxels", "probability", "truth"]
            ),
            read_json(Path(decisions))["threshold"],
        )
        for title, segments, decisions in zip(
            params.titles, files.segments, files.decisions, strict=True
        )
    }
    tasks = read_table(Path(files.answers[0]), TASK_ANSWERS)
    heading = Heading("", f"{snakemake.wildcards.split} tasks", leaked=params.leaked)
    figure = draw_sizes(tables, tasks, heading, params.ceiling)
    save_figure(figure, Path(snakemake.output.png).with_suffix(""))
    table = pd.concat(tables, names=["model"]).reset_index("model")
    write_csv(Path(snakemake.output.csv), table, exact=True)
