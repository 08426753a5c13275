"""Tests for the lists of decisions on segments and tasks, by own ids."""

import numpy as np
import pandas as pd
import pytest

from eyewire_validator.evaluation.decision_list import (
    Thresholds,
    list_answers,
    list_unanswered,
)
from eyewire_validator.evaluation.decisions import Decisions
from eyewire_validator.storage.schemas.answers import ANSWERS, VERDICTS
from eyewire_validator.storage.tables import write_table
from eyewire_validator.volumes.frame import Frame

DECISIONS = Decisions(0.5, accept=0.8, reject=0.2, tasks=2, cells=2, segments=6)
SEGMENTS = pd.DataFrame(
    {
        "task": [1, 1, 1, 2, 2, 2],
        "cell": [10, 10, 10, 20, 20, 20],
        "volume": 5,
        "segment": [1, 2, 3, 1, 2, 3],
        "supervoxel": np.uint64([101, 102, 103, 101, 102, 103]),
        "voxels": [11, 12, 13, 11, 12, 13],
        "truth": None,
        "vote_weight": np.nan,
        "probability": np.float32([0.9, 0.5, 0.1, 0.9, 0.5, 0.1]),
        **{axis: [4, 5, 6, 4, 5, 6] for axis in "zyx"},
    }
)
TASKS = pd.DataFrame(
    {
        "task": [1, 2, 3, 4],
        "cell": [10, 20, 20, 20],
        "volume": 5,
        "alarm": [None, "it is strange", None, None],
    }
)
# Task 3 has a candidate that is surely not part of it, task 4 has none at all.
SURE = SEGMENTS.iloc[:1].assign(task=3, cell=20, probability=np.float32(0.01))
SEEDS = {1: [9, 8], 2: [7], 3: [6], 4: [5]}


def listed(voxel_nm=None, offset_nm=None, temperature=1.0):
    return list_answers(
        pd.concat([SEGMENTS, SURE], ignore_index=True),
        TASKS,
        Thresholds(DECISIONS, temperature, "here"),
        SEEDS,
        Frame(voxel_nm, offset_nm),
        "open",
    )


def test_the_tables_fit_their_schemas(tmp_path):
    answers, verdicts = listed()
    for table, schema in ((answers, ANSWERS), (verdicts, VERDICTS)):
        write_table(tmp_path / "table.parquet", table, schema)


def test_each_candidate_is_accepted_rejected_or_asked_about():
    answers, _ = listed()
    assert answers["decision"].tolist()[:3] == ["accept", "ask", "reject"]


def test_where_the_alarm_rings_a_person_is_asked():
    answers, verdicts = listed()
    found = answers[3:6]
    assert found["decision"].tolist() == ["ask"] * 3
    assert found["alarm"].tolist() == ["it is strange"] * 3
    assert verdicts.loc[1, "verdict"] == "ask a person"
    why = verdicts.loc[1, "why"]
    assert why.startswith(
        "it is strange. If the image is as it should be, label some 20"
    )
    assert why.endswith("and run `snakemake learn`.")


def test_a_task_is_answered_if_nothing_of_it_is_asked():
    answers, verdicts = listed()
    assert verdicts["verdict"].tolist() == [
        *["ask a person"] * 2,
        *["answered"] * 2,
    ]
    assert verdicts.loc[0, "why"] == "neither sure of 1 of its segments"
    assert verdicts["candidates"].tolist() == [3, 3, 1, 0]
    assert verdicts.loc[0, ["accept", "ask", "reject"]].tolist() == [1, 1, 1]
    assert answers["verdict"].tolist() == [*["ask a person"] * 6, "answered"]


def test_a_task_that_cannot_be_answered_says_why():
    index = pd.DataFrame(
        {"task": [8], "cell": [1], "volume": [5], "excluded": ["empty seed"]}
    )
    row = list_unanswered(index).iloc[0]
    assert (row["verdict"], row["why"]) == ("not answered", "empty seed")


def test_a_row_names_the_pair_by_own_ids():
    row = listed()[0].iloc[1]
    assert (row["seed"], row["supervoxel"], row["seeds"]) == (9, 102, "9 8")


def test_calibrated_probabilities_are_rescaled():
    answers, _ = listed(temperature=2.0)
    assert answers.loc[0, "calibrated"] == pytest.approx(0.75)
    assert answers.loc[1, "calibrated"] == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("offset", "expected"), [(None, [180, 18, 18]), ((5, 6, 7), [185, 24, 25])]
)
def test_points_are_in_nm_where_the_voxel_is_known(offset, expected):
    answers, _ = listed((40.0, 4.0, 4.0), offset)
    assert answers.loc[0, ["z_nm", "y_nm", "x_nm"]].tolist() == expected
    assert listed()[0]["z_nm"].isna().all()


def test_a_row_tells_the_size_and_what_people_chose():
    answers, _ = listed()
    assert answers["voxels"].tolist()[:3] == [11, 12, 13]
    assert answers["aggregate"].isna().all()
