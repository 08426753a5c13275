"""Choose from which probability on segments are accepted, by a risk that is kept.

**What is controlled.** The false merges of a cell: of its accepted segments, the share
that does not belong; on average over cells in which any segment is accepted. A cell
counts as one observation, however many segments it has, since its errors are alike:
one wrong turn of a neuron brings many. With a probability of at least ``confidence``
over the choice of calibration cells, this risk is at most ``false_merge`` for other
cells of the same population, at the threshold that is chosen. Of other tissue, nothing
is promised. A share over all segments together is another number: one large cell could
lead it, and no number of cells would bound it without knowing how large cells get.

**How.** Whether the risk is above r is a bet on each cell with an accepted segment: its
stake is multiplied by 1 - `BET` (share - r) / (1 - r). If the risk is above r, stakes
shrink on average, so that their product exceeds 1 / (1 - confidence) with a chance of
1 - confidence at most (Markov); this needs no more of cells than to be independent
(shares are in [0, 1], their distribution is anything). The bet is the same for every
cell, so that their order does not matter.

Thresholds are tried one after the other, from the highest down, until the first that
fails: fixed-sequence testing, which needs no correction for their number. The first is
the highest at which as many cells accept a segment as could pass if none of these were
wrong (`Risk.clusters`); what is above cannot pass, whatever the answers. That many were
enough is known without the answers, and given their number, the cells are a random
sample of those that accept a segment there: so each test holds, if the risk, once it is
too high, stays too high at all lower thresholds.

Sources: Angelopoulos et al. 2021, Learn then Test (fixed-sequence testing, arXiv
2110.01052); Waudby-Smith and Ramdas 2024, Estimating means of bounded random variables
by betting (J. R. Stat. Soc. B 86).
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from eyewire_validator.errors import ConfigError, TableError
from eyewire_validator.evaluation.ranking import (
    Entries,
    RankedSegments,
    between,
    with_next,
)

# Share of the stake that a cell loses of which all is wrong. Lower forgives more, and
# needs more cells where none is wrong: 73 with 0.8, 65 with 0.9, 62 with 0.95 (and 59
# with any other method) for 5 % and a confidence of 95 %.
BET = 0.9

_Counts = NDArray[np.int64]
_Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Risk:
    """The demand on segments that are accepted unseen, both between 0 and 1.

    Attributes:
        false_merge: highest share of the accepted segments of a cell that may not
            belong, on average over cells.
        confidence: least probability of keeping that.

    Raises:
        ConfigError: a value is out of range, by its key.
    """

    false_merge: float
    confidence: float

    def __post_init__(self) -> None:
        """Refuse what nothing can keep, and what is no share."""
        for key, value in asdict(self).items():
            if not 0 < value < 1:
                raise ConfigError(
                    f"risk.{key} is {value}, expected more than 0 and less than 1, "
                    "such as 0.05 for false_merge and 0.95 for confidence"
                )

    @property
    def evidence(self) -> float:
        """Return the logarithm of the stake that a threshold must reach."""
        return float(-np.log1p(-self.confidence))

    @property
    def clusters(self) -> int:
        """Return how many cells are enough if none of their segments is wrong."""
        return int(np.ceil(self.evidence / np.log1p(_gain(self.false_merge))))


@dataclass(frozen=True)
class Acceptance:
    """From which probability on segments are accepted, and on what grounds.

    Attributes:
        threshold: accepted are segments of at least this; none: nothing is.
        coverage: share of the segments that belong which are accepted at it.
        bound: upper confidence bound on the risk at it; none without a threshold.
        clusters: cells with a segment at or above the last threshold that was tried.
        missing: cells that are missing before any threshold could pass, if nothing that
            is accepted in them were wrong; 0: there are enough.
    """

    threshold: float | None
    coverage: float
    bound: float | None
    clusters: int
    missing: int


def choose_acceptance(
    probability: ArrayLike,
    belongs: ArrayLike,
    clusters: ArrayLike,
    false_merge: float,
    confidence: float,
) -> Acceptance:
    """Choose the lowest threshold whose risk of false merges is low enough.

    Args:
        probability: (segments,) in [0, 1], taken as float32; of calibration segments,
            which nothing else was chosen on.
        belongs: (segments,) bool.
        clusters: (segments,) what is alike, as numbers or names: cells; of several
            blocks, cells within blocks
            (``segments.groupby(["block", "cell"]).ngroup()``).
        false_merge: see `Risk`.
        confidence: see `Risk`.

    Raises:
        ConfigError: a share is out of range.
        TableError: the arrays differ in length, or a probability is none.
    """
    risk = Risk(false_merge, confidence)
    probability = np.asarray(probability, np.float32)
    belongs, clusters = np.asarray(belongs, np.bool_), np.asarray(clusters)
    if not probability.shape == belongs.shape == clusters.shape:
        raise TableError(
            f"{len(probability)} probabilities, {len(belongs)} truths and "
            f"{len(clusters)} clusters; expected one each of every segment"
        )
    _, cell = np.unique(clusters, return_inverse=True)
    ranked = RankedSegments()
    ranked.add(probability, belongs, np.ones(len(cell), np.int64), cell)
    return accept_ranked(ranked, risk)


def accept_ranked(ranked: RankedSegments, risk: Risk) -> Acceptance:
    """Choose the lowest threshold whose risk of false merges is low enough.

    Segments are read part by part; beside a part, two numbers a cell are kept.

    Args:
        ranked: calibration segments, by their cells.
        risk: what is asked of those that are accepted.

    Returns:
        The threshold half-way between the lowest probability that passed and the next
        below: all thresholds in between accept the same segments.
    """
    threshold: np.float32 | None = None
    clusters = right = 0
    for steps in _steps(ranked, risk.false_merge):
        enough = steps.clusters >= risk.clusters
        failed = np.flatnonzero(enough & (steps.evidence < risk.evidence))
        last = failed[0] if len(failed) else len(enough) - 1
        clusters = int(steps.clusters[last])
        passed = np.flatnonzero(enough[: failed[0] if len(failed) else None])
        if len(passed):
            threshold = steps.threshold[passed[-1]]
            right = int(steps.right[passed[-1]])
        if len(failed):
            break
    return Acceptance(
        threshold=None if threshold is None else float(threshold),
        coverage=right / max(1, ranked.totals["right"]),
        bound=None if threshold is None else _bound(ranked, threshold, risk.evidence),
        clusters=clusters,
        missing=max(0, risk.clusters - clusters),
    )


class _Steps(NamedTuple):
    """Hold what thresholds accept: (n,) arrays, the highest threshold first."""

    threshold: NDArray[np.float32]
    clusters: _Counts
    right: _Counts
    evidence: _Floats


def _steps(ranked: RankedSegments, risk: float) -> Iterator[_Steps]:
    """Yield what is accepted at each probability above 0, the highest first."""
    of_cell = np.zeros((2, ranked.cells), np.int64)
    clusters = right = 0
    evidence = 0.0
    for entries, following in with_next(ranked.parts()):
        cell = entries["cell"]
        added = _counts(entries)
        after = of_cell[:, cell] + _running_sums(added, cell)
        before = after - added
        # Of several entries of a cell, the last one holds.
        of_cell[:, cell] = after
        probability = entries["probability"]
        below = np.append(probability[1:], following)
        ends = probability != below
        steps = _Steps(
            between(probability[ends], below[ends]),
            (clusters + (before[0] == 0).cumsum())[ends],
            (right + entries["right"].cumsum())[ends],
            (evidence + (_growth(after, risk) - _growth(before, risk)).cumsum())[ends],
        )
        clusters, right, evidence = (values[-1] for values in steps[1:])
        yield steps


def _counts(entries: Entries) -> _Counts:
    """Return how many segments entries have, and how many are wrong: (2, entries)."""
    return np.stack([entries["segments"], entries["segments"] - entries["right"]])


def _running_sums(counts: _Counts, cell: NDArray[np.int32]) -> _Counts:
    """Add up counts, (2, n), of each cell on its own, one after the other."""
    order = np.argsort(cell, kind="stable")
    counts, cell = counts[:, order], cell[order]
    starts = np.flatnonzero(np.append(True, cell[1:] != cell[:-1]))
    sums = counts.cumsum(axis=1)
    before = (sums - counts)[:, starts]
    sums -= np.repeat(before, np.diff(np.append(starts, len(cell))), axis=1)
    running = np.empty_like(sums)
    running[:, order] = sums
    return running


def _growth(counts: _Counts, risk: float) -> _Floats:
    """Return the logarithms of what cells multiply the stake by: (2, n) to (n,).

    They are 0 for cells without an accepted segment.
    """
    segments, wrong = counts
    lost = BET / (1 - risk) * (wrong / np.maximum(segments, 1))
    return np.where(segments > 0, np.log1p(_gain(risk) - lost), 0.0)


def _gain(risk: float) -> float:
    """Return what a stake gains by a cell of which nothing is wrong."""
    return BET * risk / (1 - risk)


def _bound(ranked: RankedSegments, threshold: np.float32, evidence: float) -> float:
    """Return the lowest risk that the segments accepted at a threshold contradict."""
    # What scipy has takes long to import, and figures use this module, too.
    from scipy.optimize import brentq

    of_cell = np.zeros((2, ranked.cells), np.int64)
    for part in ranked.parts():
        accepted = part[part["probability"] >= threshold]
        np.add.at(of_cell.T, accepted["cell"], _counts(accepted).T)

    def surplus(risk: float) -> float:
        return float(_growth(of_cell, risk).sum() - evidence)

    return float(brentq(surplus, 1e-9, 1 - 1e-9))
