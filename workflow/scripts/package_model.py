"""Put a model's operating point into its checkpoint."""

from dataclasses import replace
from pathlib import Path

from eyewire_validator.evaluation.operating_point import measure_operating_point
from eyewire_validator.jobs.log import job_log
from eyewire_validator.models.checkpoint import load_checkpoint, save_checkpoint
from eyewire_validator.models.thresholds import read_thresholds
from eyewire_validator.storage.schemas.evaluation import SEGMENT_SCORES, TASK_METRICS
from eyewire_validator.storage.tables import read_table

with job_log(snakemake.log[0], snakemake.output):
    files = snakemake.input
    thresholds = read_thresholds(Path(files.decisions))
    point = measure_operating_point(
        read_table(Path(files.segments), SEGMENT_SCORES),
        read_table(Path(files.tasks), TASK_METRICS),
        thresholds.decisions,
        thresholds.temperature,
        snakemake.params.tissue,
    )
    module, info = load_checkpoint(Path(files.checkpoint))
    # How good it was on tissue left out was measured with other thresholds.
    info = replace(info, operating_point=point, left_out=())
    save_checkpoint(Path(snakemake.output[0]), module, info)
    print(point.describe())
