"""Compare answers to open tasks with the truth, where a sandbox knows it."""

from pathlib import Path

from eyewire_validator.evaluation.operating_point import measure_operating_point
from eyewire_validator.jobs.log import job_log
from eyewire_validator.models.thresholds import read_thresholds
from eyewire_validator.storage.files import write_json
from eyewire_validator.storage.schemas.evaluation import SEGMENT_SCORES, TASK_METRICS
from eyewire_validator.storage.tables import read_table

with job_log(snakemake.log[0], snakemake.output):
    files = snakemake.input
    thresholds = read_thresholds(Path(files.thresholds))
    found = measure_operating_point(
        read_table(Path(files.segments), SEGMENT_SCORES),
        read_table(Path(files.tasks), TASK_METRICS),
        thresholds.decisions,
        thresholds.temperature,
        snakemake.params.tissue,
        truth="neuron",
    )
    write_json(Path(snakemake.output[0]), found.as_plain())
    print(found.describe())
