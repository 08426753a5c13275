"""Overlap metrics of task answers, from integer voxel counts.

A task's counts are ``guess`` (coarse voxels answered), ``truth`` (of the aggregate),
their ``intersection`` and their ``union``; the columns ending in ``_seedless`` leave
the seed's voxels out. A ratio 0/0 is undefined: it is NaN, and counted, never 0 or 1.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from eyewire_validator.errors import TableError

METRICS = ("precision", "recall", "iou")
COUNTS = ("guess", "truth", "intersection", "union")
SEEDLESS = "_seedless"

# What the published code answers for 0/0 (its modeling/model/metric.py).
PUBLISHED_UNDEFINED = {"precision": 0.0, "recall": 1.0, "iou": 1.0}
PUBLISHED_COUNTS = {
    "guess": "guesses",
    "truth": "gt",
    "intersection": "intersection",
    "union": "union",
}


def precision(intersection: ArrayLike, guess: ArrayLike) -> NDArray[np.float64]:
    """Return ``intersection / guess``: the share of the answer that is right.

    Args:
        intersection: voxels in both answer and truth, counts of any shape.
        guess: voxels answered, of the same shape.

    Returns:
        float64 of that shape, in [0, 1]; NaN where nothing was answered.
    """
    return _ratio(intersection, guess)


def recall(intersection: ArrayLike, truth: ArrayLike) -> NDArray[np.float64]:
    """Return ``intersection / truth``: the share of the truth that was found.

    Args:
        intersection: voxels in both answer and truth, counts of any shape.
        truth: voxels of the truth, of the same shape.

    Returns:
        float64 of that shape, in [0, 1]; NaN where the truth is empty.
    """
    return _ratio(intersection, truth)


def iou(intersection: ArrayLike, union: ArrayLike) -> NDArray[np.float64]:
    """Return ``intersection / union``, the Jaccard index.

    Args:
        intersection: voxels in both answer and truth, counts of any shape.
        union: voxels in either, of the same shape.

    Returns:
        float64 of that shape, in [0, 1]; NaN where answer and truth are both empty.
    """
    return _ratio(intersection, union)


def task_metrics(frame: pd.DataFrame) -> pd.DataFrame:
    """Return each task's metrics.

    Args:
        frame: a table of the schema `TASK_METRICS`.

    Returns:
        ``task``, ``precision``, ``recall``, ``iou`` and the same three with
        ``_seedless``; a row a task, in the order and with the index of ``frame``.
    """
    columns = {"task": frame["task"]}
    for suffix in ("", SEEDLESS):
        counts = {name: frame[f"{name}{suffix}"] for name in COUNTS}
        for name, values in _metrics(counts).items():
            columns[f"{name}{suffix}"] = pd.Series(values, frame.index)
    return pd.DataFrame(columns)


def summarize(frame: pd.DataFrame, *, leaked: bool) -> dict[str, Any]:
    """Summarize one evaluation for ``summary.json``.

    Args:
        frame: a table of the schema `TASK_METRICS`, possibly without rows.
        leaked: whether the model's input held the answer.

    Returns:
        ``n`` tasks, ``leaked``, and for ``full`` and ``seedless`` each: ``pooled``
        (from summed counts), ``mean`` (over the tasks where it is defined) and
        ``undefined`` (number of the others), by metric; mean ``loss``, mean
        ``sigma_mean``, highest ``sigma_max``; ``published`` as `published_summary`
        gives it. None stands for whatever is undefined or absent.
    """
    summary = {
        "n": len(frame),
        "leaked": leaked,
        "full": _summarize_counts(frame, ""),
        "seedless": _summarize_counts(frame, SEEDLESS),
        "loss": frame["loss"].mean(),
        "sigma_mean": frame["sigma_mean"].mean(),
        "sigma_max": frame["sigma_max"].max(),
        "published": published_summary(frame),
    }
    return {key: _without_nan(value) for key, value in summary.items()}


def typical_task(frame: pd.DataFrame) -> int:
    """Return the id of the task whose IoU without the seed is the (lower) median.

    Tasks where that is undefined are passed over; of equals, the lowest id counts
    first.

    Raises:
        TableError: it is defined for no task.
    """
    tasks = task_metrics(frame).dropna(subset=f"iou{SEEDLESS}")
    if tasks.empty:
        raise TableError(
            f"none of {len(frame)} tasks has truth or answer beyond its seed; choose "
            "another split to picture a task of"
        )
    ranked = tasks.sort_values([f"iou{SEEDLESS}", "task"])["task"]
    return int(ranked.iloc[(len(ranked) - 1) // 2])


def published_summary(frame: pd.DataFrame) -> dict[str, Any]:
    """Return the published README's figures, under its names and in its order.

    Means over all tasks with its conventions for 0/0 (precision 0, recall 1, IoU 1),
    summed counts, and metrics of the summed counts (``agg_``). Its ``loss`` adds
    sigma where ours adds log sigma, and so is 1 at best.

    Source: README.md, graphs.py and modeling/model/metric.py of
    BLimmie/eyewire_validator.
    """
    tasks = task_metrics(frame)
    means, counts, aggregates = {}, {}, {}
    for suffix, prefix in (("", ""), (SEEDLESS, "seedless_")):
        total = {name: int(frame[f"{name}{suffix}"].sum()) for name in COUNTS}
        pooled = _metrics(total)
        for name, undefined in PUBLISHED_UNDEFINED.items():
            means[f"{prefix}{name}"] = tasks[f"{name}{suffix}"].fillna(undefined).mean()
            value = float(pooled[name])
            aggregates[f"agg_{prefix}{name}"] = undefined if np.isnan(value) else value
        for name, published in PUBLISHED_COUNTS.items():
            counts[f"count_{prefix}{published}"] = total[name]
    loss = {"loss": frame["published_loss"].mean()}
    return {**loss, **means, **counts, **aggregates}


def _ratio(part: ArrayLike, whole: ArrayLike) -> NDArray[np.float64]:
    part, whole = np.asarray(part, np.float64), np.asarray(whole, np.float64)
    ratio = np.full(whole.shape, np.nan)
    np.divide(part, whole, out=ratio, where=whole != 0)
    return ratio


def _metrics(counts: Mapping[str, ArrayLike]) -> dict[str, NDArray[np.float64]]:
    return {
        "precision": precision(counts["intersection"], counts["guess"]),
        "recall": recall(counts["intersection"], counts["truth"]),
        "iou": iou(counts["intersection"], counts["union"]),
    }


def _summarize_counts(frame: pd.DataFrame, suffix: str) -> dict[str, dict[str, Any]]:
    tasks = task_metrics(frame)
    total = {name: int(frame[f"{name}{suffix}"].sum()) for name in COUNTS}
    return {
        "pooled": {name: float(value) for name, value in _metrics(total).items()},
        "mean": {name: tasks[f"{name}{suffix}"].mean() for name in METRICS},
        "undefined": {
            name: int(tasks[f"{name}{suffix}"].isna().sum()) for name in METRICS
        },
    }


def _without_nan(value: Any) -> Any:
    """Replace NaN by None, at any depth, so that JSON can hold it."""
    if isinstance(value, Mapping):
        return {key: _without_nan(inner) for key, inner in value.items()}
    if isinstance(value, float):
        return None if np.isnan(value) else float(value)
    return value
