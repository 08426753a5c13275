import numpy as np
import pytest

from eyewire_validator.errors import TableError
from eyewire_validator.tasks.lineage import Lineage


def ancestors(index, task, count=9):
    lineage = Lineage(index)
    return [found.task for found in lineage.ancestors(lineage.task(task), count)]


def test_the_parent_comes_first(make_index):
    index = make_index({"task": 1}, {"task": 2, "parent": 1}, {"task": 3, "parent": 2})
    assert ancestors(index, 3) == [2, 1]
    assert ancestors(index, 3, 1) == [2]
    assert ancestors(index, 1) == []


def test_excluded_tasks_are_ancestors_too(make_index):
    index = make_index(
        {"task": 1, "excluded": "empty seed", "volume": None, "min_x": None},
        {"task": 2, "parent": 1, "volume": 11},
    )
    (parent,) = Lineage(index).ancestors(Lineage(index).task(2), 1)
    assert (parent.task, parent.excluded) == (1, True)
    assert parent.volume is parent.corner is None


def test_an_unknown_parent_ends_the_line(make_index):
    assert ancestors(make_index({"task": 2, "parent": 99}), 2) == []


def test_a_circle_never_leads_back_to_the_task(make_index):
    index = make_index({"task": 1, "parent": 2}, {"task": 2, "parent": 1})
    assert ancestors(index, 1) == [2]
    assert ancestors(make_index({"task": 5, "parent": 5}), 5) == []


def test_of_a_task_in_two_rows_the_first_counts(make_index):
    index = make_index(
        {"task": 1, "cell": 7}, {"task": 1, "cell": 8, "excluded": "listed twice"}
    )
    task = Lineage(index).task(1)
    assert (task.cell, task.excluded) == (7, False)


def test_a_task_says_what_its_row_says(make_index):
    rows = [
        {"task": 9, "cell": 3, "parent": 4, "volume": 11, "min_z": -8, "seed": [2, 5]},
        {"task": 4, "aggregate": [], "volume": None, "min_y": None, "excluded": "lost"},
    ]
    lineage = Lineage(make_index({"task": 1}, *rows)[1:])
    full, bare = (lineage.task(task) for task in (9, np.int64(4)))
    assert (full.task, full.cell, full.parent, full.volume) == (9, 3, 4, 11)
    assert (full.corner, full.excluded) == ((-8, 0, 0), False)
    assert (full.seed.tolist(), full.aggregate.tolist()) == ([2, 5], [1])
    assert full.aggregate_weights.tolist() == [1.0]
    assert bare.parent is bare.volume is bare.corner is None
    assert (bare.aggregate.tolist(), bare.excluded) == ([], True)
    assert {array.dtype for array in (bare.seed, bare.aggregate)} == {np.dtype("i8")}
    assert all(type(n) is int for n in (full.cell, full.parent, full.volume))
    assert all(type(n) is int for n in full.corner)


def test_an_unknown_task_is_named(make_index):
    with pytest.raises(TableError, match="no task 5"):
        Lineage(make_index({"task": 1})).task(5)
