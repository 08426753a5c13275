"""Tests for the list of decisions by own ids."""

import numpy as np
import pandas as pd
import pytest

from eyewire_validator.evaluation.decision_list import list_decisions
from eyewire_validator.evaluation.decisions import Decisions

DECISIONS = Decisions(0.5, accept=0.8, reject=0.2, tasks=2, cells=2, segments=6)
SEGMENTS = pd.DataFrame(
    {
        "task": [1, 1, 1, 2, 2, 2],
        "cell": [10, 10, 10, 20, 20, 20],
        "volume": 5,
        "segment": [1, 2, 3, 1, 2, 3],
        "supervoxel": np.uint64([101, 102, 103, 101, 102, 103]),
        "probability": np.float32([0.9, 0.5, 0.1, 0.9, 0.5, 0.1]),
        **{axis: [4, 5, 6, 4, 5, 6] for axis in "zyx"},
    }
)
ANSWERS = pd.DataFrame({"task": [1, 2], "alarm": [None, "it is strange"]})


def listed(**sizes):
    sizes = {"voxel_nm": None, "offset_nm": None, **sizes}
    return list_decisions(SEGMENTS, ANSWERS, DECISIONS, {1: [9, 8], 2: [7]}, **sizes)


def test_each_candidate_is_accepted_rejected_or_asked_about():
    assert listed()["decision"].tolist()[:3] == ["accept", "ask", "reject"]


def test_where_the_alarm_rings_a_person_is_asked():
    found = listed()[3:]
    assert found["decision"].tolist() == ["ask"] * 3
    assert found["alarm"].tolist() == ["it is strange"] * 3


def test_a_row_names_the_pair_by_own_ids():
    row = listed().iloc[1]
    assert (row["seed"], row["supervoxel"], row["seeds"]) == (9, 102, "9 8")


@pytest.mark.parametrize(
    ("offset", "expected"), [(None, [180, 18, 18]), ((5, 6, 7), [185, 24, 25])]
)
def test_points_are_in_nm_where_the_voxel_is_known(offset, expected):
    found = listed(voxel_nm=(40.0, 4.0, 4.0), offset_nm=offset)
    assert found.loc[0, ["z_nm", "y_nm", "x_nm"]].tolist() == expected
    assert listed()["z_nm"].isna().all()
