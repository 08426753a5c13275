from itertools import compress

import numpy as np
import pandas as pd
import pytest

from eyewire_validator.errors import TableError
from eyewire_validator.storage.schemas.cells import CELL_TASKS
from eyewire_validator.storage.schemas.index import TASK_INDEX
from eyewire_validator.storage.tables import (
    make_frame,
    read_table,
    read_tables,
    write_table,
)
from eyewire_validator.tasks.index import (
    COLUMNS,
    build_index,
    cells_in_progress,
    cut_aggregates,
    depths,
)

SEGMENTS = pd.DataFrame(
    [(7, 1, 10), (7, 2, 20), (7, 3, 0), (8, 1, 5)],
    columns=["volume", "segment", "coarse_voxels"],
).groupby("volume")


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


@pytest.mark.parametrize(
    ("change", "grows", "state", "reason"),
    [
        ({"aggregate": [], "votes": 0, "weight": 0}, False, "open", ""),
        ({"aggregate": [], "votes": None, "weight": None}, False, "open", ""),
        ({"aggregate": [], "votes": 0}, False, "labelled", "empty aggregate"),
        ({"votes": 1, "weight": 2.9}, True, "open", ""),
        ({"votes": 1, "weight": 2.9}, False, "labelled", ""),
        ({"votes": 2, "weight": 2.9}, True, "labelled", "cell is in progress"),
        ({"votes": 1, "weight": 3}, True, "labelled", "cell is in progress"),
        (
            {"aggregate": [], "votes": 0, "weight": 0, "status": 10},
            False,
            "open",
            "open, but frozen, stashed or a duplicate",
        ),
    ],
)
def test_a_task_is_open_until_enough_players_have_seen_it(change, grows, state, reason):
    tasks = make_tasks(change).astype({"votes": "Int64"})
    index = build_index(tasks, SEGMENTS, [100] if grows else [])
    row = index.astype({"excluded": object}).iloc[0]
    assert row["state"] == state
    assert (row["excluded"] if reason else "") == reason
    assert pd.isna(row["excluded"]) == (not reason)
    assert state == "labelled" or list(row["aggregate"]) == []


def test_a_task_that_is_also_asked_for_by_its_id_is_there_once():
    tasks = pd.concat([make_tasks({}), make_tasks({})], ignore_index=True)
    assert build_index(tasks, SEGMENTS)["excluded"].isna().tolist() == [True]


def test_cells_are_in_progress_unless_they_are_used_as_a_whole():
    registry = pd.DataFrame(
        {
            "cell": [1, 2, 3],
            "kept": [True, True, False],
            "in_progress": [False, True, False],
        }
    )
    assert cells_in_progress(registry, [1, 3, 4]) == {2, 3, 4}


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


def test_the_crowd_rule_needs_a_weight():
    tasks = make_tasks(
        {"aggregate_weights": [1.0, 0.6], "weight": 3.0},
        {"aggregate_weights": [1.0, 0.6], "weight": float("nan")},
    )
    kept = cut_aggregates(tasks, 0, crowd_rule=True)["aggregate"]
    assert [list(ids) for ids in kept] == [[1], [1, 2]]


def test_the_index_fits_its_schema(tmp_path):
    index = build_index(make_tasks({}, {"problem": "gone", "volume": None}), SEGMENTS)
    write_table(tmp_path / "index.parquet", index, TASK_INDEX)
    again = read_table(tmp_path / "index.parquet", TASK_INDEX)
    assert again["volume"].tolist() == [7, pd.NA]


def drawn_tasks(rng: np.random.Generator) -> pd.DataFrame:
    """Tasks, some under two cells, in volumes 0 to 3 and nowhere; segments 1 to 12."""
    rows = []
    for task in rng.permutation(np.repeat(np.arange(1, 150), rng.integers(1, 3, 149))):
        aggregate = np.flatnonzero(rng.random(12) < 0.3) + 1
        row = {
            "task": int(task),
            "cell": 100 + len(rows),
            "parent": int(rng.integers(task)) or None,
            "volume": int(rng.integers(4)),
            "seed": (np.flatnonzero(rng.random(12) < 0.1) + 1).tolist(),
            "aggregate": aggregate.tolist(),
            "aggregate_weights": rng.random(len(aggregate)).tolist(),
            "weight": float(rng.choice([1.0, 3.0, np.nan])),
            "votes": int(rng.integers(3)),
            "status": int(rng.choice([0, 0, 0, 6])),
        }
        rows.append(row)
    rows[3] |= {"problem": "no such task", "volume": None}
    return make_tasks(*rows)


