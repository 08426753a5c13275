"""Draw the figures of one evaluation."""

from pathlib import Path

from eyewire_validator.figures import FIGURES, Heading, figure_data, save_figure
from eyewire_validator.jobs.log import job_log
from eyewire_validator.storage.schemas.evaluation import TASK_METRICS
from eyewire_validator.storage.tables import read_table, write_csv

with job_log(snakemake.log[0], snakemake.output):
    metrics = read_table(Path(snakemake.input[0]), TASK_METRICS)
    heading = Heading(**snakemake.params.heading)
    for csv in map(Path, snakemake.output.csv):
        save_figure(FIGURES[csv.stem](metrics, heading), csv.with_suffix(""))
        write_csv(csv, figure_data(csv.stem, metrics), exact=True)
