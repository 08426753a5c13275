import pytest

from eyewire_validator.errors import TableError
from eyewire_validator.lineage import Lineage


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


def test_an_unknown_task_is_named(make_index):
    with pytest.raises(TableError, match="no task 5"):
        Lineage(make_index({"task": 1})).task(5)
