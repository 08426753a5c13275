"""Export the task index in the published formats."""

from pathlib import Path

from eyewire_validator.jobs.log import job_log
from eyewire_validator.storage.files import write_text
from eyewire_validator.storage.schemas.index import TASK_INDEX
from eyewire_validator.storage.tables import read_columns
from eyewire_validator.tasks.published_formats import COLUMNS, task_data, task_vol

with job_log(snakemake.log[0], snakemake.output):
    index = read_columns(Path(snakemake.input[0]), TASK_INDEX, COLUMNS)
    write_text(Path(snakemake.output.task_vol), task_vol(index))
    write_text(Path(snakemake.output.task_data), task_data(index))
