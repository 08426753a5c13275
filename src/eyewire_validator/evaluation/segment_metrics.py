"""Metrics of tasks answered in segments, quick to recompute when cells are resampled.

All metrics but PR-AUC are functions of sums over tasks, so it is enough to keep these
sums per cell. PR-AUC needs, per cell, how many segments reach each score at which a
segment belongs. A set of drawn cells is then a row of multiplicities, and the metrics
of many sets come from a few matrix products.

Candidate segments count, so neither the seed nor dust; dust that belongs is missed in
voxel IoU and nowhere else. "Weighted" is by full-resolution voxels. tp, fp and fn are
segments chosen rightly, chosen wrongly and missed. A ratio 0/0 is undefined: it is NaN,
and counted, never 0 or 1.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from eyewire_validator.errors import TableError
from eyewire_validator.evaluation.ranking import (
    ENTRY,
    Entries,
    RankedSegments,
    merged,
)

# Of the segments of all tasks together.
POOLED = {
    "precision": "tp / (tp + fp)",
    "recall": "tp / (tp + fn)",
    "f1": "2 tp / (2 tp + fp + fn)",
    "pr_auc": "average precision over all thresholds, whatever was chosen",
    "weighted_precision": "precision, weighted by voxels",
    "weighted_recall": "recall, weighted by voxels",
    "weighted_f1": "F1, weighted by voxels",
    "weighted_pr_auc": "average precision, weighted by voxels",
    "voxel_iou": "tp / (tp + fp + fn + dust that belongs), in voxels",
    "false_merge_voxels": "fp / (tp + fp), in voxels: 1 - weighted precision",
    "missed_voxels": "fn / (tp + fn), in voxels: 1 - weighted recall",
}
# Means over all tasks.
PER_TASK = {
    "edits": "segments to add or to remove: fn + fp",
    "to_add": "segments to add: fn",
    "to_remove": "segments to remove: fp",
    "exact": "share of tasks without edits",
    "false_merge_tasks": "share of tasks with a segment to remove",
    "missed_tasks": "share of tasks with a segment to add",
    "vi_split": "bits of the answer unknown from the truth",
    "vi_merge": "bits of the truth unknown from the answer",
}
# Means over those tasks where the ratio is defined.
PER_DEFINED_TASK = {
    "mean_precision": "mean over tasks of precision",
    "mean_recall": "mean over tasks of recall",
    "mean_f1": "mean over tasks of F1",
    "mean_voxel_iou": "mean over tasks of voxel IoU",
}
# Every metric by its name, with its formula.
METRICS = POOLED | PER_TASK | PER_DEFINED_TASK
UNDEFINED = {name: f"{name}_undefined" for name in PER_DEFINED_TASK}
COUNTS = ("cells", "tasks", *UNDEFINED.values())

_SUMMED = (
    *("tp", "fp", "fn", "tp_voxels", "fp_voxels", "fn_voxels"),
    *("dust_truth_full_voxels", "edits", "vi_split", "vi_merge"),
)

# Scores looked at together: their products fit into the processor's cache.
_BLOCK = 256


class Reached(NamedTuple):
    """Per cell, what reaches some scores at which any segment belongs.

    Attributes:
        found: (scores, cells) float64, segments that belong at each score alone;
            highest score first.
        right: (scores, cells) float64, segments that belong at it or above.
        reached: (scores, cells) float64, all segments at it or above.
    """

    found: NDArray[np.float64]
    right: NDArray[np.float64]
    reached: NDArray[np.float64]


@dataclass(frozen=True)
class Ranking:
    """A ranking in which each segment counts once, or by its voxels.

    Attributes:
        ranked: the segments.
        cells: number of their cells.
        by_voxels: whether a segment counts by its voxels.
    """

    ranked: RankedSegments
    cells: int
    by_voxels: bool = False

    def blocks(self) -> Iterator[Reached]:
        """Yield the scores, `_BLOCK` at a time."""
        rest = np.empty(0, ENTRY)
        last = np.zeros((2, 1, self.cells))
        for part in chain(self.ranked.parts(), [None]):
            entries = rest if part is None else np.concatenate([rest, part])
            row, scores = _rows_of_scores(entries)
            complete = scores if part is None else scores - scores % _BLOCK
            for start in range(0, complete, _BLOCK):
                stop = min(start + _BLOCK, complete)
                block = slice(*np.searchsorted(row, [start, stop]))
                counts = self._count(entries[block], row[block] - start, stop - start)
                sums = last + counts.cumsum(axis=1)
                last = sums[:, -1:]
                yield Reached(counts[0], *sums)
            rest = _packed(entries, row, complete)

    def _count(
        self, entries: Entries, row: NDArray[np.intp], rows: int
    ) -> NDArray[np.float64]:
        """Count by row and cell what belongs, and all: (2, rows, cells)."""
        places = row * self.cells + entries["cell"]
        names = ("right_voxels", "voxels") if self.by_voxels else ("right", "segments")
        return np.stack(
            [
                np.bincount(places, entries[name], rows * self.cells).reshape(rows, -1)
                for name in names
            ]
        )


@dataclass(frozen=True)
class CellStatistics:
    """All that the metrics need to know of each cell.

    Attributes:
        cells: (cells,) int64 ids, ascending.
        tasks: (tasks,) int64 ids, ascending.
        sums: a row a cell, a column a sum over its tasks, float64.
        ranking: of the segments, each counting once.
        weighted_ranking: of the segments, each counting by its voxels.
    """

    cells: NDArray[np.int64]
    tasks: NDArray[np.int64]
    sums: pd.DataFrame
    ranking: Ranking
    weighted_ranking: Ranking


def evaluate_cells(answers: pd.DataFrame, ranked: RankedSegments) -> CellStatistics:
    """Sum up per cell what the metrics are made of.

    Args:
        answers: table in the schema `TASK_ANSWERS`; tasks without candidates count too.
            The columns on uncertainty may be absent.
        ranked: the segments of these tasks, from `rank_segments`, by the same truth.
    """
    cells, cell_of_task = np.unique(answers["cell"], return_inverse=True)
    return CellStatistics(
        cells=cells.astype(np.int64),
        tasks=np.sort(answers["task"].to_numpy(np.int64)),
        sums=pd.DataFrame(
            {
                name: values.groupby(cell_of_task).sum()
                for name, values in _task_statistics(answers)
            }
        ),
        ranking=Ranking(ranked, len(cells)),
        weighted_ranking=Ranking(ranked, len(cells), by_voxels=True),
    )


def metrics_of(
    statistics: CellStatistics, multiplicities: NDArray[np.int64]
) -> pd.DataFrame:
    """Return the metrics of sets of cells in which each may occur several times.

    Args:
        statistics: from `evaluate_cells`.
        multiplicities: (resamples, cells) int64, how often each cell occurs; a row of
            ones gives the metrics of the cells as they are.

    Returns:
        A row a resample. The columns are `METRICS`, float64, NaN where undefined, and
        `COUNTS`, int64: cells, tasks, and the tasks that a mean leaves out.

    Raises:
        TableError: there is not one multiplicity for each cell.
    """
    drawn = np.asarray(multiplicities, np.float64)
    expected = len(statistics.cells)
    if drawn.ndim != 2 or drawn.shape[1] != expected:
        raise TableError(
            f"multiplicities are of shape {drawn.shape}, expected (resamples, "
            f"{expected}); draw them for the same cells"
        )
    # One thread does it as fast, and gives the same bytes on any number of cores.
    with threadpool_limits(1, "blas"):
        return _metrics_of(statistics, drawn)


def average_precision(
    ranking: Ranking, multiplicities: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the area under the precision-recall curve of each resample.

    AP = sum over scores s, highest first, of (R(s) - R(s before)) * P(s), where P and R
    are precision and recall of the segments that reach s. Where no segment belongs at a
    score, recall does not grow, so such scores need not be looked at.

    Source: `sklearn.metrics.average_precision_score`, with the multiplicity of a
    segment's cell (times its voxels) as its weight.

    Args:
        ranking: of the segments.
        multiplicities: (resamples, cells) float64, how often each cell occurs.

    Returns:
        (resamples,) float64, NaN where no segment belongs.
    """
    precise = np.zeros_like(multiplicities)
    every = np.zeros(ranking.cells)
    for found, right, reached in ranking.blocks():
        every = right[-1]
        right, reached = multiplicities @ right.T, multiplicities @ reached.T
        # These are whole numbers, so only 0/0 changes, where nothing is found.
        precise += (right / np.maximum(reached, 1)) @ found
    total = multiplicities @ every
    area = np.full(len(multiplicities), np.nan)
    np.divide((precise * multiplicities).sum(axis=1), total, area, where=total != 0)
    return area


