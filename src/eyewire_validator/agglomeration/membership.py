"""How probably a segment belongs: by its linkage, and by two things beside it.

A wrong joining brings all of another neuron at once, at the same level, and most of
that lies away from the seed. So, of segments that were linked at the same level, those
that touch the seed belong more often. And those belong less often that the ancestors
saw and did not choose. How much differs between tissues, so tasks say it.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit


class Attachment(NamedTuple):
    """A logistic regression of three numbers of a segment.

    Attributes:
        bias: added to the log odds.
        linkage: times the level of the linkage; above 0.
        contact: times the natural logarithm of 1 + the faces shared with the seed.
        passed_over: added for a segment that the ancestors passed over.
    """

    bias: float
    linkage: float
    contact: float
    passed_over: float

    def probability(
        self,
        levels: NDArray[np.float32],
        touching: NDArray[np.int64],
        passed_over: NDArray[np.bool_],
    ) -> NDArray[np.float32]:
        """Say how probably segments belong.

        Args:
            levels: (..., n) float32 log odds, from minus to plus infinity.
            touching: (n,) int64 coarse faces that each shares with the seed.
            passed_over: (n,) bool, whether the ancestors saw it and did not choose it.

        Returns:
            (..., n) float32.
        """
        odds = (
            self.bias
            + self.linkage * levels
            + self.contact * np.log1p(touching)
            + self.passed_over * passed_over
        )
        return np.asarray(expit(odds), np.float32)


LINKAGE_ALONE = Attachment(bias=0.0, linkage=1.0, contact=0.0, passed_over=0.0)


def fit_attachment(
    levels: NDArray[np.float32],
    touching: NDArray[np.int64],
    passed_over: NDArray[np.bool_],
    belongs: NDArray[np.bool_],
) -> Attachment:
    """Fit to segments of which it is known whether they belong.

    Args:
        levels: (n,) float32 finite log odds.
        touching: (n,) int64 coarse faces that each shares with the seed.
        passed_over: (n,) bool, whether the ancestors saw it and did not choose it.
        belongs: (n,) bool.

    Returns:
        `LINKAGE_ALONE` where nothing can be learnt: all belong, or none, or a higher
        level speaks against.
    """
    # scikit-learn takes a second to import.
    from sklearn.linear_model import LogisticRegression

    if belongs.all() or not belongs.any():
        return LINKAGE_ALONE
    rows = np.stack([levels, np.log1p(touching), passed_over], axis=1)
    model = LogisticRegression().fit(rows, belongs)
    found = Attachment(float(model.intercept_[0]), *map(float, model.coef_[0]))
    return found if found.linkage > 0 else LINKAGE_ALONE
