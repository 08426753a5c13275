"""Tests for what reviewers settle, and how far they agree."""

import pandas as pd
import pytest

from eyewire_validator.review.agreement import (
    agreement,
    blind_errors,
    settle,
    settled_pairs,
)


def decisions(*rows):
    """A table of (item, reviewer, verdict), with more columns by name."""
    common = {
        "task": 1, "cell": 7, "seeds": "9", "supervoxel": 8, "reason": "ask",
        "blind": False, "proposal": True, "checkpoint": "c",
        **dict.fromkeys(["z_nm", "y_nm", "x_nm"], 1.0),
    }  # fmt: skip
    made = []
    for item, reviewer, verdict, *more in rows:
        own = {"item": item, "reviewer": reviewer, "verdict": verdict, "first": verdict}
        made.append({**common, **own, **(more[0] if more else {})})
    return pd.DataFrame(made)


@pytest.mark.parametrize(
    ("said", "settled"),
    [
        (["yes"], ["yes"]),
        (["no", "irrelevant"], ["no"]),
        (["yes", "no"], ["conflict"]),
        (["yes", "unsure"], ["yes"]),
        (["unsure", "later", "flag"], []),
    ],
)
def test_an_item_is_settled_if_those_who_decided_agree(said, settled):
    rows = [("1-2", f"r{n}", verdict) for n, verdict in enumerate(said)]
    assert settle(decisions(*rows))["verdict"].tolist() == settled


def test_it_is_said_who_decided():
    found = settle(decisions(("1-2", "Ada", "yes"), ("1-2", "Bob", "yes")))
    assert found["decided_by"].tolist() == ["Ada; Bob"]


def test_nothing_decided_settles_nothing():
    nothing = decisions(("1-2", "Ada", "yes"))[:0]
    assert settle(nothing).empty
    assert (list(agreement(nothing)), blind_errors(nothing)) == ([], [])


def test_what_is_settled_is_known_of_pairs():
    rows = [
        ("1-2", "Ada", "no", {"segment": 2}),
        ("1-3", "Ada", "yes", {"segment": 3}),
        ("1-3", "Bob", "no", {"segment": 3}),
        ("4-2", "Ada", "yes", {"segment": 2, "task": 4}),
    ]
    found = settled_pairs(decisions(*rows))
    assert found.to_dict("list") == {
        "task": [1, 4], "segment": [2, 2], "belongs": [False, True]
    }  # fmt: skip
    assert settled_pairs(decisions(*rows)[:0]).empty


def test_kappa_of_two_reviewers():
    # 20 both yes, 5 yes/no, 10 no/yes, 15 both no: p_o .7, p_e .5, as in textbooks.
    pairs = [("yes", "yes")] * 20 + [("yes", "no")] * 5
    pairs += [("no", "yes")] * 10 + [("no", "no")] * 15
    rows = [
        (f"1-{n}", reviewer, verdict)
        for n, pair in enumerate(pairs)
        for reviewer, verdict in zip(("Ada", "Bob"), pair, strict=True)
    ]
    (found,) = agreement(decisions(*rows, ("2-1", "Ada", "yes")))
    assert (found["reviewers"], found["items"]) == (["Ada", "Bob"], 50)
    assert (found["agree"], found["kappa"]) == pytest.approx((0.7, 0.4))


def test_kappa_is_undefined_where_all_say_the_same():
    (found,) = agreement(decisions(("1-1", "Ada", "yes"), ("1-1", "Bob", "yes")))
    assert (found["agree"], found["kappa"]) == (1.0, None)


def test_those_who_share_no_item_are_not_compared():
    assert not list(agreement(decisions(("1-1", "Ada", "yes"), ("1-2", "Bob", "no"))))


def test_blind_verdicts_are_compared_with_the_model():
    found = blind_errors(
        decisions(
            ("1-1", "Ada", "no", {"reason": "audit", "blind": True}),
            ("1-2", "Ada", "yes", {"reason": "audit", "blind": True}),
            ("1-3", "Ada", "irrelevant", {"blind": True}),
            ("1-4", "Ada", "yes", {"first": "no"}),
            ("1-5", "Ada", "unsure"),
        )
    )
    assert found == [
        {
            "checkpoint": "c",
            "reviewer": "Ada",
            "audited": 2,
            "accepted_wrongly": 1,
            "blind": 1,
            "blind_contradict": 1,
            "sighted": 1,
            "sighted_contradict": 1,
        }
    ]
