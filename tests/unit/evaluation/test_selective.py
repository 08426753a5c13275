from itertools import pairwise, permutations

import numpy as np
import pandas as pd
import pytest

from eyewire_validator.errors import TableError
from eyewire_validator.evaluation.selective import (
    augrc,
    aurc,
    best_augrc,
    coverage_at_risk,
    random_augrc,
    risk_coverage,
    segment_uncertainty,
    task_uncertainty,
)
from eyewire_validator.storage.schemas.evaluation import (
    SEGMENT_SCORES,
    TASK_ANSWERS,
    UNCERTAINTIES,
)
from eyewire_validator.storage.tables import make_frame

# Uncertainty and loss of five tasks, with ties of two and of three.
TIED = ([0.3, 0.1, 0.3, 0.1, 0.3], [4, 0, 1, 2, 0])


def scores(*rows):
    """Make SEGMENT_SCORES of rows (task, probability, sigma)."""
    other = {"cell": 7, "volume": 9, "segment": 1, "voxels": 200, "truth": False}
    other |= {"vote_weight": 0.0}
    return make_frame(
        [
            {"task": task, "probability": probability, "sigma": sigma, **other}
            for task, probability, sigma in rows
        ],
        SEGMENT_SCORES,
    )


def by_brute_force(area, uncertainty, loss):
    """Average an area over all orders that agree with the uncertainty."""
    orders = [
        order
        for order in permutations(range(len(loss)))
        if all(uncertainty[a] <= uncertainty[b] for a, b in pairwise(order))
    ]
    return np.mean([area([loss[task] for task in order]) for order in orders])


def aurc_in_order(loss):
    return np.mean([np.mean(loss[:k]) for k in range(1, len(loss) + 1)])


def augrc_in_order(loss):
    n = len(loss)
    risk = [sum(loss[:k]) / n for k in range(n + 1)]
    return np.trapezoid(risk, np.arange(n + 1) / n)


def test_uncertainty_of_segments():
    segments = scores((1, 0.0, 1.0), (1, 0.25, 2.0), (2, 0.75, 3.0), (2, 1.0, 4.0))
    found = segment_uncertainty(segments.set_index(pd.Index([9, 8, 7, 6])))
    assert tuple(found) == UNCERTAINTIES
    assert found.index.tolist() == [9, 8, 7, 6]
    assert found["probability"].tolist() == [0, 0.25, 0.25, 0]
    nats = -0.25 * np.log(0.25) - 0.75 * np.log(0.75)
    np.testing.assert_allclose(found["entropy"], [0, nats, nats, 0])
    assert found["sigma"].tolist() == [1, 2, 3, 4]
    assert found["variance"].isna().all()


def test_uncertainty_of_tasks():
    segments = scores((5, 0.25, None), (3, 1.0, None), (5, 0.5, None), (5, 0.75, None))
    segments["variance"] = np.float32([0.5, 0.25, 0.0, 1.0])
    found = task_uncertainty(segments)
    assert found["task"].tolist() == [3, 5]
    assert found["probability_sum"].tolist() == [0, 1]
    assert found["probability_max"].tolist() == [0, 0.5]
    assert found["entropy_max"].tolist() == [0, pytest.approx(np.log(2))]
    assert found["variance_sum"].tolist() == [0.25, 1.5]
    absent = ["sigma_sum", "sigma_max", "mutual_information_sum"]
    assert found[absent].isna().all(axis=None)


def test_columns_are_those_of_the_table():
    found = task_uncertainty(scores((1, 0.5, 1.0)))
    assert list(found) == ["task", *TASK_ANSWERS.names[-2 * len(UNCERTAINTIES) :]]
    assert task_uncertainty(scores()).columns.equals(found.columns)


def test_a_score_of_only_some_segments_is_refused():
    with pytest.raises(TableError, match="sigma is missing for 1 of 2"):
        segment_uncertainty(scores((1, 0.5, 1.0), (1, 0.5, None)))


def test_risk_coverage_by_hand():
    found = risk_coverage([0.2, 0.9, 0.1, 0.4], [0, 3, 0, 1])
    assert found["coverage"].tolist() == [0.25, 0.5, 0.75, 1]
    np.testing.assert_allclose(found["selective_risk"], [0, 0, 1 / 3, 1])
    np.testing.assert_allclose(found["generalized_risk"], [0, 0, 1 / 4, 1])


def test_areas_by_hand():
    ranked = ([0.2, 0.9, 0.1, 0.4], [0, 3, 0, 1])
    assert aurc(*ranked) == pytest.approx((1 / 3 + 1) / 4)
    # Trapezoids of width 1/4: 0, 0, 1/8 and 5/8 high on average.
    assert augrc(*ranked) == pytest.approx((1 / 8 + 5 / 8) / 4)


