"""Summarize one evaluation from its tables, for ``summary.json``."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from eyewire_validator.errors import TableError
from eyewire_validator.evaluation.bootstrap import summarize_replicates
from eyewire_validator.evaluation.calibration import (
    Calibration,
    Labelled,
    calibration_report,
)
from eyewire_validator.evaluation.decisions import Decisions, decide
from eyewire_validator.evaluation.ranking import Batches, rank_segments
from eyewire_validator.evaluation.segment_metrics import CellStatistics, evaluate_cells
from eyewire_validator.evaluation.selective import (
    augrc,
    aurc,
    best_augrc,
    coverage_at_risk,
    random_augrc,
    task_uncertainty,
)
from eyewire_validator.evaluation.task_rows import TaskRows
from eyewire_validator.evaluation.voxel_metrics import summarize
from eyewire_validator.storage.schemas.evaluation import (
    REDUCTIONS,
    TASK_ANSWERS,
    UNCERTAINTIES,
)

# Columns of segments that an answer rests on.
DECIDED_ON = (
    *("task", "probability", "voxels", "truth"),
    *("sigma", "variance", "mutual_information"),
)
# Candidates below this are so plainly outside that they drown all others.
CONTESTED = 0.01
# Shares of wrong segments at which coverage is reported, by name.
RISKS = {"coverage_at_1": 0.01, "coverage_at_2": 0.02}


class Evaluated(NamedTuple):
    """The answers of a model to the tasks of a split.

    Attributes:
        tasks: table in the schema `TASK_METRICS`.
        segments: read the table of its segments, in the schema `SEGMENT_SCORES`; those
            of a task lie together.
    """

    tasks: pd.DataFrame
    segments: Batches


def answer_tasks(
    evaluated: Evaluated, decisions: Decisions, volume_voxels: int
) -> pd.DataFrame:
    """Decide on segments, and say how unsure each task's answer is.

    Args:
        evaluated: the tasks and their segments.
        decisions: chosen on validation.
        volume_voxels: full-resolution voxels of a volume.

    Returns:
        A table in the schema `TASK_ANSWERS`, in the order of the tasks.
        Uncertainties are empty where a task has no candidates.

    Raises:
        TableError: a task of the segments is not known, or they do not lie together.
    """

    def answer(segments: pd.DataFrame, tasks: pd.DataFrame) -> pd.DataFrame:
        answers = decide(segments, tasks, decisions, volume_voxels=volume_voxels)
        answers = answers.merge(task_uncertainty(segments), on="task", how="left")
        return answers[TASK_ANSWERS.names]

    return _by_tasks(evaluated, DECIDED_ON, answer)


def summarize_evaluation(
    evaluated: Evaluated,
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
        evaluated: the tasks and their segments.
        answers: from `answer_tasks`.
        decisions: chosen on validation.
        calibration: fitted on validation.
        metadata: ``leaked`` (true or false) and ``standing`` of the model, and the
            hash of its ``settings``.
        bootstrap: ``resamples`` and ``random_seed``.
        volume_voxels: full-resolution voxels of a volume.

    Returns:
        What `voxel_metrics.summarize` gives of the coarse voxels, ``standing``,
        ``settings``, ``decisions``; ``alarms``: numbers of tasks by what is strange
        in their volumes; ``segments``: `segment_metrics.METRICS`, each with its
        interval, and ``neurons``, the same against what really belongs, None where
        that is not known; ``calibration`` and, of candidates with a probability of at
        least `CONTESTED`, ``contested``; ``selective``: what each uncertainty is worth.
        Ready for JSON.
    """
    tasks, ranked = evaluated.tasks, rank_segments(evaluated.segments, evaluated.tasks)
    labelled = Labelled(evaluated.segments, ranked)
    neurons = neuron_statistics(evaluated, decisions, volume_voxels)
    return {
        **summarize(tasks, leaked=metadata["leaked"] == "true"),
        "standing": metadata["standing"],
        "settings": metadata["settings"],
        "decisions": decisions.as_json(),
        "alarms": tasks["alarm"].value_counts().to_dict(),
        "segments": summarize_replicates(
            [evaluate_cells(answers, ranked)], **bootstrap
        ),
        "neurons": neurons and summarize_replicates([neurons], **bootstrap),
        "calibration": calibration_report(labelled, calibration),
        "contested": calibration_report(labelled, calibration, CONTESTED),
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
    names = [f"{score}_{over}" for score in UNCERTAINTIES for over in REDUCTIONS]
    columns = ["edits", "tp", "fp", "fn", *names]
    ranked = answers.loc[answers["candidates"] > 0, columns]
    edits = ranked["edits"]
    concerned = ranked[["tp", "fp", "fn"]].sum(axis=1)
    found: dict[str, Any] = {
        "tasks": len(ranked),
        "best_augrc": best_augrc(edits),
        "random_augrc": random_augrc(edits),
    }
    for name in names:
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


def neuron_statistics(
    evaluated: Evaluated, decisions: Decisions, volume_voxels: int
) -> CellStatistics | None:
    """Measure answers against what really belongs; None where that is not known.

    Args:
        evaluated: the tasks, or the answers to them, and their segments.
        decisions: by which they were answered.
        volume_voxels: full-resolution voxels of a volume.
    """
    if any(batch["neuron"].isna().any() for batch in evaluated.segments(["neuron"])):
        return None
    ranked = rank_segments(evaluated.segments, evaluated.tasks, "neuron")
    if not ranked.totals["segments"]:
        return None
    answers = _by_tasks(
        evaluated,
        ["task", "probability", "voxels", "neuron"],
        partial(
            decide, decisions=decisions, volume_voxels=volume_voxels, truth="neuron"
        ),
    )
    return evaluate_cells(answers, ranked)


def whole_tasks(
    evaluated: Evaluated, columns: Sequence[str]
) -> Iterator[tuple[NDArray[np.intp], pd.DataFrame]]:
    """Yield the rows of some tasks, ascending, and all of their segments.

    Tasks without segments come last, together.

    Args:
        evaluated: the tasks and their segments.
        columns: of segments; ``task`` among them.

    Raises:
        TableError: a task of the segments is not known, or they do not lie together.
    """
    of_tasks = TaskRows(evaluated.tasks)
    waiting = np.ones(len(evaluated.tasks), np.bool_)
    for segments in _without_cuts(evaluated.segments(columns)):
        rows = np.unique(of_tasks.of(segments))
        if not waiting[rows].all():
            task = evaluated.tasks["task"].iloc[rows[~waiting[rows]][0]]
            raise TableError(
                f"the segments of task {task} do not lie together; evaluate again"
            )
        waiting[rows] = False
        yield rows, segments
    yield np.flatnonzero(waiting), segments[:0]


def _by_tasks(
    evaluated: Evaluated,
    columns: Sequence[str],
    answer: Callable[[pd.DataFrame, pd.DataFrame], pd.DataFrame],
) -> pd.DataFrame:
    """Answer some tasks at a time, with all of their segments; in their order.

    Each column is made once, as long as it will be.
    """
    tasks = evaluated.tasks
    answers: dict[str, NDArray[Any]] = {}
    for rows, segments in whole_tasks(evaluated, columns):
        for name, column in answer(segments, tasks.iloc[rows]).items():
            values = column.to_numpy()
            if name not in answers:
                answers[name] = np.empty(len(tasks), values.dtype)
            answers[name][rows] = values
    return pd.DataFrame(answers, copy=False)


def _without_cuts(batches: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
    """Yield the same rows, at least once, without a task in two of them."""
    rest = next(batches)
    for batch in batches:
        rows = pd.concat([rest, batch], ignore_index=True)
        task = rows["task"].to_numpy()
        last = np.flatnonzero(np.append(True, task[1:] != task[:-1]))[-1]
        yield rows[:last]
        rest = rows[last:]
    yield rest
