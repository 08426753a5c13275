"""Raw JSON in all the forms that Eyewire may send."""

import pytest

from eyewire_validator.acquire.api.replies import parse_task, parse_task_list
from eyewire_validator.errors import MalformedReplyError

ENTRY = {
    "id": 31,
    "status": 6,
    "weight": 2,
    "bounds": {"min": {"x": 3, "y": 2, "z": 1}, "max": {"x": 19, "y": 18, "z": 17}},
}
TASK = {
    "id": 31,
    "cell": 7,
    "parent": 30,
    "status": 0,
    "prior": {"segments": {"12": 1, "5": 1}},
    "data": {"channel": {"id": 40}, "segmentation": {"id": 41}},
    "full_path": "https://storage.googleapis.com/e2198_compressed/Volume-40-41/",
}
AGGREGATE = {
    "segments": {"12": 0.5, "5": 1, "100": 0.25},
    "weight": 3.5,
    "votes": {"total": 1, "max": 2},
    "task_family": {"parent": 30, "children": [33, 32]},
}


def parse(entry=ENTRY, task=TASK, aggregate=AGGREGATE):
    return parse_task(7, 31, entry, task, aggregate)


def test_a_plain_task():
    assert parse() == {
        "task": 31,
        "cell": 7,
        "parent": 30,
        "volume": 41,
        "channel": 40,
        "full_path": "https://storage.googleapis.com/e2198_compressed/Volume-40-41/",
        "min_z": 1,
        "min_y": 2,
        "min_x": 3,
        "max_z": 17,
        "max_y": 18,
        "max_x": 19,
        "seed": [5, 12],
        "aggregate": [5, 12, 100],
        "aggregate_weights": [1.0, 0.5, 0.25],
        "status": 0,
        "weight": 3.5,
        "votes": 1,
        "votes_max": 2,
        "children": [32, 33],
        "problem": None,
    }


def test_ids_may_be_text_or_whole_floats():
    data = {"channel": {"id": "40"}, "segmentation": {"id": 41.0}}
    row = parse(task=TASK | {"id": "31", "parent": "30", "cell": "7", "data": data})
    assert row == parse()


@pytest.mark.parametrize("parent", [None, 0, "0"])
def test_a_root_has_no_parent(parent):
    assert parse(task=TASK | {"parent": parent})["parent"] is None


@pytest.mark.parametrize("empty", [{}, [], None])
def test_segments_may_be_empty_in_any_form(empty):
    row = parse(
        task=TASK | {"prior": {"segments": empty}},
        aggregate=AGGREGATE | {"segments": empty},
    )
    assert (row["seed"], row["aggregate"], row["aggregate_weights"]) == ([], [], [])
    assert row["problem"] is None


def test_a_seed_may_be_null_but_nothing_may_be_missing():
    assert parse(task=TASK | {"prior": None})["seed"] == []
    with pytest.raises(MalformedReplyError, match="task 31: aggregate: segments is"):
        parse(aggregate={"weight": 0})
    with pytest.raises(MalformedReplyError, match="task 31: prior: segments is"):
        parse(task=TASK | {"prior": {"weight": 1}})
    without_prior = {name: value for name, value in TASK.items() if name != "prior"}
    with pytest.raises(MalformedReplyError, match="task 31: prior is"):
        parse(task=without_prior)


def test_segment_zero_is_no_segment():
    assert parse(aggregate={"segments": {"0": 1, "5": 1}})["aggregate"] == [5]


def test_bounds_may_come_with_the_task_or_not_at_all():
    bounds = {"min": {"x": 5, "y": 6, "z": 7}}
    row = parse(entry={"id": 31}, task=TASK | {"bounds": bounds})
    assert (row["min_x"], row["min_z"], row["max_x"]) == (5, 7, None)
    assert parse(entry={"id": 31})["min_x"] is None


def test_the_trailing_slash_is_added():
    row = parse(task=TASK | {"full_path": "https://host/Volume-40-41"})
    assert row["full_path"] == "https://host/Volume-40-41/"


def test_an_unknown_task_keeps_a_row():
    row = parse(task={}, aggregate={})
    assert row["problem"] == "the service does not know the task"
    assert (row["task"], row["volume"], row["seed"]) == (31, None, [])


def test_a_task_without_aggregate_is_a_problem_unless_nobody_has_answered_it():
    assert "no aggregate" in parse(aggregate={})["problem"]
    unanswered = TASK | {"weightsum": "0"}
    assert parse(task=unanswered, aggregate={})["problem"] is None
    answered = TASK | {"weightsum": 2}
    assert "no aggregate" in parse(task=answered, aggregate={})["problem"]


def test_a_task_of_another_cell_is_a_problem():
    assert "cell 8" in parse(task=TASK | {"cell": 8})["problem"]


@pytest.mark.parametrize("value", ["12a", "", "-3", 1.5, True, None, [1], "9" * 40])
def test_other_ids_are_refused_by_name(value):
    data = {"segmentation": {"id": value}}
    with pytest.raises(
        MalformedReplyError, match=r"task 31: data\.segmentation\.id is .*whole number"
    ) as error:
        parse(task=TASK | {"data": data})
    assert repr(value)[:80] in str(error.value)


@pytest.mark.parametrize(
    ("reply", "field"),
    [
        ({"data": {}}, "segmentation"),
        ({"data": {"segmentation": {}}}, "id"),
        ({"data": None}, "segmentation"),
        ({"full_path": None}, "full_path"),
        ({"id": 32}, "id is 32"),
        ({"prior": {"segments": [1, 2]}}, r"prior\.segments"),
        ({"prior": {"segments": {"x": 1}}}, r"prior\.segments is 'x'"),
        ({"prior": "text"}, "prior is 'text'"),
    ],
)
def test_fields_of_another_form_are_refused_by_name(reply, field):
    with pytest.raises(MalformedReplyError, match=f"task 31.*{field}"):
        parse(task=TASK | reply)


@pytest.mark.parametrize("missing", ["id", "data", "full_path"])
def test_missing_fields_are_refused_by_name(missing):
    task = {key: value for key, value in TASK.items() if key != missing}
    with pytest.raises(MalformedReplyError, match=f"task 31: {missing} "):
        parse(task=task)


@pytest.mark.parametrize("weight", ["much", None, float("nan")])
def test_weights_must_be_numbers(weight):
    with pytest.raises(MalformedReplyError, match="weight of segment 5 is"):
        parse(aggregate={"segments": {"5": weight}})


def test_task_list():
    entries = [{"id": "8"}, {"id": 9}]
    reply = {"tasks": entries, "world": {}}
    assert parse_task_list(reply, 7) == {8: entries[0], 9: entries[1]}


@pytest.mark.parametrize("reply", [{}, {"tasks": []}, {"tasks": None}, {"tasks": {}}])
def test_an_empty_task_list(reply):
    assert parse_task_list(reply, 7) == {}


@pytest.mark.parametrize(
    "reply", [{"error": "no"}, {"tasks": "none"}, {"tasks": [8]}, {"tasks": [{}]}]
)
def test_task_lists_of_another_form_are_refused(reply):
    with pytest.raises(MalformedReplyError, match="cell 7: task list"):
        parse_task_list(reply, 7)
