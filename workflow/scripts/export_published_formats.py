"""Export the task index in the published formats."""

from pathlib import Path

from eyewire_validator.files import write_json
from eyewire_validator.index import published_formats
from eyewire_validator.logs import job_log
from eyewire_validator.tables import TASK_INDEX, read_table

with job_log(snakemake.log[0]):
    index = read_table(Path(snakemake.input[0]), TASK_INDEX)
    task_vol, task_data = published_formats(index)
    write_json(Path(snakemake.output.task_vol), task_vol)
    write_json(Path(snakemake.output.task_data), task_data)
