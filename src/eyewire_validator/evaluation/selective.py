"""Selective prediction: can uncertainty tell which answers to trust unseen?

Tasks are accepted from the most certain on. Where uncertainties tie, their order is
unknown: curves and areas are then, exactly, the expectation over all orders of the tied
tasks. An uncertainty that a model does not have is NaN for all tasks, and so is what
follows from it; one that only some tasks have is an error.
"""

import numpy as np
import pandas as pd
import scipy
from numpy.typing import ArrayLike, NDArray

from eyewire_validator.errors import TableError
from eyewire_validator.storage.schemas.evaluation import UNCERTAINTIES

_Floats = NDArray[np.float64]


def segment_uncertainty(segments: pd.DataFrame) -> pd.DataFrame:
    """Return every segment's uncertainty by each score.

    Args:
        segments: a table of the schema `SEGMENT_SCORES`.

    Returns:
        float64 columns named as in `UNCERTAINTIES`, with the rows and the index
        of ``segments``: ``probability`` is min(p, 1 - p), ``entropy`` that of p in
        nats, and the others are the columns of that name; all NaN if absent.

    Raises:
        TableError: a score is absent for some segments only.
    """
    probability = segments["probability"].astype("float64")
    other = 1 - probability
    scores = segments.assign(
        probability=np.minimum(probability, other),
        entropy=scipy.special.entr(probability) + scipy.special.entr(other),
    )
    return pd.DataFrame(
        {name: _all_or_none(name, scores[name]) for name in UNCERTAINTIES}
    )


def task_uncertainty(segments: pd.DataFrame) -> pd.DataFrame:
    """Return every task's uncertainty by each score.

    Args:
        segments: a table of the schema `SEGMENT_SCORES`.

    Returns:
        A row a task that has candidates: ``task``, ascending, and for each score of
        `segment_uncertainty` its ``{score}_sum`` and ``{score}_max`` over the task's
        segments; NaN if absent.

    Raises:
        TableError: a score is absent for some segments only.
    """
    groups = segment_uncertainty(segments).groupby(segments["task"])
    # min_count: the sum of nothing known is unknown, not 0.
    over = {"sum": groups.sum(min_count=1), "max": groups.max()}
    columns = {
        f"{score}_{name}": tasks[score]
        for score in UNCERTAINTIES
        for name, tasks in over.items()
    }
    return pd.DataFrame(columns).rename_axis("task").reset_index()


def risk_coverage(uncertainty: ArrayLike, loss: ArrayLike) -> pd.DataFrame:
    """Return the risk among the tasks accepted, as more and more are.

    Args:
        uncertainty: (n,) of the tasks, any finite scale.
        loss: (n,) what accepting each costs, at least 0, such as the edits needed.

    Returns:
        A row for k = 1 to n accepted tasks: ``coverage`` k / n, ``selective_risk``
        (their mean loss) and ``generalized_risk`` (their summed loss / n), both in
        expectation over the orders of tied tasks. No rows if the uncertainty is absent.

    Raises:
        TableError: the numbers differ in count, some are missing, or a loss is below 0.
    """
    uncertainty, loss = _check(uncertainty, loss)
    n = len(uncertainty)
    accepted = np.arange(1, n + 1)
    total = _expected_losses(uncertainty, loss).cumsum()
    return pd.DataFrame(
        {
            "coverage": accepted / n,
            "selective_risk": total / accepted,
            "generalized_risk": total / n,
        }
    )


def aurc(uncertainty: ArrayLike, loss: ArrayLike) -> float:
    """Return the area under the curve of selective risk over coverage.

    The mean over k = 1 to n of the mean loss of the k most certain tasks (Geifman,
    Uziel and El-Yaniv 2019), in units of the loss. Lower is better; the few most
    certain tasks weigh heavily, which is why `augrc` is preferred.

    Args:
        uncertainty: (n,) as for `risk_coverage`.
        loss: (n,) as for `risk_coverage`.

    Returns:
        The area; NaN if the uncertainty is absent.

    Raises:
        TableError: as `risk_coverage`.
    """
    return float(risk_coverage(uncertainty, loss)["selective_risk"].mean())


