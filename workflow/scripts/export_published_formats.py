"""Export the task index in the published formats."""

from pathlib import Path

from eyewire_validator.files import write_text
from eyewire_validator.logs import job_log
from eyewire_validator.published_formats import COLUMNS, task_data, task_vol
from eyewire_validator.tables import TASK_INDEX, read_columns

with job_log(snakemake.log[0], snakemake.output):
    index = read_columns(Path(snakemake.input[0]), TASK_INDEX, COLUMNS)
    write_text(Path(snakemake.output.task_vol), task_vol(index))
    write_text(Path(snakemake.output.task_data), task_data(index))