@pytest.mark.parametrize("order", list(permutations(range(4))))
def test_tied_tasks_count_the_same_in_any_order(order):
    uncertainty, loss = np.array([[1, 1, 1, 2], [0, 5, 1, 2]])[:, order]
    found = risk_coverage(uncertainty, loss)
    np.testing.assert_allclose(found["selective_risk"], 2)
    np.testing.assert_allclose(found["generalized_risk"], [0.5, 1, 1.5, 2])


@pytest.mark.parametrize(
    "uncertainty", [TIED[0], [1, 1, 1, 1, 1], [3, 1, 2, 5, 4], [2, 1, 1, 1, 3]]
)
def test_areas_are_expectations_over_orders_of_ties(uncertainty):
    loss = TIED[1]
    expected = by_brute_force(aurc_in_order, uncertainty, loss)
    assert aurc(uncertainty, loss) == pytest.approx(expected)
    expected = by_brute_force(augrc_in_order, uncertainty, loss)
    assert augrc(uncertainty, loss) == pytest.approx(expected)


def test_best_and_random_order_by_brute_force():
    loss = TIED[1]
    areas = [augrc_in_order(order) for order in permutations(loss)]
    assert best_augrc(loss) == pytest.approx(min(areas))
    assert random_augrc(loss) == pytest.approx(np.mean(areas))
    assert random_augrc(loss) == pytest.approx(np.mean(loss) / 2)


def test_known_areas_of_losses_of_0_and_1():
    # Traub et al. 2024: half the mean's square in the best order, else more.
    assert best_augrc([0, 1, 0, 0, 1]) == pytest.approx(0.4**2 / 2)
    assert augrc([0], [1]) == 0.5
    assert aurc([0], [1]) == 1


@pytest.mark.parametrize("area", [aurc, augrc])
def test_a_perfect_ranking_beats_a_reversed_one(area):
    loss = np.arange(9)
    assert area(loss, loss) < area(np.zeros(9), loss) < area(-loss, loss)


@pytest.mark.parametrize("area", [aurc, augrc])
def test_areas_depend_on_the_order_only(area):
    uncertainty, loss = map(np.array, TIED)
    assert area(uncertainty, loss) == area(np.exp(9 * uncertainty), loss)
    assert area(uncertainty, 3 * loss) == pytest.approx(3 * area(uncertainty, loss))


def test_coverage_at_risk_by_hand():
    uncertainty = [4, 1, 3, 2]  # in order: 0 of 50, 1 of 50, 0 of 100, 10 of 50
    errors, answered = [10, 0, 0, 1], [50, 50, 100, 50]
    for risk, expected in ((0.0, 0.25), (0.004, 0.25), (0.005, 0.75), (0.044, 1)):
        assert coverage_at_risk(uncertainty, errors, answered, risk) == expected


def test_tied_tasks_are_accepted_together():
    assert coverage_at_risk([1, 2, 2, 3], [0, 0, 1, 0], [9, 9, 9, 973], 0.01) == 1
    assert coverage_at_risk([1, 2, 2, 3], [0, 0, 1, 9], [9, 9, 9, 9], 0.01) == 0.25
    assert coverage_at_risk([1, 1], [0, 1], [1, 1], 0.01) == 0


def test_nothing_answered_is_no_risk():
    assert coverage_at_risk([1, 2], [0, 1], [0, 1], 0.0) == 0.5


def test_a_share_that_is_just_the_risk_is_accepted():
    assert coverage_at_risk([1], [29], [100], 0.29) == 1


def test_what_follows_from_an_absent_score_is_absent():
    absent = [np.nan, np.nan]
    assert risk_coverage(absent, [1, 0]).empty
    assert np.isnan(aurc(absent, [1, 0]))
    assert np.isnan(augrc(absent, [1, 0]))
    assert np.isnan(coverage_at_risk(absent, [1, 0], [1, 1], 0.01))


@pytest.mark.parametrize("area", [risk_coverage, aurc, augrc])
@pytest.mark.parametrize(
    ("uncertainty", "loss", "message"),
    [
        ([1, np.nan, 3], [0, 0, 0], "uncertainty is missing for 1 of 3"),
        ([1, 2, 3], [0, 0], "3 uncertainties for 2 tasks"),
        ([1, 2], [0, -1], "lowest loss or count is -1"),
        ([1, 2], [0, np.nan], "nan"),
    ],
)
def test_what_cannot_be_ranked_is_refused(area, uncertainty, loss, message):
    with pytest.raises(TableError, match=message):
        area(uncertainty, loss)
