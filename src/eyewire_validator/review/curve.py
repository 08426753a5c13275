"""Measure the queue where the answers are known: edits found against decisions made.

Labelled tasks are taken for open ones, of which `queue.select_decisions` asks. A
decision finds an edit where the model's choice, without it, would have been wrong.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from eyewire_validator.evaluation.bootstrap import (
    LEAST_CELLS,
    intervals,
    resample_cells,
)
from eyewire_validator.evaluation.calibration import rescale
from eyewire_validator.evaluation.decision_list import Thresholds
from eyewire_validator.evaluation.decisions import decided_unseen, reaches
from eyewire_validator.evaluation.summary import CONTESTED
from eyewire_validator.evaluation.task_rows import segment_truth, task_rows

# Rank by expected edits, as the queue does; by the highest probability; at random; and
# by who knows the answers.
ORDERS = QUEUE, PROBABILITY, RANDOM, ORACLE = (
    "queue",
    "probability",
    "random",
    "oracle",
)
# The share of the decisions after which the share of the edits is told.
EFFORT = 0.2
# Points of a curve, at most.
POINTS = 500


def decisions_of_labelled(
    segments: pd.DataFrame, tasks: pd.DataFrame, thresholds: Thresholds
) -> pd.DataFrame:
    """Return the decision about each candidate, had its task been open.

    Args:
        segments: table in the schema `SEGMENT_SCORES`, of labelled tasks.
        tasks: table in the schema `TASK_METRICS`, with all tasks of ``segments``.
        thresholds: of the model, chosen on other tasks.

    Returns:
        In the order of ``segments``: ``cell``; ``asked``, whether it is in the queue;
        ``edit``, whether the model's choice is wrong; and what each of `ORDERS` ranks
        by, the highest first; the random order by none.

    Raises:
        TableError: it is not known whether a segment belongs.
    """
    probability = segments["probability"].to_numpy(np.float32)
    calibrated = rescale(probability, thresholds.temperature)
    chosen = reaches(probability, thresholds.decisions.threshold)
    edit = chosen != segment_truth(segments)
    accepted, rejected = decided_unseen(segments, tasks, thresholds.decisions)
    alarmed = tasks["alarm"].notna().to_numpy()[task_rows(segments, tasks)]
    return pd.DataFrame(
        {
            "cell": segments["cell"].to_numpy(np.int64),
            "asked": np.where(alarmed, calibrated >= CONTESTED, ~accepted & ~rejected),
            "edit": edit,
            QUEUE: np.where(chosen, 1 - calibrated, calibrated),
            PROBABILITY: calibrated,
            ORACLE: edit.astype(np.float64),
        }
    )


def edits_found(decisions: pd.DataFrame) -> pd.DataFrame:
    """Return the edits found after so many decisions, in each order.

    Args:
        decisions: rows of `decisions_of_labelled`.

    Returns:
        ``order``, ``decisions`` and ``edits``: `POINTS` of each curve, at most.
    """
    count, edits = len(decisions), int(decisions["edit"].sum())
    made = np.unique(np.linspace(0, count, POINTS).astype(np.int64))
    curves = []
    for order in ORDERS:
        found = np.append(0, _ordered(decisions, order).cumsum())[made]
        if order == RANDOM:
            found = made * edits / max(count, 1)
        curves.append(pd.DataFrame({"order": order, "decisions": made, "edits": found}))
    return pd.concat(curves, ignore_index=True)


def share_found(
    decisions: pd.DataFrame, resamples: int, random_seed: int
) -> dict[str, dict[str, Any]]:
    """Return the share of the edits in the first `EFFORT` of the decisions, by order.

    Args:
        decisions: rows of `decisions_of_labelled`.
        resamples: how many times to draw the cells.
        random_seed: of the draws.

    Returns:
        As `bootstrap.intervals`; none for fewer than 2 cells.
    """
    cells, of_cell = np.unique(decisions["cell"], return_inverse=True)
    drawn = resample_cells(cells, resamples, random_seed)
    orders = [order for order in ORDERS if order != RANDOM]
    point, resampled = {}, {}
    for order in orders:
        ranking = _ranking(decisions, order)
        edit, cell = decisions["edit"].to_numpy()[ranking], of_cell[ranking]
        point[order] = _share(edit, np.ones(len(edit), np.int64))
        resampled[order] = [_share(edit, counts[cell]) for counts in drawn]
    frame = pd.DataFrame(resampled, dtype=np.float64)
    if len(cells) < LEAST_CELLS:
        frame[:] = np.nan
    return intervals(pd.Series(point, dtype=np.float64), frame)


def describe_shares(shares: dict[str, dict[str, Any]]) -> Iterator[str]:
    """Yield a line an order: the share of the edits that is found, and its interval."""
    for order, found in shares.items():
        if found["value"] is None:
            yield f"{order}: there are no edits to find"
            continue
        ends = f"{found['low']:.3f} to {found['high']:.3f}" if found["low"] else "-"
        yield f"{order}: {found['value']:.3f} ({ends})"


def _share(edit: NDArray[np.bool_], times: NDArray[np.int64]) -> float:
    """Return the share of the edits within the first decisions, each so many times."""
    made = times.cumsum()
    total = (times * edit).sum()
    if not total:
        return float("nan")
    return float((times * edit)[made <= EFFORT * made[-1]].sum() / total)


def _ranking(decisions: pd.DataFrame, order: str) -> NDArray[np.intp]:
    if order == RANDOM:
        return np.arange(len(decisions))
    return np.argsort(-decisions[order].to_numpy(), kind="stable")


def _ordered(decisions: pd.DataFrame, order: str) -> NDArray[np.int64]:
    edits = decisions["edit"].to_numpy(np.int64)
    ordered: NDArray[np.int64] = edits[_ranking(decisions, order)]
    return ordered
