import numpy as np
import pandas as pd
import pytest

from eyewire_validator.errors import SplitError
from eyewire_validator.tasks.split import (
    SplitSettings,
    assign_splits,
    count_splits,
    hold_out,
    usable_tasks,
)

BLOCKS = SplitSettings("blocks", 0.2, 0.2, 1, 0)
SIZE, STRIDE = 256, 224


def make_index(cells_by_layer: dict[int, list[int]], layers: int = 5) -> pd.DataFrame:
    """One volume a layer along x; a task for each cell listed under a layer."""
    rows = [
        {"cell": cell, "volume": 10 + layer, "min_x": 1000 + layer * STRIDE}
        for layer in range(layers)
        for cell in cells_by_layer[layer]
    ]
    index = pd.DataFrame(rows).assign(min_z=0, min_y=0, split=None, excluded=None)
    return index.assign(task=range(len(index)), state="labelled")


def test_blocks_lie_apart_by_a_buffer():
    index = make_index({0: [1], 1: [2], 2: [3], 3: [4], 4: [5]})
    split = assign_splits(index, BLOCKS, STRIDE)
    assert split["split"].fillna("").tolist() == ["train", "", "validation", "", "test"]
    assert set(split["excluded"].dropna()) == {"volume in the buffer between splits"}


def test_no_test_voxel_lies_in_a_training_volume():
    rng = np.random.default_rng(0)
    rows = [
        {"cell": rng.integers(30), "min_z": z * STRIDE, "min_y": y * STRIDE,
         "min_x": x * STRIDE, "volume": 100 * z + 10 * y + x}
        for z in range(2) for y in range(3) for x in range(7) for _ in range(8)
    ]  # fmt: skip
    index = pd.DataFrame(rows).assign(
        task=range(len(rows)), split=None, excluded=None, state="labelled"
    )
    split = assign_splits(index, BLOCKS, STRIDE)
    corners = {
        name: split.loc[split["split"] == name, ["min_z", "min_y", "min_x"]].to_numpy()
        for name in ("train", "test")
    }
    apart = np.abs(corners["train"][:, None] - corners["test"][None]).max(axis=2)
    assert apart.min() >= SIZE
    cells = split.groupby("split")["cell"].agg(set)
    assert not cells["train"] & cells["test"]
    assert not cells["train"] & cells["validation"]
    assert not cells["validation"] & cells["test"]


def test_a_cell_goes_where_most_of_its_tasks_are():
    index = make_index({0: [1, 9, 9], 1: [], 2: [2], 3: [], 4: [3, 9]})
    split = assign_splits(index, BLOCKS, STRIDE)
    nine = split[split["cell"] == 9]
    assert nine["split"].fillna("").tolist() == ["train", "train", ""]
    assert nine["excluded"].tolist()[2] == "cell belongs to another split"


def test_tasks_that_only_the_split_left_out_can_be_used():
    index = make_index({0: [1, 7, 9, 9], 1: [5], 2: [2], 3: [], 4: [3, 9]})
    index.loc[0, "excluded"] = "no answer"
    index.loc[1, "state"] = "open"
    split = assign_splits(index, BLOCKS, STRIDE)
    assert usable_tasks(split)["task"].tolist() == [2, 3, 4, 5, 6, 7]


def test_hold_out_takes_the_longest_axis():
    positions = np.array([[z, y, 0] for z in range(2) for y in range(4)])
    held = hold_out(positions, share=0.25, buffer=1)
    assert held.reshape(2, 4).tolist() == [[0, 0, 1, 2]] * 2


def test_too_few_layers_are_refused():
    index = make_index({0: [1], 1: [2]}, layers=2)
    with pytest.raises(SplitError, match="2 layers of volumes along x are too few"):
        assign_splits(index, BLOCKS, STRIDE)


def test_a_split_without_tasks_is_refused():
    index = make_index({0: [1, 1], 1: [], 2: [1], 3: [2], 4: [3]})
    with pytest.raises(SplitError, match="no validation task"):
        assign_splits(index, BLOCKS, STRIDE)


def test_volumes_without_bounds_are_refused():
    index = make_index({0: [1], 1: [2], 2: [3], 3: [4], 4: [5]})
    index["min_x"] = pd.array([None, *index["min_x"][1:]], dtype="Int64")
    with pytest.raises(SplitError, match="1 volumes come without bounds"):
        assign_splits(index, BLOCKS, STRIDE)


def test_the_published_rule_goes_by_cell_id():
    index = make_index({0: [1] * 8, 1: [77959] * 2, 2: [77960], 3: [77961], 4: []})
    published = SplitSettings("published", 0.2, 0.2, 1, 77960)
    split = assign_splits(index, published, STRIDE)
    assert set(split.loc[split["split"] == "test", "cell"]) == {77960, 77961}
    assert (split["split"] == "validation").sum() == 2


def test_nothing_is_lost_in_the_counts():
    index = make_index({0: [1], 1: [2], 2: [3], 3: [4], 4: [5]})
    index.loc[0, "excluded"] = None
    counts = count_splits(assign_splits(index, BLOCKS, STRIDE))
    assert sum(counts["tasks"].values()) + sum(counts["excluded"].values()) == 5


def test_open_tasks_are_in_no_split_and_counted():
    index = make_index({0: [1], 1: [2, 9], 2: [3], 3: [4], 4: [5]})
    is_open = index["cell"] == 9
    index.loc[is_open, "state"] = "open"
    split = assign_splits(index, BLOCKS, STRIDE)
    assert split.loc[is_open, ["split", "excluded"]].isna().all(axis=None)
    others = assign_splits(index[~is_open], BLOCKS, STRIDE)
    pd.testing.assert_frame_equal(split[~is_open], others)
    assert count_splits(split)["open"] == {"tasks": 1, "cells": 1, "volumes": 1}


def test_open_tasks_alone_are_not_split():
    index = make_index({0: [1]}, layers=1).assign(state="open")
    pd.testing.assert_frame_equal(assign_splits(index, BLOCKS, STRIDE), index)
