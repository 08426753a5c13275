"""Answers on a tissue by what was fitted on others alone."""

import numpy as np
import pandas as pd
import pytest

from eyewire_validator.evaluation.decisions import DecisionSettings
from eyewire_validator.evaluation.risk import Risk
from eyewire_validator.models.carry_over import fewest_edits, judge_left_out
from eyewire_validator.models.evidence import Evidence
from eyewire_validator.models.packaging import LeftOut, fit_across, fit_without

BOOTSTRAP = {"resamples": 50, "random_seed": 0}


def evidence(random_seed, *, cells=80, wrong=0.0, shift=0.0, mean=120.0):
    """Draw the evidence on a task of each cell: ten candidates, of which five belong.

    Args:
        random_seed: of the draws.
        cells: how many.
        wrong: share of the candidates whose linkage says the contrary.
        shift: added to all levels.
        mean: grey value of the volumes.
    """
    draw = np.random.default_rng(random_seed)
    count = 10 * cells
    truth = np.tile([True, False], count // 2)
    sign = np.where(truth ^ (draw.random(count) < wrong), 1, -1)
    levels = (3 * sign + draw.normal(0, 1, (2, count)) + shift).astype(np.float32)
    ids = np.repeat(np.arange(cells), 10)
    candidates = pd.DataFrame(
        {
            "task": ids, "cell": ids, "volume": 1, "segment": np.arange(count),
            "voxels": 10, "truth": truth, "seed_area": 1.0, "rejected": False,
            "levels": list(levels.T), "company": list(np.zeros((count, 2), np.float32)),
        }
    )  # fmt: skip
    tasks = candidates[["task", "cell", "volume"]].drop_duplicates(ignore_index=True)
    looks = [1.0, mean, 5.0, -2.0, -1.0, -1.0, 0.0]
    tasks["looks"], tasks["voxel_nm"] = [looks] * cells, [[10.0] * 3] * cells
    counts = {"seed_full_voxels": 9, "dust_truth_segments": 0}
    return Evidence(tasks.assign(**counts, dust_truth_full_voxels=0), candidates)


SETTINGS = DecisionSettings(Risk(0.05, 0.95), 0.95)


def judged(own, **others):
    return judge_left_out(
        own, others, SETTINGS, volume_voxels=10**6, bootstrap=BOOTSTRAP
    )


def test_alike_tissue_is_answered_and_its_risk_is_kept():
    row = judged(evidence(0), a=evidence(1), b=evidence(2))
    assert row["f1"] > 0.98
    assert row["edits"] < 0.2 < row["edits_unanswered"] == 5
    assert row["f1_low"] <= row["f1"] <= row["f1_high"]
    assert row["kept_5"] <= 0.05
    assert row["coverage_5"] > 0.9


def test_other_tissue_breaks_the_promise_and_shows_it():
    row = judged(evidence(0, wrong=0.3, shift=2), a=evidence(1), b=evidence(2))
    assert row["kept_5"] > 0.2
    assert row["wrong_cells_5"] > 0.2


def test_where_the_alarm_is_heeded_no_answer_does_harm():
    others = {"a": in_volumes(evidence(1)), "b": in_volumes(evidence(2))}
    calm = judged(evidence(0), **others)
    assert calm["alarm"] == 0
    assert calm["edits_heeded"] == calm["edits"]
    strange = judged(evidence(0, wrong=0.6, shift=2, mean=200.0), **others)
    assert strange["alarm"] == 1
    assert strange["edits"] > strange["edits_heeded"] == strange["edits_unanswered"]


def in_volumes(one):
    """Say that the tasks lie in three volumes, as fewer tell nothing of a tissue."""
    volumes = 1 + one.tasks["task"] % 3
    return Evidence(
        one.tasks.assign(volume=volumes),
        one.candidates.assign(volume=1 + one.candidates["task"] % 3),
    )


def test_nothing_is_accepted_where_nobody_knows_enough():
    row = judged(evidence(0), a=evidence(1, cells=10))
    assert row["coverage_5"] == 0
    assert row["kept_5"] is None


@pytest.mark.parametrize(
    ("truth", "expected"),
    [
        ([True, True, False, False], 0.5),
        ([False, True, True, False], 0.25),
        ([False, False, False, True], 1.0),
        ([True, True, True, True], 0.05),
    ],
)
def test_the_threshold_leaves_the_fewest_edits(truth, expected):
    pooled = pd.DataFrame(
        {"probability": [0.8, 0.6, 0.4, 0.1], "truth": truth, "weight": 1.0}
    )
    assert fewest_edits(pooled) == pytest.approx(expected)


def test_tissues_count_the_same_whatever_they_hold():
    pooled = pd.DataFrame(
        {
            "probability": [0.9, 0.5, 0.5, 0.5],
            "truth": [True, False, True, True],
            "weight": [1.0, 3.0, 1.0, 1.0],
        }
    )
    assert fewest_edits(pooled) == pytest.approx(0.7)


def test_what_is_packaged_is_measured_on_tissue_left_out():
    good, other, bad = evidence(0), evidence(1), evidence(2, wrong=0.3, shift=2)
    alike = fit_across(
        {"good": LeftOut(good, {"o": other}), "other": LeftOut(other, {"g": good})},
        SETTINGS,
    )[1]
    assert alike.cells == alike.tasks == 160
    assert alike.accepted.right > 0.97
    assert alike.decisions.bound <= 0.05
    # Thresholds of good tissue alone accept too much of a bad one.
    mixed = fit_across(
        {"good": LeftOut(good, {"o": other}), "bad": LeftOut(bad, {"g": good})},
        SETTINGS,
    )[1]
    assert mixed.accepted.right < 0.95
    assert "each of good, bad" in mixed.describe()


def test_what_never_saw_a_tissue_is_fitted_to_the_others_and_measured_on_it():
    strange = evidence(2, wrong=0.3, shift=2, cells=30)
    left_out = LeftOut(strange, {"a": evidence(0), "b": evidence(1)})
    memberships, point = fit_without("strange", left_out, SETTINGS)
    assert set(memberships.of_tissue) == {"a", "b"}
    assert point.decisions.tasks == 160
    assert point.tasks == 30
    assert point.accepted.right < 0.95
