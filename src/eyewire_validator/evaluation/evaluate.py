"""Evaluate a model on tasks: score the voxels and the segments of its answers."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from eyewire_validator.answers import Answerer
from eyewire_validator.evaluation.segment_scores import Candidates
from eyewire_validator.evaluation.voxel_counts import TaskVoxels, answer_in_batches
from eyewire_validator.jobs.progress import Progress
from eyewire_validator.storage.schemas.evaluation import SEGMENT_SCORES, TASK_METRICS
from eyewire_validator.storage.schemas.index import OPEN
from eyewire_validator.storage.tables import write_table
from eyewire_validator.tasks.lineage import Lineage
from eyewire_validator.tasks.origins import Origins
from eyewire_validator.volumes.dust import Dust
from eyewire_validator.volumes.store import VolumeStore


@dataclass(frozen=True)
class EvaluationSettings:
    """The settings by which answers are read; see ``evaluation:`` in the config."""

    threshold: float
    batch_size: int
    dust_voxels: int
    dust_thickness: int

    @property
    def dust(self) -> Dust:
        """Segments that are no candidates."""
        return Dust(self.dust_voxels, self.dust_thickness)


class Evaluation(NamedTuple):
    """The scores of answers at one number of loops.

    Attributes:
        tasks: in the schema `TASK_METRICS`, in the order of the tasks.
        segments: in the schema `SEGMENT_SCORES`, ascending within a task.
    """

    tasks: pd.DataFrame
    segments: pd.DataFrame


def tasks_of_split(index: pd.DataFrame, split: str) -> list[int]:
    """Return the ids of a split's tasks, or of the open ones, volume by volume.

    They are evaluated in this order, so that what is computed for a volume serves all
    of its tasks, and parts of them share few volumes.

    Args:
        index: table in the schema `TASK_INDEX`.
        split: which of its splits; or `OPEN`.
    """
    is_open = (index["state"] == OPEN) & index["excluded"].isna()
    rows = index.loc[is_open if split == OPEN else index["split"] == split]
    tasks: list[int] = rows.sort_values(["volume", "task"])["task"].tolist()
    return tasks


def evaluate(
    tasks: Sequence[int],
    lineage: Lineage,
    store: VolumeStore,
    answerer: Answerer,
    loops: Sequence[int],
    settings: EvaluationSettings,
    *,
    neurons: Mapping[int, frozenset[int]] | None = None,
    origins: Origins | None = None,
    alarm: Callable[[int], str | None] = lambda volume: None,
) -> dict[int, Evaluation]:
    """Score an answerer on tasks, over their whole volumes.

    Args:
        tasks: ids, such as those of a split.
        lineage: knows these tasks.
        store: the volumes.
        answerer: answers the tasks.
        loops: the numbers of loops that it answers for.
        settings: how answers are read.
        neurons: the segments that really belong to each task, where that is known.
        origins: know the own ids of segments; without, those of the volume are.
        alarm: says in what a volume is unlike all that the model learned from.

    Returns:
        The evaluation at each number of loops.
    """
    origins, factor = origins or Origins(), store.geometry.factor
    rows: dict[int, list[dict[str, Any]]] = {count: [] for count in loops}
    scores: dict[int, list[dict[str, NDArray[Any]]]] = {count: [] for count in loops}
    answered = answer_in_batches(tasks, answerer, settings.batch_size)
    for task, answers in Progress(answered, unit="tasks", total=len(tasks)):
        row = lineage.task(task)
        voxels = TaskVoxels.of(row, store)
        coverage = store.coverage(row.volume_id)
        neuron = neurons[task] if neurons else None
        candidates = Candidates.of(row, coverage, settings.dust, neuron)
        origin = {
            name: values[candidates.chosen]
            for name, values in origins.of(row, coverage, factor).items()
        }
        of_task = {**candidates.full_counts, "alarm": alarm(row.volume_id)}
        for count in loops:
            counts = voxels.measure(answers[count], settings.threshold)
            rows[count].append({**counts, **of_task})
            scores[count].append({**candidates.score(answers[count]), **origin})
    return {
        count: Evaluation(
            pd.DataFrame(rows[count], columns=TASK_METRICS.names),
            _concatenate(scores[count]),
        )
        for count in loops
    }


def save_evaluation(
    evaluation: Evaluation, tasks: Path, segments: Path, metadata: Mapping[str, str]
) -> None:
    """Write both tables, with metadata."""
    write_table(tasks, evaluation.tasks, TASK_METRICS, metadata)
    write_table(segments, evaluation.segments, SEGMENT_SCORES, metadata)


def _concatenate(scores: list[dict[str, NDArray[Any]]]) -> pd.DataFrame:
    """Concatenate the columns of all tasks."""
    if not scores:
        return pd.DataFrame(columns=SEGMENT_SCORES.names)
    return pd.DataFrame(
        {
            name: np.concatenate([columns[name] for columns in scores])
            for name in SEGMENT_SCORES.names
        }
    )
