import pandas as pd
import pytest

from eyewire_validator.errors import TableError
from eyewire_validator.index import (
    build_index,
    crowd_threshold,
    cut_aggregates,
    depths,
    published_formats,
)
from eyewire_validator.tables import TASK_INDEX, read_table, write_table

SEGMENTS = pd.DataFrame(
    [(7, 1, 10), (7, 2, 20), (7, 3, 0), (8, 1, 5)],
    columns=["volume", "segment", "coarse_voxels"],
)


def make_tasks(*rows: dict) -> pd.DataFrame:
    """Tasks in volume 7 with seed 1 and aggregate 1, 2, but for what a row says."""
    usual = {
        "cell": 100,
        "parent": None,
        "volume": 7,
        "channel": 6,
        "full_path": "https://bucket/Volume-6-7/",
        "seed": [1],
        "aggregate": [1, 2],
        "status": 0,
        "weight": 5.0,
        "votes": 2,
        "votes_max": 2,
        "children": [],
        "problem": None,
        **{f"{side}_{axis}": 0 for side in ("min", "max") for axis in "zyx"},
    }
    tasks = pd.DataFrame(
        [{**usual, "task": 1 + number, **row} for number, row in enumerate(rows)]
    )
    if "aggregate_weights" not in tasks:
        tasks["aggregate_weights"] = tasks["aggregate"].map(
            lambda ids: [1.0] * len(ids)
        )
    return tasks.astype({"parent": "Int64", "volume": "Int64"})


def test_coarse_voxels_are_counted_with_and_without_the_seed():
    row = build_index(make_tasks({}), SEGMENTS).iloc[0]
    assert row["seed_voxels"] == 10
    assert row["aggregate_voxels"] == 30
    assert row["seedless_voxels"] == 20
    assert pd.isna(row["excluded"])


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"seed": []}, "empty seed"),
        ({"aggregate": []}, "empty aggregate"),
        ({"seed": [3]}, "seed vanishes when downsampled"),
        ({"aggregate": [3]}, "aggregate vanishes when downsampled"),
        ({"aggregate": [1, 9]}, "names a segment that its volume lacks"),
        ({"volume": 8, "aggregate": [1, 2]}, "names a segment that its volume lacks"),
        ({"problem": "no such task", "volume": None}, "no such task"),
    ],
)
def test_a_task_that_cannot_be_used_stays_with_its_reason(change, reason):
    index = build_index(make_tasks({}, change), SEGMENTS)
    assert index["excluded"].fillna("").tolist() == ["", reason]


def test_a_task_listed_under_two_cells_counts_once():
    index = build_index(make_tasks({"task": 5}, {"task": 5, "cell": 101}), SEGMENTS)
    assert pd.isna(index["excluded"][0])
    assert index["excluded"][1] == "listed under another cell, too"


def test_depth_counts_known_ancestors_only():
    tasks = make_tasks({"parent": 99}, {"parent": 1}, {"parent": 2})
    assert depths(tasks).tolist() == [0, 1, 2]


def test_parents_in_a_circle_are_refused():
    with pytest.raises(TableError, match="task 1: its parents form a circle"):
        depths(make_tasks({"parent": 2}, {"parent": 1}))


def test_the_threshold_cuts_by_agreed_fraction():
    tasks = make_tasks({"aggregate_weights": [1.0, 0.3]})
    assert list(cut_aggregates(tasks, 0, crowd_rule=False)["aggregate"][0]) == [1, 2]
    assert list(cut_aggregates(tasks, 0.3, crowd_rule=False)["aggregate"][0]) == [1]


@pytest.mark.parametrize(("weight", "cut"), [(1, 0.99), (3, 0.82), (10, 0.40)])
def test_the_crowd_rule_has_eyewires_values(weight, cut):
    assert crowd_threshold(pd.Series([float(weight)]))[0] == pytest.approx(
        cut, abs=5e-3
    )


def test_the_crowd_rule_needs_a_weight():
    tasks = make_tasks(
        {"aggregate_weights": [1.0, 0.6], "weight": 3.0},
        {"aggregate_weights": [1.0, 0.6], "weight": float("nan")},
    )
    kept = cut_aggregates(tasks, 0, crowd_rule=True)["aggregate"]
    assert [list(ids) for ids in kept] == [[1], [1, 2]]


def test_published_formats_list_used_tasks():
    index = build_index(make_tasks({"task": 4, "parent": 3}, {"seed": []}), SEGMENTS)
    index["split"] = index["excluded"].isna().map({True: "train", False: None})
    task_vol, task_data = published_formats(index)
    assert task_vol == {"4": "7"}
    assert task_data == {"4": {"seed": [1], "parent": 3, "aggregate": [1, 2]}}


def test_the_index_fits_its_schema(tmp_path):
    index = build_index(make_tasks({}, {"problem": "gone", "volume": None}), SEGMENTS)
    write_table(tmp_path / "index.parquet", index, TASK_INDEX)
    again = read_table(tmp_path / "index.parquet", TASK_INDEX)
    assert again["volume"].tolist() == [7, pd.NA]
