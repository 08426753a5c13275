"""Tests for what people are asked, and in which order."""

import numpy as np
import pandas as pd
import pytest

from eyewire_validator.evaluation.calibration import Calibration
from eyewire_validator.review.queue import rank_decisions, select_decisions

ALL = 1.0


def answers(*rows):
    """Make rows of answers of an open task, each but for what it says."""
    common = {
        "task": 1, "cell": 7, "volume": 5, "seed": 9, "supervoxel": 8, "seeds": "9",
        "split": "open", "alarm": None, "aggregate": None, "vote_weight": None,
        "decision": "ask",
        "calibrated": 0.5, "voxels": 10,
        **dict.fromkeys(["z", "y", "x", "z_nm", "y_nm", "x_nm"], 1),
    }  # fmt: skip
    frame = pd.DataFrame(
        [{**common, "segment": n, **row} for n, row in enumerate(rows)]
    )
    return frame.assign(probability=frame["calibrated"].astype(np.float32))


def select(*rows, audit_share=ALL, threshold=0.5):
    return select_decisions(answers(*rows), threshold, audit_share)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"decision": "ask"}, "ask"),
        ({"decision": "reject"}, None),
        ({"decision": "accept"}, "audit"),
        ({"decision": "ask", "alarm": "too bright", "calibrated": 0.01}, "alarm"),
        ({"decision": "ask", "alarm": "too bright", "calibrated": 0.009}, None),
        ({"split": "test", "decision": "accept", "aggregate": False}, "missing"),
        ({"split": "test", "decision": "accept", "aggregate": True}, None),
        ({"split": "test", "decision": "reject", "aggregate": True}, "foreign"),
        ({"split": "test", "decision": "reject", "aggregate": False}, None),
        ({"split": "test", "decision": "ask", "aggregate": True}, None),
        (
            {"split": "test", "decision": "reject", "aggregate": True, "alarm": "x"},
            None,
        ),
    ],
)
def test_a_person_is_asked_only_where_one_is_needed(row, reason):
    assert select(row)["reason"].tolist() == ([reason] if reason else [])


def test_the_alarm_is_told_in_its_own_words():
    assert select({"alarm": "too bright"})["why"].tolist() == ["too bright"]


def test_a_decision_saves_how_probably_the_answer_would_be_wrong():
    found = select({"calibrated": 0.3}, {"calibrated": 0.8})
    assert found["current"].tolist() == [False, True]
    assert found["expected_edits"].tolist() == pytest.approx([0.3, 0.2])


@pytest.mark.parametrize(
    ("decision", "calibrated", "weight", "expected"),
    [
        ("accept", 0.99, 0.0, 0.5),  # both are as sure as they can be: even
        ("reject", 0.01, 1.0, 0.5),
        ("reject", 0.01, 0.5, 0.95),  # people were divided: as the model says
        ("reject", 0.2, 0.8, 0.5),
    ],
)
def test_where_people_and_model_contradict_both_are_heard(
    decision, calibrated, weight, expected
):
    row = {"split": "test", "decision": decision, "calibrated": calibrated}
    found = select({**row, "aggregate": weight > 0, "vote_weight": weight})
    assert found["expected_edits"].tolist() == pytest.approx([expected])


def test_what_a_probability_meant_on_validation_is_told_where_it_is_known():
    rows = answers({"calibrated": 0.5})
    (unknown,) = select_decisions(rows, 0.5, ALL)["validated"]
    assert np.isnan(unknown)
    seen = Calibration(1.0, (0.4, 0.6), (0.1, 0.3))
    (known,) = select_decisions(rows, 0.5, ALL, seen)["validated"]
    assert known == pytest.approx(0.2)


def test_nothing_is_proposed_without_a_threshold():
    assert select({"calibrated": 0.9}, threshold=None)["proposal"].tolist() == [False]


def test_of_what_is_accepted_a_random_sample_is_asked_about_blindly():
    accepted = [{"decision": "accept", "calibrated": 0.9}] * 1000
    found = select(*accepted, audit_share=0.1)
    assert 70 < len(found) < 130
    assert found["blind"].all()
    # It hangs on the item alone, not on what else there is.
    again = select(*accepted[:500], audit_share=0.1)
    assert again["item"].tolist() == [i for i in found["item"] if int(i[2:]) < 500]


def test_about_a_tenth_of_the_others_is_blind():
    assert 0.07 < select(*[{}] * 1000)["blind"].mean() < 0.13


def test_the_most_useful_comes_first_and_of_equals_the_larger():
    found = select(
        {"calibrated": 0.1}, {"calibrated": 0.4, "voxels": 5}, {"calibrated": 0.4}
    )
    ranked = rank_decisions(found, settled=())
    assert ranked["segment"].tolist() == [2, 1, 0]
    assert ranked["rank"].tolist() == [1, 2, 3]


def test_audits_are_spread_evenly():
    asked = select(*[{"calibrated": 0.4}] * 9)
    audits = select(*[{"decision": "accept", "task": 2}] * 3)
    ranked = rank_decisions(pd.concat([asked, audits]), settled=())["reason"].tolist()
    assert [n for n, found in enumerate(ranked) if found == "audit"] == [2, 6, 10]


def test_what_is_settled_is_not_asked_again():
    ranked = rank_decisions(select({}, {}), settled={"1-0"})
    assert ranked["item"].tolist() == ["1-1"]


def test_nothing_to_ask_makes_an_empty_queue():
    found = select({"decision": "reject"})
    assert rank_decisions(found, settled=()).empty