def augrc(uncertainty: ArrayLike, loss: ArrayLike) -> float:
    """Return the area under the curve of generalized risk over coverage.

    Trapezoids from coverage 0, where the risk is 0, to coverage 1, where it is the mean
    loss: the expected loss of an accepted task times the chance that it is accepted, at
    a coverage drawn evenly. Lower is better; random order gives half the mean loss, and
    for losses of 0 and 1 the best order gives half the mean's square.

    Source: Traub et al. 2024, Overcoming Common Flaws in the Evaluation of Selective
    Classification Systems, with the end points of its reference code (IML-DKFZ/
    fd-shifts). torch-uncertainty starts at coverage 1 / n instead and divides by
    1 - 1 / n; the difference vanishes as n grows.

    Args:
        uncertainty: (n,) as for `risk_coverage`.
        loss: (n,) as for `risk_coverage`.

    Returns:
        The area, in units of the loss; NaN if the uncertainty is absent.

    Raises:
        TableError: as `risk_coverage`.
    """
    after = risk_coverage(uncertainty, loss)["generalized_risk"]
    before = after.shift(fill_value=0.0)
    return float((before + after).mean() / 2)


def best_augrc(loss: ArrayLike) -> float:
    """Return the `augrc` of tasks ordered by their loss: none can be lower."""
    return augrc(loss, loss)


def random_augrc(loss: ArrayLike) -> float:
    """Return the expected `augrc` of tasks in random order: half their mean loss."""
    return augrc(np.zeros(np.shape(loss)), loss)


def coverage_at_risk(
    uncertainty: ArrayLike, errors: ArrayLike, answered: ArrayLike, risk: float
) -> float:
    """Return the share of tasks that could go unseen at no more than some risk.

    The largest coverage at which the accepted tasks' summed errors are at most ``risk``
    of their summed ``answered`` (0 of 0 is no risk), even if it is above that at a
    smaller one. Tied tasks are accepted together or not at all. Found on the very tasks
    it is told of: the best that a threshold could do, not what one chosen before did.

    Args:
        uncertainty: (n,) as for `risk_coverage`.
        errors: (n,) wrong segments of each task.
        answered: (n,) segments of each task that are answered or true.
        risk: highest share of errors, such as 0.01.

    Returns:
        The share of tasks, in [0, 1]; 0 if there is no such coverage, NaN if the
        uncertainty is absent.

    Raises:
        TableError: the numbers differ in count, some are missing, or one is below 0.
    """
    kept, errors = _check(uncertainty, errors)
    _, answered = _check(uncertainty, answered)
    if not kept.size:
        return float("nan")
    _, level, count = np.unique(kept, return_inverse=True, return_counts=True)
    wrong = np.bincount(level, errors).cumsum()
    of = np.bincount(level, answered).cumsum()
    # Divided, not multiplied: 29 of 100 is at most 0.29, but 29 > 0.29 * 100 in floats.
    low = wrong / np.maximum(of, 1) <= risk
    return float(count.cumsum()[low].max(initial=0) / len(kept))


def _expected_losses(uncertainty: _Floats, loss: _Floats) -> _Floats:
    """Return the losses from the most certain on, tied ones replaced by their mean."""
    _, level, count = np.unique(uncertainty, return_inverse=True, return_counts=True)
    mean: _Floats = np.bincount(level, loss, len(count)) / count
    return np.repeat(mean, count)


def _all_or_none(name: str, values: pd.Series) -> pd.Series:
    """Return float64 values; raise where only some of them are missing."""
    values = values.astype("float64")
    missing = int(values.isna().sum())
    if 0 < missing < len(values):
        raise TableError(
            f"{name} is missing for {missing} of {len(values)}; expected for all or "
            "for none: are the rows of one model?"
        )
    return values


def _check(uncertainty: ArrayLike, loss: ArrayLike) -> tuple[_Floats, _Floats]:
    """Return both as float64, of no tasks at all if the uncertainty is absent."""
    ranks: _Floats = _all_or_none("uncertainty", pd.Series(uncertainty)).to_numpy()
    loss = np.asarray(loss, np.float64)
    if ranks.shape != loss.shape:
        raise TableError(
            f"{ranks.size} uncertainties for {loss.size} tasks; expected as many"
        )
    if not (loss >= 0).all():
        raise TableError(
            f"the lowest loss or count is {loss.min()}; expected 0 or more, for all"
        )
    known = ~np.isnan(ranks)
    return ranks[known], loss[known]