def plain_index(
    tasks: pd.DataFrame,
    segments: dict[int, dict[int, int]],
    growing: set[int],
    *,
    crowd_rule: bool,
) -> pd.DataFrame:
    """Do with a loop over the tasks what the index does by columns."""
    tasks = tasks.sort_values(["task", "cell"]).astype(object)
    rows = tasks.where(tasks.notna(), None).to_dict("records")
    parents = {row["task"]: row["parent"] for row in reversed(rows)}
    for row, before in zip(rows, [{"task": None}, *rows], strict=False):
        cut = 0.4
        if crowd_rule and row["weight"]:
            cut = min(0.99, np.exp(-0.16 * row["weight"]) + 0.2)
        kept = [weight > cut for weight in row["aggregate_weights"]]
        for name in ("aggregate", "aggregate_weights"):
            row[name] = list(compress(row[name], kept))
        grows = row["cell"] in growing
        seen = row["votes"] >= 2 or (row["weight"] or 0) >= 3
        is_open = (grows or not row["aggregate"]) and not seen
        row["state"] = "open" if is_open else "labelled"
        if is_open:
            row["aggregate"], row["aggregate_weights"] = [], []
        row["depth"], ancestor = 0, parents[row["task"]]
        while ancestor in parents:
            row["depth"], ancestor = row["depth"] + 1, parents[ancestor]
        sizes = segments.get(row["volume"], {})
        seed, aggregate = set(row["seed"]), set(row["aggregate"])
        row["seed_voxels"] = sum(sizes.get(segment, 0) for segment in seed)
        row["aggregate_voxels"] = sum(sizes.get(segment, 0) for segment in aggregate)
        row["seedless_voxels"] = sum(sizes.get(s, 0) for s in aggregate - seed)
        reasons = {
            row["problem"]: row["problem"],
            "listed under another cell, too": row["task"] == before["task"],
            "empty seed": not seed,
            "open, but frozen, stashed or a duplicate": is_open and row["status"] != 0,
            "empty aggregate": not is_open and not aggregate,
            "names a segment that its volume lacks": (seed | aggregate) - set(sizes),
            "seed vanishes when downsampled": not row["seed_voxels"],
            "aggregate vanishes when downsampled": not is_open
            and not row["aggregate_voxels"],
            "cell is in progress": grows and not is_open,
        }
        row["excluded"] = next((why for why, holds in reasons.items() if holds), None)
        row["split"] = None
    return make_frame(
        [{name: row[name] for name in TASK_INDEX.names} for row in rows], TASK_INDEX
    )


@pytest.mark.parametrize("crowd_rule", [False, True])
def test_the_index_is_that_of_a_loop_over_the_tasks(tmp_path, crowd_rule):
    rng = np.random.default_rng(0)
    tasks = drawn_tasks(rng)
    rows = [(v, s, int(rng.integers(3))) for v in range(3) for s in range(1, 12)]
    segments = pd.DataFrame(rows, columns=["volume", "segment", "coarse_voxels"])
    sizes = {v: {s: n for w, s, n in rows if w == v} for v in range(3)}

    growing = set(tasks["cell"].iloc[::3])
    expected = plain_index(tasks, sizes, growing, crowd_rule=crowd_rule)
    write_table(tmp_path / "tasks.parquet", tasks, CELL_TASKS)
    read = read_tables([tmp_path / "tasks.parquet"], CELL_TASKS, COLUMNS)
    for given in (tasks, read):
        cut = cut_aggregates(given, 0.4, crowd_rule=crowd_rule)
        index = build_index(cut, segments.groupby("volume"), growing)
        write_table(tmp_path / "index.parquet", index, TASK_INDEX)
        found = read_table(tmp_path / "index.parquet", TASK_INDEX)
        pd.testing.assert_frame_equal(found, expected)
    assert expected["excluded"].nunique() == 9
    assert expected.groupby("state")["excluded"].count().min() > 9
    assert expected["depth"].max() > 3
