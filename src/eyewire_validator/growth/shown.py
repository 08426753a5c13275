"""Choose the grown cells that are shown, and say in words what was measured."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from eyewire_validator.growth.truth import Truth, first_wrong


def show_cells(
    grown: pd.DataFrame, cells: pd.DataFrame, truth: Truth
) -> dict[str, pd.DataFrame]:
    """Return the rows of `best_and_worst`, by the titles of their panels.

    Args:
        grown: table in the schema `GROWN`.
        cells: from `measure_cells`.
        truth: of these cells.

    Returns:
        Rows with ``merger``, whether a cube made a false merge; none if there are no
        cells.
    """
    return {
        f"{name}: cell {cell}": with_mergers(grown, cell, truth)
        for name, cell in best_and_worst(cells).items()
    }


def best_and_worst(cells: pd.DataFrame) -> dict[str, int]:
    """Return the ids of the ``Best`` and of the ``Worst`` cell, if there are any.

    The best has most of its path before a false merge; the worst has most false merges,
    of equals the one with the least of its path.

    Args:
        cells: from `measure_cells`.
    """
    if cells.empty:
        return {}
    best = cells.sort_values(["recovered_before_merge", "cell"]).iloc[-1]
    order = ["mergers", "recovered_before_merge", "cell"]
    worst = cells.sort_values(order, ascending=[False, True, True]).iloc[0]
    return {"Best": int(best["cell"]), "Worst": int(worst["cell"])}


def with_mergers(grown: pd.DataFrame, cell: int, truth: Truth) -> pd.DataFrame:
    """Return the rows of a cell by cube, with ``merger``: a known false merge.

    Args:
        grown: table in the schema `GROWN`.
        cell: its id.
        truth: of cells that are known; of others none is known.
    """
    rows = grown[grown["cell"] == cell].sort_values("cube", ignore_index=True)
    return rows.assign(
        merger=first_wrong(rows, truth[cell]) if cell in truth else False
    )


def describe_summary(summary: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """Yield a line for each measure."""
    for name, found in summary.items():
        value, low, high = (
            np.nan if found[key] is None else found[key]
            for key in ("value", "low", "high")
        )
        yield f"{name}: {value:.3f} ({low:.3f} to {high:.3f})"
