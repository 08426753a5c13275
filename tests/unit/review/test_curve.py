"""Tests for edits found against decisions made."""

import numpy as np
import pandas as pd
import pytest

from eyewire_validator.evaluation.decision_list import Thresholds
from eyewire_validator.evaluation.decisions import Decisions
from eyewire_validator.review.curve import (
    decisions_of_labelled,
    describe_shares,
    edits_found,
    share_found,
)

DECISIONS = Decisions(0.5, accept=0.8, reject=0.2, tasks=2, cells=2, segments=6)
THRESHOLDS = Thresholds(DECISIONS, 1.0, "here")
TASKS = pd.DataFrame({"task": [1, 2], "alarm": [None, None]})


def labelled(*rows, tasks=TASKS):
    """Decisions on segments of (task, probability, truth)."""
    segments = pd.DataFrame(rows, columns=["task", "probability", "truth"])
    segments["probability"] = segments["probability"].astype(np.float32)
    return decisions_of_labelled(
        segments.assign(cell=segments["task"] * 10), tasks, THRESHOLDS
    )


FIVE = [
    (1, 0.9, True),
    (1, 0.7, False),
    (1, 0.55, True),
    (2, 0.4, True),
    (2, 0.1, True),
]


def test_an_edit_is_a_choice_that_is_wrong():
    found = labelled(*FIVE)
    assert found["edit"].tolist() == [False, True, False, True, True]
    assert found["asked"].tolist() == [False, True, True, True, False]
    assert found["queue"].tolist() == pytest.approx(
        [0.1, 0.3, 0.45, 0.4, 0.1], abs=1e-6
    )


def test_where_the_alarm_rings_what_is_possible_is_asked_about():
    """As in the queue; elsewhere these would be rejected unseen."""
    alarmed = TASKS.assign(alarm=[None, "Unlike."])
    rows = [(task, p, False) for task in (1, 2) for p in (0.005, 0.1, 0.9)]
    found = labelled(*rows, tasks=alarmed)
    assert found["asked"].tolist() == [False, False, False, False, True, True]


@pytest.mark.parametrize(
    ("order", "edits"),
    [
        ("queue", [0, 0, 1, 2]),
        ("probability", [0, 1, 1, 2]),
        ("random", [0, 2 / 3, 4 / 3, 2]),
        ("oracle", [0, 1, 2, 2]),
    ],
)
def test_edits_add_up_in_each_order(order, edits):
    asked = labelled(*FIVE[1:4])
    curves = edits_found(asked)
    found = curves[curves["order"] == order]
    assert found["decisions"].tolist() == [0, 1, 2, 3]
    assert found["edits"].tolist() == pytest.approx(edits)


def test_the_share_of_the_first_fifth_has_an_interval_over_cells():
    rows = [(task, 0.45, True) for task in (1, 2)]
    rows += [(task, 0.3, False) for task in (1, 2) for _ in range(4)]
    found = share_found(labelled(*rows), resamples=50, random_seed=0)
    assert {order: one["value"] for order, one in found.items()} == {
        "queue": 1.0,
        "probability": 1.0,
        "oracle": 1.0,
    }
    assert (found["queue"]["low"], found["queue"]["high"]) == (1.0, 1.0)


@pytest.mark.parametrize("rows", [[], [(1, 0.4, False)]])
def test_without_edits_no_share_is_found(rows):
    asked = labelled(*FIVE)[:0] if not rows else labelled(*rows)
    assert edits_found(asked)["edits"].sum() == 0
    found = share_found(asked, resamples=10, random_seed=0)
    assert found["queue"]["value"] is None
    assert "no edits" in next(describe_shares(found))
