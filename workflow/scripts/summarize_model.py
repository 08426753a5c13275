"""Choose thresholds on validation, decide on a split's segments, and summarize."""

from functools import partial
from pathlib import Path

from eyewire_validator.evaluation.calibration import Calibration, Labelled
from eyewire_validator.evaluation.decisions import DecisionSettings, choose_decisions
from eyewire_validator.evaluation.ranking import rank_segments
from eyewire_validator.evaluation.summary import (
    Evaluated,
    answer_tasks,
    summarize_evaluation,
)
from eyewire_validator.jobs.log import job_log
from eyewire_validator.storage.files import write_json
from eyewire_validator.storage.schemas.evaluation import (
    SEGMENT_SCORES,
    TASK_ANSWERS,
    TASK_METRICS,
)
from eyewire_validator.storage.settings import require_settings_of_table
from eyewire_validator.storage.tables import read_batches, read_table, write_table


def evaluated(tasks: str, segments: str) -> Evaluated:
    """Return an evaluation whose segments, which may be many, stay on disk."""
    return Evaluated(
        read_table(Path(tasks), TASK_METRICS),
        partial(read_batches, Path(segments), SEGMENT_SCORES),
    )


with job_log(snakemake.log[0], snakemake.output):
    files, params = snakemake.input, snakemake.params
    for table in files:
        require_settings_of_table(Path(table), params.answers["settings"])
    validation = evaluated(files.validation_tasks, files.validation_segments)
    ranked = rank_segments(validation.segments, validation.tasks)
    decisions = choose_decisions(
        ranked, validation.tasks, DecisionSettings.from_config(params.decisions)
    )
    print(decisions.describe_acceptance())
    calibration = Calibration.fit(Labelled(validation.segments, ranked))
    answered = evaluated(files.tasks, files.segments)
    answers = answer_tasks(answered, decisions, params.volume_voxels)
    summary = summarize_evaluation(
        answered,
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
