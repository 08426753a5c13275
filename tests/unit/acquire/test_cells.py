"""Cells and their volumes, from a service that is a dictionary."""

import asyncio

import pandas as pd
import pytest

from eyewire_validator.acquire.catalog import catalog_volumes
from eyewire_validator.acquire.cells import CellDownload, download_cell
from eyewire_validator.acquire.listed_tasks import download_tasks, read_task_ids
from eyewire_validator.errors import (
    NotFoundError,
    RegistryError,
    ThrottledError,
    VolumeError,
)
from eyewire_validator.storage.files import read_packed_json, write_packed_json
from eyewire_validator.storage.schemas.cells import CATALOG, CELL_TASKS
from eyewire_validator.storage.tables import make_frame, read_table, write_table


class Service:
    """Knows some replies by path; unknown ids give {}, or the error that is set."""

    def __init__(self, replies, unknown=None):
        self.replies = replies
        self.unknown = unknown

    async def _ask(self, path):
        if path not in self.replies and self.unknown:
            raise self.unknown
        return self.replies.get(path, {})

    async def cell_tasks(self, cell):
        return await self._ask(f"/1.0/cell/{cell}/tasks")

    async def task(self, task):
        return await self._ask(f"/1.0/task/{task}")

    async def aggregate(self, task):
        return await self._ask(f"/1.0/task/{task}/aggregate")


def task(id_, parent):
    return {
        "id": id_,
        "cell": 7,
        "parent": parent,
        "status": 0,
        "weightsum": 2,
        "prior": {"segments": {"5": 1}},
        "data": {"segmentation": {"id": 41}},
        "full_path": "https://host/Volume-40-41",
    }


REPLIES = {
    "/1.0/cell/7/tasks": {"tasks": [{"id": 32}, {"id": 31}, {"id": 30}]},
    "/1.0/task/31": task(31, 30),
    "/1.0/task/31/aggregate": {"segments": {"6": 0.5, "5": 1}, "weight": 2},
    "/1.0/task/30": task(30, None),
    "/1.0/task/30/aggregate": {"segments": {}},
}


@pytest.mark.parametrize(
    ("lost", "name"), [("/1.0/task/", "task"), ("/aggregate", "aggregate")]
)
def test_a_service_that_has_lost_all_of_a_cell_is_not_believed(lost, name):
    replies = {path: reply for path, reply in REPLIES.items() if lost not in path}
    with pytest.raises(NotFoundError, match=f"^cell 7: the {name} of each of its 3"):
        asyncio.run(download_cell(Service(replies), 7))


def test_a_cell_that_nobody_has_begun_has_no_aggregates_yet():
    replies = {
        path: {**reply, "weightsum": 0}
        for path, reply in REPLIES.items()
        if "/aggregate" not in path
    }
    cell = asyncio.run(download_cell(Service(replies), 7))
    assert cell.table["aggregate"].map(len).tolist() == [0, 0, 0]
    assert cell.table["problem"].isna().tolist() == [True, True, False]


def test_tasks_are_asked_about_by_their_ids(tmp_path):
    (tmp_path / "ids.csv").write_text("task,note\n31,a\n30,\n31,b\n32,\n")
    ids = read_task_ids(tmp_path / "ids.csv")
    assert ids == [30, 31, 32]
    found = asyncio.run(download_tasks(Service(REPLIES), ids))
    of_cell = asyncio.run(download_cell(Service(REPLIES), 7))
    assert found.table["cell"].tolist() == [7, 7, 0]
    pd.testing.assert_frame_equal(found.table[:2], of_cell.table[:2])
    assert found.replies == of_cell.replies[1:]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("id\n31\n", "expected the column task, found id"),
        ("", "expected the column task, found none"),
        ("task\n", "has no rows"),
        ("task\n31\nx7\n", r"line 3: 'x7' is no task id"),
        ("task\n0\n", r"line 2: '0' is no task id"),
    ],
)
def test_a_list_of_tasks_with_a_typo_is_refused(tmp_path, text, found):
    (tmp_path / "ids.csv").write_text(text)
    with pytest.raises(RegistryError, match=found):
        read_task_ids(tmp_path / "ids.csv")


