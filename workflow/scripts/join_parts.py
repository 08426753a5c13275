"""Join the parts of an evaluation."""

from pathlib import Path

from eyewire_validator.jobs.log import job_log
from eyewire_validator.storage.schemas.evaluation import SEGMENT_SCORES, TASK_METRICS
from eyewire_validator.storage.tables import join_tables

with job_log(snakemake.log[0], snakemake.output):
    parts, joined = snakemake.input, snakemake.output
    join_tables(list(map(Path, parts.tasks)), Path(joined.tasks), TASK_METRICS)
    join_tables(list(map(Path, parts.segments)), Path(joined.segments), SEGMENT_SCORES)
