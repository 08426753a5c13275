"""Membership: the probability that a segment belongs to the answer.

A false merge brings all of another neuron at once, at the same level, and most of that
lies away from the seed. So, of segments that were linked at the same level, those that
touch the seed belong more often, and those that the ancestors saw and rejected less
often. How much differs between tissues, so it is fitted to tasks.
"""

from typing import NamedTuple

import numpy as np
import scipy
from numpy.typing import NDArray

from eyewire_validator.agglomeration.evidence_scale import EvidenceScale


class Membership(NamedTuple):
    """A logistic regression on linkage, contact with the seed, and rejection.

    Attributes:
        bias: added to the log odds.
        linkage: times the level of the linkage; above 0.
        contact: times the natural logarithm of 1 + the area shared with the seed.
        rejected: added for a segment that the ancestors saw and rejected.
    """

    bias: float
    linkage: float
    contact: float
    rejected: float

    def probability(
        self,
        levels: NDArray[np.float32],
        seed_area: NDArray[np.float64],
        rejected: NDArray[np.bool_],
    ) -> NDArray[np.float32]:
        """Return the probability of membership of segments.

        Args:
            levels: (..., n) float32 log odds, from minus to plus infinity.
            seed_area: (n,) float64 area that each shares with the seed, see `Contacts`.
            rejected: (n,) bool, whether the ancestors saw it and did not choose it.

        Returns:
            (..., n) float32.
        """
        odds = (
            self.bias
            + self.linkage * levels
            + self.contact * np.log1p(seed_area)
            + self.rejected * rejected
        )
        return np.asarray(scipy.special.expit(odds), np.float32)

    def on_scale(self, scale: EvidenceScale) -> "Membership":
        """Return what does to levels what this one does to standardized ones.

        Linkage takes means, so its levels are shifted and stretched as contacts are.
        """
        linkage = self.linkage / scale.spread
        return self._replace(bias=self.bias - linkage * scale.middle, linkage=linkage)

    def off_scale(self, scale: EvidenceScale) -> "Membership":
        """Return what does to standardized levels what this one does to levels."""
        bias = self.bias + self.linkage * scale.middle
        return self._replace(bias=bias, linkage=self.linkage * scale.spread)


LINKAGE_ALONE = Membership(bias=0.0, linkage=1.0, contact=0.0, rejected=0.0)

# How far the numbers of a tissue are taken to be from those of another: standard
# deviations, chosen on mouse cortex (docs/learn.md). Tissues differ more in how many
# segments belong than in what evidence is worth.
DRIFT = Membership(bias=1.0, linkage=0.3, contact=0.3, rejected=0.3)
# A higher level never speaks against a segment.
LEAST_LINKAGE = 1e-3


def fit_membership(
    levels: NDArray[np.float32],
    seed_area: NDArray[np.float64],
    rejected: NDArray[np.bool_],
    belongs: NDArray[np.bool_],
    weights: NDArray[np.float64] | None = None,
) -> Membership:
    """Fit membership to labelled segments.

    Args:
        levels: (n,) float32 finite log odds.
        seed_area: (n,) float64 area that each shares with the seed, see `Contacts`.
        rejected: (n,) bool, whether the ancestors saw it and did not choose it.
        belongs: (n,) bool.
        weights: (n,) how much each counts, 1 on average; none for equal ones.

    Returns:
        `LINKAGE_ALONE` where nothing can be learnt: all belong, or none, or a higher
        level speaks against.
    """
    # scikit-learn takes a second to import.
    from sklearn.linear_model import LogisticRegression

    if belongs.all() or not belongs.any():
        return LINKAGE_ALONE
    rows = np.stack([levels, np.log1p(seed_area), rejected], axis=1)
    model = LogisticRegression().fit(rows, belongs, weights)
    found = Membership(float(model.intercept_[0]), *map(float, model.coef_[0]))
    return found if found.linkage > 0 else LINKAGE_ALONE


def refit_membership(
    start: Membership,
    levels: NDArray[np.float32],
    seed_area: NDArray[np.float64],
    rejected: NDArray[np.bool_],
    belongs: NDArray[np.bool_],
    weights: NDArray[np.float64],
    drift: Membership = DRIFT,
) -> Membership:
    """Refit a membership to a few labelled segments of another tissue.

    The most probable one, where the numbers are taken for normally distributed around
    those of ``start``: without labels it is ``start``, and with very many what
    `fit_membership` finds.

    Source: Chelba and Acero, Adaptation of maximum entropy capitalizer: Little data can
    help a lot, Computer Speech and Language 20 (2006).

    Args:
        start: the membership that was used for this tissue until now.
        levels: (n,) float32 finite log odds.
        seed_area: (n,) float64 area that each shares with the seed, see `Contacts`.
        rejected: (n,) bool, whether the ancestors saw it and did not choose it.
        belongs: (n,) bool.
        weights: (n,) how many labels each counts for.
        drift: standard deviations of the numbers.
    """
    # It takes a quarter of a second to import.
    from scipy.optimize import minimize

    rows = np.stack(
        [np.ones(len(levels)), levels, np.log1p(seed_area), rejected], axis=1
    ).astype(np.float64)
    sign = np.where(belongs, 1.0, -1.0)
    precision = 1 / np.square(drift)

    def loss(numbers: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        odds, off = sign * (rows @ numbers), numbers - np.array(start)
        error = weights @ np.logaddexp(0, -odds) + precision @ off**2 / 2
        slope = (-sign * weights * scipy.special.expit(-odds)) @ rows
        return float(error), slope + precision * off

    least = Membership(-np.inf, LEAST_LINKAGE, -np.inf, -np.inf)
    found = minimize(
        loss, np.array(start), jac=True, bounds=[(low, np.inf) for low in least]
    )
    return Membership(*map(float, found.x))
