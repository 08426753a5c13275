"""Analyse errors: by votes, by size of segments, and the worst tasks.

A segment is wrong if it was chosen and does not belong, or belongs and was not chosen.
It is chosen where its probability reaches the threshold; without one, nothing is.
"""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from eyewire_validator.evaluation.decisions import reaches
from eyewire_validator.evaluation.task_rows import segment_truth

# Upper edges of bins that hold them, but for 1.
WEIGHTS = (0, 0.5, 0.6, 0.7, 0.8, 0.9, 1)
MARGINS = (0.2, 0.4, 0.6, 0.8, 1)
# Agreed fractions are float32: 0.6 is 0.60000002.
_DIGITS = 6


def outcomes(
    segments: pd.DataFrame, threshold: float | None
) -> dict[str, NDArray[np.int64]]:
    """Return the ids of the segments chosen rightly or wrongly, and of those missed.

    Args:
        segments: table in the schema `SEGMENT_SCORES`, of one task.
        threshold: from `decisions.choose_decisions`.

    Returns:
        ``correct``, ``missed`` and ``false``, each (n,) int64.
    """
    chosen = reaches(segments["probability"], threshold)
    belongs = segment_truth(segments)
    ids = segments["segment"].to_numpy(np.int64)
    return {
        "correct": ids[chosen & belongs],
        "missed": ids[~chosen & belongs],
        "false": ids[chosen & ~belongs],
    }


def error_by_votes(segments: pd.DataFrame, threshold: float | None) -> pd.DataFrame:
    """Count wrong segments by how far the players agreed.

    Args:
        segments: table in the schema `SEGMENT_SCORES`.
        threshold: from `decisions.choose_decisions`.

    Returns:
        A row a bin: ``by`` (``weight``, the agreed fraction w, 0 outside the aggregate;
        or ``margin``, abs(2 w - 1), 1 if all agree, outside too), ``low`` and ``high``
        (what is in the bin is above ``low``, up to ``high`` if that is below 1; equal
        edges hold just that value, and the lowest margins hold 0), ``segments``,
        ``wrong`` and ``error``, wrong / segments, NaN without segments.
    """
    wrong = reaches(segments["probability"], threshold) != segment_truth(segments)
    weight = segments["vote_weight"].to_numpy(np.float64)
    margin = np.abs(2 * weight - 1)
    return pd.concat(
        [
            _count_wrong("weight", weight, WEIGHTS, wrong),
            _count_wrong("margin", margin, MARGINS, wrong),
        ],
        ignore_index=True,
    )


def recall_by_size(segments: pd.DataFrame, threshold: float | None) -> pd.DataFrame:
    """Tell how many segments that belong are found, by their size.

    Args:
        segments: table in the schema `SEGMENT_SCORES`.
        threshold: from `decisions.choose_decisions`.

    Returns:
        A row an octave, from the smallest segment that belongs to the largest: ``low``
        (in it) and ``high`` (not), full-resolution voxels; ``segments`` that belong,
        ``found`` of them, ``recall`` and ``mean_probability``, NaN without segments.
    """
    belongs = segment_truth(segments)
    found = reaches(segments["probability"], threshold)
    true = segments[belongs].assign(found=found[belongs])
    octave = np.log2(true["voxels"]).astype("int64")
    octaves = np.arange(octave.min(), octave.max() + 1) if len(true) else np.arange(0)
    table = true.groupby(octave.to_numpy()).agg(
        segments=("found", "size"),
        found=("found", "sum"),
        recall=("found", "mean"),
        mean_probability=("probability", "mean"),
    )
    table = table.reindex(octaves)
    table[["segments", "found"]] = table[["segments", "found"]].fillna(0).astype(int)
    table.insert(0, "low", 2**octaves)
    table.insert(1, "high", 2 ** (octaves + 1))
    return table.reset_index(drop=True)


def worst_tasks(answers: pd.DataFrame, count: int) -> list[int]:
    """Return the ids of the tasks that need the most edits, worst first.

    Args:
        answers: table in the schema `TASK_ANSWERS`.
        count: how many; fewer are returned if there are fewer tasks. Of equals, the
            lowest id counts first.
    """
    ranked = answers.sort_values(["edits", "task"], ascending=[False, True])
    tasks: list[int] = ranked["task"].head(count).tolist()
    return tasks


def _count_wrong(
    name: str,
    values: NDArray[np.float64],
    edges: tuple[float, ...],
    wrong: NDArray[np.bool_],
) -> pd.DataFrame:
    rounded = values.round(_DIGITS)
    # Those on which all agree have a bin of their own.
    place = np.where(rounded == 1, len(edges), np.searchsorted(edges[:-1], rounded))
    table = pd.DataFrame({"by": name, "low": [0.0, *edges], "high": [*edges, 1.0]})
    table["segments"] = np.bincount(place, minlength=len(table))
    table["wrong"] = np.bincount(place, wrong, len(table)).astype(np.int64)
    table["error"] = table["wrong"] / table["segments"]
    return table
