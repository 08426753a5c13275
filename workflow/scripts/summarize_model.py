"""Pool and average the counts of one evaluation."""

from pathlib import Path

from eyewire_validator.files import write_json
from eyewire_validator.logs import job_log
from eyewire_validator.metrics import summarize
from eyewire_validator.tables import TASK_METRICS, read_table

with job_log(snakemake.log[0]):
    metrics = read_table(Path(snakemake.input[0]), TASK_METRICS)
    summary = summarize(metrics, leaked=snakemake.params.leaked)
    write_json(Path(snakemake.output[0]), summary)