@pytest.mark.parametrize("unknown", [None, NotFoundError("HTTP 404")])
def test_every_task_of_the_list_has_a_row_and_its_replies(tmp_path, unknown):
    cell = asyncio.run(download_cell(Service(REPLIES, unknown), 7))
    write_table(tmp_path / "tasks.parquet", cell.table, CELL_TASKS)
    table = read_table(tmp_path / "tasks.parquet", CELL_TASKS)
    assert table["task"].tolist() == [30, 31, 32]
    assert table["parent"].isna().tolist() == [True, False, True]
    assert table["aggregate"].map(list).tolist() == [[], [5, 6], []]
    assert table["aggregate_weights"].map(list).tolist() == [[], [1, 0.5], []]
    assert table["problem"].isna().tolist() == [True, True, False]
    assert "does not know the task" in table["problem"].iloc[2]
    assert [record["path"] for record in cell.replies] == [
        "/1.0/cell/7/tasks",
        *(
            f"/1.0/task/{task}{end}"
            for task in (30, 31, 32)
            for end in ("", "/aggregate")
        ),
    ]
    for record in cell.replies:
        assert record["reply"] == REPLIES.get(record["path"], {})


def test_replies_that_were_kept_give_the_same_table(tmp_path):
    cell = asyncio.run(download_cell(Service(REPLIES), 7))
    write_packed_json(tmp_path / "replies.json.xz", cell.replies)
    kept = CellDownload.of(7, read_packed_json(tmp_path / "replies.json.xz"))
    assert kept.replies == cell.replies
    pd.testing.assert_frame_equal(kept.table, cell.table)


@pytest.mark.parametrize("reply", [{}, {"tasks": []}])
def test_a_cell_without_tasks_is_named(reply):
    with pytest.raises(NotFoundError, match=r"cell 7: .*exclude the cell from"):
        asyncio.run(download_cell(Service({"/1.0/cell/7/tasks": reply}), 7))


def test_other_failures_end_the_cell():
    service = Service(
        {"/1.0/cell/7/tasks": {"tasks": [{"id": 1}]}}, ThrottledError("x")
    )
    with pytest.raises(ThrottledError):
        asyncio.run(download_cell(service, 7))


def row(task, volume, **changes):
    path = None if volume is None else f"https://host/Volume-{volume}/"
    lists = {
        name: [] for name in ("seed", "aggregate", "aggregate_weights", "children")
    }
    place = {"volume": volume, "full_path": path}
    return {"task": task, "cell": 7} | lists | place | changes


def catalog(*rows, group_span=1):
    return catalog_volumes(make_frame(rows, CELL_TASKS), group_span)


def test_catalog_has_one_row_a_volume(tmp_path):
    table = catalog(
        row(1, 300, channel=299), row(2, 41, min_x=8), row(3, 300), row(4, None),
        row(5, 41, channel=9), group_span=128,
    )  # fmt: skip
    write_table(tmp_path / "catalog.parquet", table, CATALOG)
    table = read_table(tmp_path / "catalog.parquet", CATALOG)
    assert table["volume"].tolist() == [41, 300]
    assert table["channel"].tolist() == [9, 299]
    assert table["tasks"].tolist() == [2, 2]
    assert table["group"].tolist() == [0, 2]
    assert table["full_path"].tolist() == [
        "https://host/Volume-41/",
        "https://host/Volume-300/",
    ]
    assert table["min_x"].isna().tolist() == [False, True]


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("full_path", ("https://a/", "https://b/")),
        ("min_z", (1, 2)),
        ("channel", (3, 4)),
    ],
)
def test_tasks_that_disagree_about_a_volume_are_refused(name, values):
    rows = [row(task, 41, **{name: value}) for task, value in enumerate(values)]
    with pytest.raises(VolumeError, match=f"volume 41: .* {name} .*{values[1]}"):
        catalog(*rows)
