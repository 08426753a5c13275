"""The rule by which a crowd agrees on an answer."""

import numpy as np
import pytest

from eyewire_validator.answers import consensus_threshold


@pytest.mark.parametrize(
    ("weight", "threshold"), [(1, 0.99), (2, 0.93), (3, 0.82), (5, 0.65), (10, 0.40)]
)
def test_the_consensus_has_eyewires_values(weight, threshold):
    assert consensus_threshold(weight) == pytest.approx(threshold, abs=5e-3)


def test_where_no_weight_is_known_no_threshold_is():
    found = consensus_threshold([1.0, np.nan])
    np.testing.assert_array_equal(np.isnan(found), [False, True])
