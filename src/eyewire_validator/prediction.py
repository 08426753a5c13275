"""Let somebody answer tasks, and say how the answers meet the aggregates."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from tqdm import tqdm

from eyewire_validator.answers import Answer, Answerer
from eyewire_validator.lineage import Lineage, Task
from eyewire_validator.segment_scores import dust_of_truth, score_segments
from eyewire_validator.tables import SEGMENT_SCORES, TASK_METRICS
from eyewire_validator.volume_store import VolumeStore


@dataclass(frozen=True)
class EvaluationSettings:
    """How answers are read; see ``evaluation:`` in config/config.yaml."""

    threshold: float
    batch_size: int
    dust_voxels: int


class Evaluation(NamedTuple):
    """What came of the answers at one number of loops.

    Attributes:
        tasks: in the schema `tables.TASK_METRICS`, in the order of the tasks.
        segments: in the schema `tables.SEGMENT_SCORES`, ascending within a task.
    """

    tasks: pd.DataFrame
    segments: pd.DataFrame


def evaluate(
    tasks: Sequence[int],
    lineage: Lineage,
    store: VolumeStore,
    answerer: Answerer,
    loops: Sequence[int],
    settings: EvaluationSettings,
    *,
    neurons: Mapping[int, frozenset[int]] | None = None,
    title: str = "",
) -> dict[int, Evaluation]:
    """Let tasks be answered over their whole volumes, and score voxels and segments.

    Args:
        tasks: ids, such as those of a split.
        lineage: knows these tasks.
        store: the volumes.
        answerer: who answers.
        loops: the numbers of loops that it answers for.
        settings: how answers are read.
        neurons: the segments that really belong to each task, where that is known.
        title: of the progress bar.

    Returns:
        For each number of loops what came of it.
    """
    rows: dict[int, list[dict[str, Any]]] = {count: [] for count in loops}
    scores: dict[int, list[pd.DataFrame]] = {count: [] for count in loops}
    answered = _answer(tasks, answerer, settings.batch_size)
    for task, answers in tqdm(
        answered, title, len(tasks), disable=None, file=sys.__stderr__
    ):
        row = lineage.task(task)
        bridge = store.bridge(row.place)
        dust = dust_of_truth(row, bridge, settings.dust_voxels)
        neuron = neurons[task] if neurons else None
        for count in loops:
            counts = _measure_task(row, store, answers[count], settings.threshold)
            rows[count].append({**counts, **dust})
            scores[count].append(
                score_segments(
                    row, answers[count], bridge, settings.dust_voxels, neuron
                )
            )
    return {
        count: Evaluation(
            pd.DataFrame(rows[count], columns=TASK_METRICS.names),
            _concatenate(scores[count]),
        )
        for count in loops
    }


def measure(
    tasks: Sequence[int],
    lineage: Lineage,
    store: VolumeStore,
    answerer: Answerer,
    loops: int,
    threshold: float,
    batch_size: int,
) -> Iterator[dict[str, Any]]:
    """Yield what `tables.TASK_METRICS` says about the coarse voxels of each task.

    Args:
        tasks: ids.
        lineage: knows these tasks.
        store: the volumes.
        answerer: who answers.
        loops: which of its answers counts.
        threshold: a voxel is answered where its probability is above this.
        batch_size: tasks at a time. A single one takes three times as long a task on
            a CPU, as torch then chooses another convolution.
    """
    for task, answers in _answer(tasks, answerer, batch_size):
        yield _measure_task(lineage.task(task), store, answers[loops], threshold)


def count_voxels(
    guess: NDArray[np.bool_], truth: NDArray[np.bool_], suffix: str = ""
) -> dict[str, int]:
    """Count the voxels of two masks of the same shape, of both and of either."""
    return {
        f"guess{suffix}": int(np.count_nonzero(guess)),
        f"truth{suffix}": int(np.count_nonzero(truth)),
        f"intersection{suffix}": int(np.count_nonzero(guess & truth)),
        f"union{suffix}": int(np.count_nonzero(guess | truth)),
    }


def _answer(
    tasks: Sequence[int], answerer: Answerer, batch_size: int
) -> Iterator[tuple[int, dict[int, Answer]]]:
    for start in range(0, len(tasks), batch_size):
        batch = tasks[start : start + batch_size]
        yield from zip(batch, answerer(batch), strict=True)


def _measure_task(
    task: Task, store: VolumeStore, answer: Answer, threshold: float
) -> dict[str, Any]:
    volume = store.get(task.place)
    seed, truth = volume.mask(task.seed), volume.mask(task.aggregate)
    guess, sigma = answer.probability > threshold, answer.sigma
    return {
        "task": task.task,
        "cell": task.cell,
        "volume": task.volume,
        **count_voxels(guess, truth),
        **count_voxels(guess & ~seed, truth & ~seed, "_seedless"),
        "loss": answer.loss,
        "published_loss": answer.published_loss,
        "sigma_mean": None if sigma is None else float(sigma.mean(dtype=np.float64)),
        "sigma_max": None if sigma is None else float(sigma.max()),
        "image_mean": float(volume.image.mean()),
    }


def _concatenate(scores: list[pd.DataFrame]) -> pd.DataFrame:
    """Join tables of which some columns may be empty throughout."""
    if not scores:
        return pd.DataFrame(columns=SEGMENT_SCORES.names)
    return pd.DataFrame(
        {
            name: np.concatenate([frame[name].to_numpy() for frame in scores])
            for name in SEGMENT_SCORES.names
        }
    )
