import numpy as np
import pytest

from eyewire_validator.evaluation.risk_curve import COVERAGES, risk_curve

# Two cells: of the first all that is surest belongs, of the second a half.
PROBABILITY = np.float32([0.9, 0.8, 0.7, 0.6, 0.6, 0.1])
BELONGS = np.array([True, True, False, True, False, True])
CELLS = np.array([1, 1, 2, 2, 2, 1])


def at(curve, coverage):
    return curve[np.isclose(curve["coverage"], coverage)].iloc[0]


def test_the_risk_is_the_mean_over_cells_at_the_threshold_of_a_coverage():
    curve = risk_curve(PROBABILITY, BELONGS, CELLS)
    assert curve["coverage"].tolist() == pytest.approx(list(COVERAGES))
    half = at(curve, 0.5)
    assert (half["cells"], half["risk"]) == (1, 0.0)
    assert half["threshold"] == pytest.approx(0.8)
    # Ties are accepted together: two of three in the second cell are wrong.
    most = at(curve, 0.7)
    assert most["threshold"] == pytest.approx(0.6)
    assert (most["cells"], most["risk"]) == (2, pytest.approx((0 + 2 / 3) / 2))
    # Both cells drawn are the first, or the second.
    assert (most["low"], most["high"]) == (0.0, pytest.approx(2 / 3))


def test_where_nothing_belongs_there_is_no_curve():
    assert risk_curve(PROBABILITY, np.zeros(6, bool), CELLS).empty
