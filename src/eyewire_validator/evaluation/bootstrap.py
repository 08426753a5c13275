"""Intervals of metrics: cells are drawn with replacement, thousands of times.

Tasks of one cell are alike, so cells are drawn and not tasks. All models are measured
on the same draws, so that their differences are paired. Values are point estimates and
intervals are percentiles; medians are not used, as their bootstrap intervals can fail.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from eyewire_validator.errors import TableError
from eyewire_validator.evaluation.segment_metrics import (
    METRICS,
    UNDEFINED,
    CellStatistics,
    metrics_of,
)

RESAMPLES = 2000
LEVEL = 0.95
# The ends of an interval, as shares of the resamples below.
ENDS = ((1 - LEVEL) / 2, (1 + LEVEL) / 2)

# Fewer cells than this say nothing about other cells.
LEAST_CELLS = 2


def resample_cells(
    cells: Sequence[int] | NDArray[np.int64],
    resamples: int = RESAMPLES,
    random_seed: int = 0,
) -> NDArray[np.int64]:
    """Draw as many cells as there are, with replacement, again and again.

    Args:
        cells: ids, each once. The same cells get the same draws, in any order.
        resamples: how many times to draw.
        random_seed: the same seed gives the same draws.

    Returns:
        (resamples, cells) int64, how often each cell was drawn.

    Raises:
        TableError: a cell is given twice.
    """
    count, different = len(cells), len(np.unique(cells))
    if different < count:
        raise TableError(f"{count} cells, but {different} different; give each once")
    if count == 0:
        return np.zeros((resamples, 0), np.int64)
    random = np.random.default_rng(random_seed)
    drawn = random.multinomial(count, np.full(count, 1 / count), size=resamples)
    return drawn[:, np.argsort(np.argsort(cells))]


def intervals(
    point: pd.Series, resampled: pd.DataFrame, level: float = LEVEL
) -> dict[str, dict[str, Any]]:
    """Return the percentile interval of each metric.

    Args:
        point: the value of each metric, by name.
        resampled: a row a resample, a column a metric.
        level: share of the resamples that lie inside.

    Returns:
        By metric: ``value``; ``low`` and ``high``, over the resamples where it is
        defined; ``undefined``, the number of the others. None stands for what is
        undefined, for ``low`` and ``high`` already if most resamples are.
    """
    tail = (1 - level) / 2
    undefined = resampled.isna().sum()
    ends = resampled.quantile([tail, 1 - tail])
    ends.loc[:, undefined > len(resampled) / 2] = np.nan
    return {
        name: {
            "value": _number(value),
            "low": _number(ends[name].iloc[0]),
            "high": _number(ends[name].iloc[1]),
            "undefined": int(undefined[name]),
        }
        for name, value in point.items()
    }


def summarize_replicates(
    statistics: Sequence[CellStatistics],
    *,
    resamples: int = RESAMPLES,
    random_seed: int = 0,
) -> dict[str, Any]:
    """Summarize a model over its replicates.

    Args:
        statistics: of each replicate, on the same tasks.
        resamples: how many times to draw the cells, for all replicates together.
        random_seed: of the draws.

    Returns:
        ``tasks``, ``cells`` and ``replicates``, their numbers; ``metrics``, by name:
        ``value``, the mean over the replicates, its ``low``, ``high`` and
        ``undefined`` as in `intervals`, and ``spread``, the standard deviation over
        the replicates; ``undefined_tasks``, the number of tasks that a mean leaves
        out, by metric, as mean over the replicates. None stands for whatever is
        undefined: a metric if it is in any replicate, the spread of a single
        replicate, the interval of a single cell.

    Raises:
        TableError: there is no replicate, or they differ in their tasks.
    """
    _check_same(statistics)
    points = _points(statistics)
    drawn = resample_cells(statistics[0].cells, resamples, random_seed)
    metrics = intervals(_values(points), _resampled(statistics, drawn))
    for name, spread in points[list(METRICS)].std(skipna=False).items():
        metrics[name]["spread"] = _number(spread)
    return {
        "tasks": len(statistics[0].tasks),
        "cells": len(statistics[0].cells),
        "replicates": len(statistics),
        "metrics": metrics,
        "undefined_tasks": {
            name: float(points[count].mean()) for name, count in UNDEFINED.items()
        },
    }


def paired_difference(
    model: Sequence[CellStatistics],
    baseline: Sequence[CellStatistics],
    *,
    resamples: int = RESAMPLES,
    random_seed: int = 0,
) -> dict[str, dict[str, Any]]:
    """Return by how much a model's metrics exceed a baseline's, on the same cells.

    Args:
        model: statistics of each of its replicates.
        baseline: statistics of each of its replicates, on the same tasks.
        resamples: how many times to draw the cells, for both together.
        random_seed: of the draws.

    Returns:
        As `intervals`, of the difference between the means over the replicates.

    Raises:
        TableError: one has no replicate, or their tasks differ.
    """
    _check_same(model)
    _check_same(baseline)
    _check_same([model[0], baseline[0]])
    value = _values(_points(model)) - _values(_points(baseline))
    drawn = resample_cells(model[0].cells, resamples, random_seed)
    resampled = _resampled(model, drawn) - _resampled(baseline, drawn)
    return intervals(value, resampled)


def _points(statistics: Sequence[CellStatistics]) -> pd.DataFrame:
    """Return `metrics_of` the cells as they are: a row a replicate."""
    as_they_are = np.ones((1, len(statistics[0].cells)), np.int64)
    rows = [metrics_of(replicate, as_they_are) for replicate in statistics]
    return pd.concat(rows, ignore_index=True)


def _values(points: pd.DataFrame) -> pd.Series:
    """Return the mean over the replicates; undefined where one of them is."""
    return points[list(METRICS)].mean(skipna=False)


def _resampled(
    statistics: Sequence[CellStatistics], drawn: NDArray[np.int64]
) -> pd.DataFrame:
    """Return `_values` of each resample: a row a resample."""
    values = [metrics_of(each, drawn)[list(METRICS)].to_numpy() for each in statistics]
    mean = np.mean(values, axis=0)
    if len(statistics[0].cells) < LEAST_CELLS:
        mean[:] = np.nan
    return pd.DataFrame(mean, columns=list(METRICS))


def _check_same(statistics: Sequence[CellStatistics]) -> None:
    if not statistics:
        raise TableError("there is no replicate to summarize; evaluate one or more")
    first = statistics[0]
    for other in statistics[1:]:
        for what in ("cells", "tasks"):
            one, two = getattr(first, what), getattr(other, what)
            if not np.array_equal(one, two):
                apart = np.setxor1d(one, two)
                raise TableError(
                    f"{len(one)} {what} against {len(two)}, {len(apart)} of them only "
                    f"on one side, such as {apart[:1]}; evaluate both on the same split"
                )


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
