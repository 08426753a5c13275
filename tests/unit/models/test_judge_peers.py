"""Peers on tissue left out, by a bias that other tissue gave."""

import numpy as np
import pandas as pd
import pytest

from eyewire_validator.models.evidence import Evidence
from eyewire_validator.models.judge_peers import CutTissue, choose_bias, judge_peer

BOOTSTRAP = {"resamples": 50, "random_seed": 0}


def tissue(hold, part, *, volumes=2):
    """Make a task in each of some volumes: of segments 1 to 6, 1 to 3 are one cell.

    The seed is 1, which touches 2 and 4; 2 touches 3, 4 touches 5. 6 touches none.

    Args:
        hold: log odds of contacts inside the cell and inside the other one.
        part: log odds of the contact of both cells.
        volumes: how many; their cells are as many.
    """
    ids = np.arange(volumes)
    tasks = pd.DataFrame({"task": 10 + ids, "cell": ids, "volume": 7 + ids})
    counts = {"seed_full_voxels": 9, "dust_truth_segments": 0}
    tasks = tasks.assign(seed=[[1]] * volumes, **counts, dust_truth_full_voxels=0)
    candidates = tasks[["task", "cell", "volume"]].merge(
        pd.DataFrame({"segment": range(2, 7), "voxels": 10}), how="cross"
    )
    contacts = pd.DataFrame(
        {
            "one": [1, 1, 2, 4], "other": [2, 4, 3, 5], "area": 1.0,
            "log_odds": [hold, part, hold, hold],
        }
    )  # fmt: skip
    return Evidence(
        tasks,
        candidates.assign(truth=candidates["segment"] <= 3),
        tasks[["volume"]].merge(contacts, how="cross"),
    )


def answered(evidence, bias):
    """Return what is answered of the candidates 2 to 6 of each task.

    On the scale of the volume, contacts that hold are at 0, and the other is at -2.
    """
    return CutTissue.of(evidence).answer("gasp", bias).reshape(-1, 5).tolist()


def test_the_answer_is_all_that_lies_in_an_object_of_the_seed():
    one = tissue(hold=3.0, part=-1.0)
    nothing, cell, everything = (
        [[name in found for name in range(2, 7)]] * 2
        for found in ((), (2, 3), (2, 3, 4, 5))
    )
    assert answered(one, 1.0) == nothing
    assert answered(one, -1.0) == cell
    assert answered(one, -3.0) == everything


def test_all_objects_with_a_segment_of_the_seed_are_answered():
    one = tissue(hold=3.0, part=-1.0)
    # 6 touches nothing, so it brings nothing.
    seeds = [[1, 5, 6], [6]]
    both = one._replace(tasks=one.tasks.assign(seed=seeds))
    assert answered(both, -1.0) == [[True, True, True, True, False], [False] * 5]


def test_evidence_is_read_on_the_scale_of_its_volume():
    strange, usual = tissue(hold=-6.0, part=-9.0), tissue(hold=3.0, part=-1.0)
    for bias in (1.0, -1.0, -3.0):
        assert answered(strange, bias) == answered(usual, bias)


@pytest.mark.parametrize(
    ("hold", "part", "lowest", "highest"),
    [(3.0, -1.0, -2.0, 0.0), (3.0, 2.0, -2.0, 0.0), (1.0, 4.0, 2.0, np.inf)],
)
def test_the_bias_leaves_the_fewest_edits(hold, part, lowest, highest):
    """In the last one the wrong contact is the surest: nothing is joined."""
    bias = choose_bias("gasp", [CutTissue.of(tissue(hold, part))])
    assert lowest <= bias <= highest


def test_tissues_count_the_same_whatever_they_hold():
    # By the edits of all tasks, the thirty volumes would win.
    few, many = tissue(3.0, -1.0), tissue(-9.0, -3.0, volumes=30)
    # There the wrong contact is the surest, and brings 6, too.
    last = many.contacts[many.contacts["one"] == 4].assign(one=5, other=6)
    many = many._replace(contacts=pd.concat([many.contacts, last]))
    cut = [CutTissue.of(one) for one in (few, many, few)]
    assert -2 <= choose_bias("gasp", cut) <= 0


def test_a_peer_is_judged_by_the_bias_of_others():
    own, other = tissue(3.0, 1.0), tissue(3.0, -1.0)
    measuring = {"volume_voxels": 1000, "bootstrap": BOOTSTRAP}
    row = judge_peer("multicut", own, [other], **measuring)
    assert row["tasks"] == row["cells"] == 2
    assert row["edits_unanswered"] == 2
    assert "pr_auc" not in row
    bias = choose_bias("multicut", [CutTissue.of(other)])
    edits = 2 * CutTissue.of(own).edits("multicut", bias)
    assert row["edits"] == row["edits_low"] == row["edits_high"] == edits
    alike = judge_peer("multicut", own, [own], **measuring)
    assert (alike["f1"], alike["edits"]) == (1.0, 0.0)
