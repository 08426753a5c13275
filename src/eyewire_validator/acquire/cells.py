"""Download the tasks of a cell."""

from collections.abc import Awaitable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import pandas as pd

from eyewire_validator.acquire.api.concurrency import ask_for_all
from eyewire_validator.acquire.api.replies import (
    Reply,
    is_unanswered,
    parse_task,
    parse_task_list,
)
from eyewire_validator.errors import NotFoundError
from eyewire_validator.storage.schemas.cells import CELL_TASKS
from eyewire_validator.storage.tables import make_frame

# Scripts that only list volumes do without the HTTP libraries.
if TYPE_CHECKING:
    from eyewire_validator.acquire.api.client import EyewireClient


# What the rule download_cells depends on, beside its settings: raised by hand when the
# bytes or the meaning of its files change. All cells are then asked for again.
FORMAT = 1


@dataclass(frozen=True)
class CellDownload:
    """The API's replies about a cell, raw and as rows of a table.

    Attributes:
        replies: the raw replies, each as ``{"path": …, "reply": …}``: the task list,
            then each task and its aggregate, ascending by task.
        rows: the same as rows of `CELL_TASKS`, sorted by task.
    """

    replies: list[dict[str, Any]]
    rows: list[dict[str, Any]]

    @property
    def table(self) -> pd.DataFrame:
        """The rows as a table."""
        return table_of_cells([self])

    @classmethod
    def of(cls, cell: int, replies: list[dict[str, Any]]) -> "CellDownload":
        """Make the rows of a cell from its replies.

        Raises:
            NotFoundError: all tasks came empty, or all aggregates: the service has lost
                them.
            MalformedReplyError: a reply is of another form.
        """
        task_list, *answers = (record["reply"] for record in replies)
        entries = parse_task_list(task_list, cell)
        tasks, aggregates = answers[::2], answers[1::2]
        _refuse_all_empty({"task": tasks, "aggregate": aggregates}, cell)
        rows = [
            parse_task(cell, task, entries[task], *answer)
            for task, *answer in zip(sorted(entries), tasks, aggregates, strict=True)
        ]
        return cls(replies, rows)


def table_of_cells(cells: Iterable[CellDownload]) -> pd.DataFrame:
    """Return the tasks of cells, one cell below the other, as `CELL_TASKS`."""
    rows = (row for cell in cells for row in cell.rows)
    return make_frame(rows, CELL_TASKS)


async def download_cell(client: "EyewireClient", cell: int) -> CellDownload:
    """Ask for all tasks of a cell.

    A task that the service does not know gets a row with a ``problem``.

    Raises:
        NotFoundError: the service knows no such cell, or none of its tasks.
        ApiError: any other failure; nothing is returned for the cell then.
    """
    task_list = await client.cell_tasks(cell)
    tasks = sorted(parse_task_list(task_list, cell))
    if not tasks:
        raise NotFoundError(
            f"cell {cell}: its task list is empty; exclude the cell from the registry "
            "CSV, or by the filters under registry: in the config"
        )

    answers = await ask_for_all(partial(ask_about, client), tasks, "tasks")
    replies = [{"path": f"/1.0/cell/{cell}/tasks", "reply": task_list}]
    return CellDownload.of(cell, replies + list_replies(tasks, answers))


async def ask_about(client: "EyewireClient", task: int) -> tuple[Reply, Reply]:
    """Ask for a task and its aggregate; what the service does not know is empty."""
    reply = await _empty_if_missing(client.task(task))
    return reply, await _empty_if_missing(client.aggregate(task)) if reply else {}


def list_replies(
    tasks: Sequence[int], answers: Sequence[tuple[Reply, Reply]]
) -> list[dict[str, Any]]:
    """List what `ask_about` returned for tasks, as `CellDownload` has it."""
    return [
        {"path": f"/1.0/task/{task}{end}", "reply": reply}
        for task, answer in zip(tasks, answers, strict=True)
        for end, reply in zip(("", "/aggregate"), answer, strict=True)
    ]


def _refuse_all_empty(answers: Mapping[str, Sequence[Reply]], cell: int) -> None:
    """Refuse replies of one kind that are all empty: the service has lost them.

    Of a cell that nobody has begun to trace there are no aggregates yet.
    """
    is_begun = not all(
        is_unanswered(reply, f"cell {cell}") for reply in answers["task"] if reply
    )
    for name, replies in answers.items():
        if not any(replies) and (is_begun or name == "task"):
            raise NotFoundError(
                f"cell {cell}: the {name} of each of its {len(replies)} tasks came "
                "empty, expected some that do not; try again later, or exclude the "
                "cell from the registry CSV"
            )


async def _empty_if_missing(request: Awaitable[Reply]) -> Reply:
    """Turn a 404 into the empty reply, which means the same."""
    try:
        return await request
    except NotFoundError:
        return {}