def _metrics_of(statistics: CellStatistics, drawn: NDArray[np.float64]) -> pd.DataFrame:
    summed = drawn @ statistics.sums.to_numpy()
    sums = pd.DataFrame(summed, columns=statistics.sums.columns)
    defined = {name: sums["tasks"] - sums[UNDEFINED[name]] for name in PER_DEFINED_TASK}
    columns = {
        **_ratios(sums),
        "pr_auc": average_precision(statistics.ranking, drawn),
        "weighted_pr_auc": average_precision(statistics.weighted_ranking, drawn),
        **{name: sums[name] / sums["tasks"] for name in PER_TASK},
        **{name: sums[name] / defined[name] for name in PER_DEFINED_TASK},
        "cells": drawn.sum(axis=1),
        **{name: sums[name] for name in ("tasks", *UNDEFINED.values())},
    }
    ordered = pd.DataFrame(columns)[[*METRICS, *COUNTS]]
    return ordered.astype(dict.fromkeys(COUNTS, np.int64))


def _rows_of_scores(entries: Entries) -> tuple[NDArray[np.intp], int]:
    """Return the row of the first score that each entry reaches, and their number.

    A row beyond the last is that of entries which reach none of them.
    """
    if not len(entries):
        return np.empty(0, np.intp), 0
    begins = np.diff(entries["probability"], prepend=np.float32(np.nan)) != 0
    level = np.cumsum(begins) - 1
    is_score = np.bincount(level, entries["right"]) > 0
    return (np.cumsum(is_score) - is_score)[level], int(is_score.sum())


