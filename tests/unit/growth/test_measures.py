"""Measures of growth, on two drawn cells along x."""

import numpy as np
import pandas as pd
import pytest

from eyewire_validator.growth.block import Block
from eyewire_validator.growth.measures import Skeletons, measure_cells, summarize
from eyewire_validator.growth.skeletons import ROOT, skeletonize, skeletons_of
from eyewire_validator.growth.truth import first_wrong, truth_of
from eyewire_validator.volumes.dust import Dust

# One volume: cell 7 is the segments 1 and 2 in a row along x, cell 8 is 3.
SEGMENTATION = np.zeros((8, 8, 8), np.uint16)
SEGMENTATION[1:4, 1:4, :4], SEGMENTATION[1:4, 1:4, 4:] = 1, 2
SEGMENTATION[5:8, 5:8] = 3
TRUTH = {7: {11: np.array([1, 2])}, 8: {11: np.array([3])}}


def grown(*cubes):
    """Rows of grown cubes: cell, parent, accepted; all in volume 11 from segment 1."""
    rows = [
        {
            "cell": cell, "cube": number, "parent": parent, "volume": 11,
            "seed": [1 if cell == 7 else 3], "accepted": accepted, "withheld": [],
        }
        for number, (cell, parent, accepted) in enumerate(cubes)
    ]  # fmt: skip
    return pd.DataFrame(rows).astype({"parent": "Int64"})


@pytest.fixture
def skeletons(make_store):
    block = Block(make_store({11: SEGMENTATION}), {11: (0, 0, 0)}, Dust(0))
    return Skeletons.place(skeletons_of(block, TRUTH), block)


def drawn(*boxes):
    mask = np.zeros((16, 80, 80), np.bool_)
    for box in boxes:
        mask[box] = True
    return mask


ROD = np.s_[5:11, 5:11, 2:78]
BRANCH_OFF = np.s_[5:11, 8:76, 38:44]
SPUR = np.s_[7:9, 11:13, 40:42]


def length_of(*boxes):
    return skeletonize(drawn(*boxes), (1.0, 1.0, 1.0)).length.sum()


def test_a_rod_has_a_skeleton_of_its_length():
    tree = skeletonize(drawn(ROD), (10.0, 10.0, 20.0))
    assert (tree.towards == ROOT).sum() == 1
    assert tree.length.sum() == pytest.approx(74 * 20, rel=0.1)
    z, y, x = tree.places.T
    assert drawn(ROD)[z, y, x].all()


def test_a_fork_counts_and_a_spur_does_not():
    assert length_of(ROD, BRANCH_OFF) == pytest.approx(74 + 66, rel=0.1)
    assert length_of(ROD, SPUR) == pytest.approx(length_of(ROD), abs=4)


def test_nothing_has_no_skeleton():
    assert not len(skeletonize(drawn(), (1.0, 1.0, 1.0)).places)


def test_a_false_merge_is_counted_once_and_not_what_grows_from_it():
    rows = grown((7, None, [2]), (7, 0, [3]), (7, 1, [3]), (7, 0, []))
    assert first_wrong(rows, TRUTH[7]).tolist() == [False, True, False, False]


def test_what_nobody_labelled_is_not_free():
    rows = grown((7, None, [9]))
    assert first_wrong(rows, TRUTH[7]).tolist() == [True]


def test_a_whole_cell_is_recovered(skeletons):
    cells = measure_cells(grown((7, None, [2])), TRUTH, skeletons, unit=1)
    (cell,) = cells.to_dict("records")
    assert cell["recovered"] == cell["path"] > 0
    assert cell["edits"] == cell["mergers"] == cell["foreign_nodes"] == 0


def test_what_is_not_grown_is_missed_and_a_merger_brings_foreign_nodes(skeletons):
    cells = measure_cells(grown((7, None, [3])), TRUTH, skeletons, unit=1)
    (cell,) = cells.to_dict("records")
    assert 0 < cell["recovered"] < cell["path"]
    assert cell["recovered_before_merge"] == cell["cubes_before_merge"] == 0
    assert cell["mergers"] == 1
    assert cell["foreign_nodes"] == (skeletons.cells == 8).sum()


def test_run_length_is_that_of_the_truth_where_cells_are_whole_and_0_where_merged():
    cells = pd.DataFrame(
        {
            "cell": [7, 8], "cubes": 1, "cubes_before_merge": 1, "mergers": [0, 1],
            "edits": 0, "withheld": 0, "path": [3.0, 1.0], "recovered": [3.0, 1.0],
            "recovered_before_merge": [3.0, 0.0], "foreign_nodes": [0, 6],
        }
    )  # fmt: skip
    found = {k: v["value"] for k, v in summarize(cells, 20, 0).items()}
    assert found["erl_truth"] == found["erl_20"] == 10 / 4
    assert found["erl_0"] == found["erl_5"] == 9 / 4
    assert found["nerl_0"] == 9 / 10
    assert found["mergers_per_1000"] == 250


def test_the_truth_is_of_cells_all_of_whose_tasks_are_answered(make_index):
    index = make_index(
        {"task": 1, "cell": 7, "volume": 11, "seed": [1], "aggregate": [1, 2]},
        {"task": 2, "cell": 7, "volume": 11, "seed": [4], "aggregate": [4]},
        {"task": 3, "cell": 8, "volume": 11, "seed": [3], "aggregate": [3]},
        {"task": 4, "cell": 8, "volume": 12, "state": "open", "aggregate": []},
    )
    truth = truth_of(index)
    assert {cell: list(of) for cell, of in truth.items()} == {7: [11]}
    assert truth[7][11].tolist() == [1, 2, 4]
