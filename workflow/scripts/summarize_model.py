"""Choose thresholds on validation, decide on a split's segments, and summarize."""

from pathlib import Path

from eyewire_validator.evaluation.calibration import Calibration
from eyewire_validator.evaluation.decisions import DecisionSettings, choose_decisions
from eyewire_validator.evaluation.summary import answer_tasks, summarize_evaluation
from eyewire_validator.jobs.log import job_log
from eyewire_validator.storage.files import write_json
from eyewire_validator.storage.schemas.evaluation import (
    SEGMENT_SCORES,
    TASK_ANSWERS,
    TASK_METRICS,
)
from eyewire_validator.storage.settings import require_settings_of_table
from eyewire_validator.storage.tables import read_table, write_table

with job_log(snakemake.log[0], snakemake.output):
    files, params = snakemake.input, snakemake.params
    for table in files:
        require_settings_of_table(Path(table), params.answers["settings"])
    validation = read_table(Path(files.validation_segments), SEGMENT_SCORES)
    decisions = choose_decisions(
        validation,
        read_table(Path(files.validation_tasks), TASK_METRICS),
        DecisionSettings(**params.decisions),
    )
    calibration = Calibration.fit(validation["probability"], validation["truth"])
    tasks = read_table(Path(files.tasks), TASK_METRICS)
    segments = read_table(Path(files.segments), SEGMENT_SCORES)
    answers = answer_tasks(segments, tasks, decisions, params.volume_voxels)
    summary = summarize_evaluation(
        tasks,
        segments,
        answers,
        decisions,
        calibration,
        metadata=params.metadata,
        bootstrap=params.bootstrap,
        volume_voxels=params.volume_voxels,
    )
    chosen = {**decisions.as_json(), "calibration": calibration.as_json()}
    write_json(Path(snakemake.output.decisions), chosen)
    write_table(Path(snakemake.output.answers), answers, TASK_ANSWERS, params.metadata)
    write_json(Path(snakemake.output.summary), summary)