def _packed(entries: Entries, row: NDArray[np.intp], first: int) -> Entries:
    """Add up, by cell, the entries of each row from the first on.

    At low probabilities where hardly any segment belongs, rows are long.
    """
    start = np.searchsorted(row, first)
    rest, row = entries[start:].copy(), row[start:]
    ends = np.flatnonzero(np.diff(row, append=-1))
    rest["probability"] = np.repeat(
        rest["probability"][ends], np.diff(ends, prepend=-1)
    )
    return merged([rest])


def _task_statistics(answers: pd.DataFrame) -> Iterator[tuple[str, pd.Series]]:
    """Yield what is summed over tasks, by name: a row a task, float64."""
    ratios = _ratios(answers)
    means = {name: ratios[name.removeprefix("mean_")] for name in PER_DEFINED_TASK}
    columns = {
        "tasks": 1,
        **{name: answers[name] for name in _SUMMED},
        "to_add": answers["fn"],
        "to_remove": answers["fp"],
        "exact": answers["edits"] == 0,
        "false_merge_tasks": answers["fp"] > 0,
        "missed_tasks": answers["fn"] > 0,
        **{name: ratio.fillna(0) for name, ratio in means.items()},
        **{UNDEFINED[name]: ratio.isna() for name, ratio in means.items()},
    }
    for name, values in columns.items():
        yield name, pd.Series(values, answers.index).astype(np.float64)


def _ratios(counts: pd.DataFrame) -> dict[str, pd.Series]:
    """Return the ratios of `POOLED` by row; pandas gives NaN for 0/0."""
    tp, fp, fn = (counts[name] for name in ("tp", "fp", "fn"))
    right, wrong, missed, dust = (
        counts[f"{name}_voxels"] for name in ("tp", "fp", "fn", "dust_truth_full")
    )
    return {
        "precision": tp / (tp + fp),
        "recall": tp / (tp + fn),
        "f1": 2 * tp / (2 * tp + fp + fn),
        "weighted_precision": right / (right + wrong),
        "weighted_recall": right / (right + missed),
        "weighted_f1": 2 * right / (2 * right + wrong + missed),
        "voxel_iou": right / (right + wrong + missed + dust),
        "false_merge_voxels": wrong / (right + wrong),
        "missed_voxels": missed / (right + missed),
    }
