"""Follow the risk of false merges as more is accepted: what a bound has to beat.

The risk is that of risk.py: the share of a cell's accepted segments that does not
belong, on average over cells in which any is accepted.
"""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from eyewire_validator.evaluation.bootstrap import ENDS, resample_cells

# Shares of what belongs that are to be accepted.
COVERAGES = np.arange(1, 51) / 50


def risk_curve(
    probability: NDArray[np.float32],
    belongs: NDArray[np.bool_],
    cells: NDArray[np.int64],
) -> pd.DataFrame:
    """Measure the risk at the threshold that accepts each of `COVERAGES`.

    Args:
        probability: (segments,) that a segment belongs.
        belongs: (segments,) whether it does.
        cells: (segments,) ids.

    Returns:
        A row a coverage: ``coverage``, ``threshold``, ``cells`` with an accepted
        segment, ``risk``, and ``low`` and ``high``, its interval of 95 % over cells. No
        rows if nothing belongs.
    """
    best = np.sort(probability[belongs])[::-1]
    if not len(best):
        return pd.DataFrame(
            columns=["coverage", "threshold", "cells", "risk", "low", "high"]
        )
    ids, cell = np.unique(cells, return_inverse=True)
    drawn = resample_cells(ids)
    rows = []
    for coverage in COVERAGES:
        threshold = best[int(np.ceil(coverage * len(best))) - 1]
        accepted = probability >= threshold
        segments = np.bincount(cell[accepted], minlength=len(ids))
        wrong = np.bincount(cell[accepted & ~belongs], minlength=len(ids))
        has_any = segments > 0
        share = wrong[has_any] / segments[has_any]
        counts = drawn[:, has_any]
        means = (counts @ share) / np.maximum(1, counts.sum(axis=1))
        low, high = np.quantile(means, ENDS)
        rows.append(
            {
                "coverage": float(coverage),
                "threshold": float(threshold),
                "cells": int(has_any.sum()),
                "risk": float(share.mean()),
                "low": float(low),
                "high": float(high),
            }
        )
    return pd.DataFrame(rows)
