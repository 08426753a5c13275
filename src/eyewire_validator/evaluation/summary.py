"""Summarize one evaluation from its tables, for ``summary.json``."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from eyewire_validator.evaluation.bootstrap import summarize_replicates
from eyewire_validator.evaluation.calibration import Calibration, calibration_report
from eyewire_validator.evaluation.decisions import Decisions, decide
from eyewire_validator.evaluation.segment_metrics import evaluate_cells
from eyewire_validator.evaluation.selective import (
    augrc,
    aurc,
    best_augrc,
    coverage_at_risk,
    random_augrc,
    task_uncertainty,
)
from eyewire_validator.evaluation.voxel_metrics import summarize
from eyewire_validator.storage.schemas.evaluation import (
    REDUCTIONS,
    TASK_ANSWERS,
    UNCERTAINTIES,
)

# Candidates below this are so plainly outside that they drown all others.
CONTESTED = 0.01
# Shares of wrong segments at which coverage is reported, by name.
RISKS = {"coverage_at_1": 0.01, "coverage_at_2": 0.02}


def answer_tasks(
    segments: pd.DataFrame,
    tasks: pd.DataFrame,
    decisions: Decisions,
    volume_voxels: int,
) -> pd.DataFrame:
    """Decide on segments, and say how unsure each task's answer is.

    Args:
        segments: table in the schema `SEGMENT_SCORES`.
        tasks: table in the schema `TASK_METRICS`.
        decisions: chosen on validation.
        volume_voxels: full-resolution voxels of a volume.

    Returns:
        A table in the schema `TASK_ANSWERS`, in the order of ``tasks``.
        Uncertainties are empty where a task has no candidates.
    """
    answers = decide(segments, tasks, decisions, volume_voxels=volume_voxels)
    answers = answers.merge(task_uncertainty(segments), on="task", how="left")
    return answers[TASK_ANSWERS.names]


def summarize_evaluation(
    tasks: pd.DataFrame,
    segments: pd.DataFrame,
    answers: pd.DataFrame,
    decisions: Decisions,
    calibration: Calibration,
    *,
    metadata: Mapping[str, str],
    bootstrap: Mapping[str, int],
    volume_voxels: int,
) -> dict[str, Any]:
    """Summarize one evaluation.

    Args:
        tasks: table in the schema `TASK_METRICS`.
        segments: table in the schema `SEGMENT_SCORES`.
        answers: from `answer_tasks`.
        decisions: chosen on validation.
        calibration: fitted on validation.
        metadata: ``leaked`` (true or false) and ``standing`` of the model, and the
            hash of its ``settings``.
        bootstrap: ``resamples`` and ``random_seed``.
        volume_voxels: full-resolution voxels of a volume.

    Returns:
        What `metrics.summarize` gives of the coarse voxels, ``standing``,
        ``settings``, ``decisions``; ``alarms``: numbers of tasks by what is strange
        in their volumes; ``segments``: `segment_metrics.METRICS`, each with its
        interval, and ``neurons``, the same against what really belongs, None where
        that is not known; ``calibration`` and, of candidates with a probability of at
        least `CONTESTED`, ``contested``; ``selective``: what each uncertainty is worth.
        Ready for JSON.
    """
    statistics = evaluate_cells(answers, segments)
    return {
        **summarize(tasks, leaked=metadata["leaked"] == "true"),
        "standing": metadata["standing"],
        "settings": metadata["settings"],
        "decisions": decisions.as_json(),
        "alarms": tasks["alarm"].value_counts().to_dict(),
        "segments": summarize_replicates([statistics], **bootstrap),
        "neurons": _against_neurons(
            tasks, segments, decisions, bootstrap, volume_voxels
        ),
        "calibration": _calibration(segments, calibration),
        "contested": _calibration(
            segments[segments["probability"] >= CONTESTED], calibration
        ),
        "selective": judge_uncertainties(answers),
    }


def judge_uncertainties(answers: pd.DataFrame) -> dict[str, Any]:
    """Measure how well each uncertainty tells the tasks that need nobody.

    The risk of a task is the edits that it needs; coverage at a risk is the largest
    share of tasks whose wrong segments are at most that share of all segments chosen
    or true. Tasks without candidates cannot be ranked, and are left out.

    Args:
        answers: table in the schema `TASK_ANSWERS`.
    """
    ranked = answers[answers["candidates"] > 0]
    edits = ranked["edits"]
    concerned = ranked[["tp", "fp", "fn"]].sum(axis=1)
    found: dict[str, Any] = {
        "tasks": len(ranked),
        "best_augrc": best_augrc(edits),
        "random_augrc": random_augrc(edits),
    }
    for name in (f"{score}_{over}" for score in UNCERTAINTIES for over in REDUCTIONS):
        if ranked[name].isna().all():
            continue
        uncertainty = ranked[name]
        found[name] = {
            "augrc": augrc(uncertainty, edits),
            "aurc": aurc(uncertainty, edits),
            **{
                key: coverage_at_risk(uncertainty, edits, concerned, risk)
                for key, risk in RISKS.items()
            },
        }
    return found


def _against_neurons(
    tasks: pd.DataFrame,
    segments: pd.DataFrame,
    decisions: Decisions,
    bootstrap: Mapping[str, int],
    volume_voxels: int,
) -> dict[str, Any] | None:
    if segments.empty or segments["neuron"].isna().any():
        return None
    answers = decide(
        segments, tasks, decisions, volume_voxels=volume_voxels, truth="neuron"
    )
    statistics = evaluate_cells(answers, segments, truth="neuron")
    return summarize_replicates([statistics], **bootstrap)


def _calibration(
    segments: pd.DataFrame, calibration: Calibration
) -> dict[str, Any] | None:
    if segments.empty:
        return None
    return calibration_report(segments["probability"], segments["truth"], calibration)
