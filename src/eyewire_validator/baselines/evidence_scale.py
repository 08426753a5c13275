"""Measure where the evidence of a volume lies: what is much for it, and what is little.

In tissue that a network never saw, its log odds are shifted and stretched as a whole:
in mouse cortex, one that learned from the fly calls 99 of 100 contacts one cell. What
it says of one contact next to the others of the volume carries over all the same, and
peers, which have no second look, are judged by that.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

# Shares of the contacts below the middle, and a standard deviation below and above it
# if they were normally distributed.
BELOW, MIDDLE, ABOVE = 0.16, 0.5, 0.84
# Contacts that differ by less than this, in log odds, are not told apart.
LEAST_SPREAD = 0.1


class EvidenceScale(NamedTuple):
    """The scale of the evidence on the contacts of a volume.

    Attributes:
        middle: log odds that half of the contacts are below.
        spread: half of what lies between the contacts at `BELOW` and `ABOVE`.
    """

    middle: float
    spread: float

    @classmethod
    def of(
        cls, area: NDArray[np.float64], evidence: NDArray[np.float32]
    ) -> "EvidenceScale":
        """Measure the contacts of a volume, each counting by the root of its area.

        Large contacts are surer, small ones many.

        Args:
            area: (n,) float64.
            evidence: (members, n) float32 log odds that both sides belong together.

        Returns:
            A middle of 0 and a spread of 1 where there is no contact.
        """
        if not len(area):
            return cls(0.0, 1.0)
        below, middle, above = np.quantile(
            evidence.mean(axis=0),
            [BELOW, MIDDLE, ABOVE],
            weights=np.sqrt(area),
            method="inverted_cdf",
        )
        return cls(float(middle), max(float(above - below) / 2, LEAST_SPREAD))
