"""Membership: the probability that a segment belongs to the answer.

A false merge brings all of another neuron at once, at the same level, and most of that
lies away from the seed. So, of segments that were linked at the same level, those that
touch the seed belong more often; those that come in large company less often, and so do
those that the ancestors saw and rejected. How much differs between tissues, so it is
fitted to tasks.
"""

from typing import NamedTuple

import numpy as np
import scipy
from numpy.typing import NDArray


class Joined(NamedTuple):
    """Describe how n segments are joined to the seed: what membership is judged by.

    Attributes:
        levels: (..., n) float32 log odds of the linkage, from minus to plus infinity.
        company: (..., n) float32 how large what joins at the same level is beside the
            seed, see `company_of`.
        seed_area: (n,) float64 area that each shares with the seed, see `Contacts`.
        rejected: (n,) bool, whether the ancestors saw it and did not choose it.
    """

    levels: NDArray[np.float32]
    company: NDArray[np.float32]
    seed_area: NDArray[np.float64]
    rejected: NDArray[np.bool_]

    def of_segments(self, chosen: NDArray[np.bool_]) -> "Joined":
        """Return those of n segments that are chosen, (n,) bool."""
        return Joined(
            self.levels[..., chosen],
            self.company[..., chosen],
            self.seed_area[chosen],
            self.rejected[chosen],
        )

    def of_members(self) -> tuple["Joined", NDArray[np.intp]]:
        """Return what members join, one after the other: (m,) each; and what of n."""
        member, row = np.nonzero(np.isfinite(self.levels))
        found = Joined(
            self.levels[member, row],
            self.company[member, row],
            self.seed_area[row],
            self.rejected[row],
        )
        return found, row


def company_of(
    levels: NDArray[np.float32], surface: NDArray[np.float64], of_seed: float
) -> NDArray[np.float32]:
    """Return how large what joins with each segment is beside the seed.

    Args:
        levels: (members, n) float32 log odds of the linkage.
        surface: (n,) float64 area that each segment shares with all others.
        of_seed: the same of the seed.

    Returns:
        (members, n) float32 natural logarithms of the surface of all segments at the
        level of each one, and of the seed's, each and 1, less one another.
    """
    found = np.empty(levels.shape, np.float32)
    for member, level in enumerate(levels):
        _, group = np.unique(level, return_inverse=True)
        together = np.bincount(group, surface)[group]
        found[member] = np.log1p(together) - np.log1p(of_seed)
    return found


class Membership(NamedTuple):
    """A logistic regression on how segments are joined.

    Attributes:
        bias: added to the log odds.
        linkage: times the level of the linkage; above 0.
        contact: times the natural logarithm of 1 + the area shared with the seed.
        rejected: added for a segment that the ancestors saw and rejected.
        company: times the company that a segment joins in.
    """

    bias: float
    linkage: float
    contact: float
    rejected: float
    company: float = 0.0

    def probability(self, joined: Joined) -> NDArray[np.float32]:
        """Return the probability of membership of segments: (..., n) float32."""
        odds = (
            self.bias
            + self.linkage * joined.levels
            + self.contact * np.log1p(joined.seed_area)
            + self.rejected * joined.rejected
            + self.company * joined.company
        )
        return np.asarray(scipy.special.expit(odds), np.float32)


LINKAGE_ALONE = Membership(bias=0.0, linkage=1.0, contact=0.0, rejected=0.0)

# How far the numbers of a tissue are taken to be from those of another: standard
# deviations, chosen on mouse cortex (docs/learn.md). Tissues differ more in how many
# segments belong than in what evidence is worth.
DRIFT = Membership(bias=1.0, linkage=0.3, contact=0.3, rejected=0.3, company=0.3)
# A higher level never speaks against a segment.
LEAST_LINKAGE = 1e-3


def fit_membership(
    joined: Joined,
    belongs: NDArray[np.bool_],
    weights: NDArray[np.float64] | None = None,
) -> Membership:
    """Fit membership to labelled segments.

    Args:
        joined: n segments of finite levels.
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
    model = LogisticRegression().fit(_rows(joined), belongs, weights)
    found = Membership(float(model.intercept_[0]), *map(float, model.coef_[0]))
    return found if found.linkage > 0 else LINKAGE_ALONE


def _rows(joined: Joined) -> NDArray[np.float64]:
    """Return what a membership adds to its bias, before its factors: (n, 4)."""
    levels, company, seed_area, rejected = joined
    return np.stack([levels, np.log1p(seed_area), rejected, company], axis=1)


def refit_membership(
    start: Membership,
    joined: Joined,
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
        joined: n segments of finite levels.
        belongs: (n,) bool.
        weights: (n,) how many labels each counts for.
        drift: standard deviations of the numbers.
    """
    # It takes a quarter of a second to import.
    from scipy.optimize import minimize

    rows = np.column_stack([np.ones(len(belongs)), _rows(joined)])
    sign = np.where(belongs, 1.0, -1.0)
    precision = 1 / np.square(drift)

    def loss(numbers: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        odds, off = sign * (rows @ numbers), numbers - np.array(start)
        error = weights @ np.logaddexp(0, -odds) + precision @ off**2 / 2
        slope = (-sign * weights * scipy.special.expit(-odds)) @ rows
        return float(error), slope + precision * off

    least = Membership(*[-np.inf] * len(start))._replace(linkage=LEAST_LINKAGE)
    found = minimize(
        loss, np.array(start), jac=True, bounds=[(low, np.inf) for low in least]
    )
    return Membership(*map(float, found.x))
