"""Download the tasks of a cell."""

from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import pandas as pd

from eyewire_validator.acquire.api.concurrency import ask_for_all
from eyewire_validator.acquire.api.replies import Reply, parse_task, parse_task_list
from eyewire_validator.errors import NotFoundError
from eyewire_validator.storage.schemas.cells import CELL_TASKS
from eyewire_validator.storage.tables import make_frame

# Scripts that only list volumes do without the HTTP libraries.
if TYPE_CHECKING:
    from eyewire_validator.acquire.api.client import EyewireClient


# What the rule download_cell depends on, beside its settings: raised by hand when the
# bytes or the meaning of a cell's files change. All cells are then asked for again.
FORMAT = 1


@dataclass(frozen=True)
class CellDownload:
    """The API's replies about a cell, raw and as a table.

    Attributes:
        replies: the raw replies, each as ``{"path": …, "reply": …}``: the task list,
            then each task and its aggregate, ascending by task.
        table: the same in the schema `CELL_TASKS`, sorted by task.
    """

    replies: list[dict[str, Any]]
    table: pd.DataFrame


async def download_cell(client: "EyewireClient", cell: int) -> CellDownload:
    """Ask for all tasks of a cell.

    A task that the service does not know gets a row with a ``problem``.

    Raises:
        NotFoundError: the service knows no such cell, or none of its tasks.
        ApiError: any other failure; nothing is returned for the cell then.
    """
    task_list = await client.cell_tasks(cell)
    entries = parse_task_list(task_list, cell)
    if not entries:
        raise NotFoundError(
            f"cell {cell}: its task list is empty; exclude the cell from the registry "
            "CSV, or by the filters under registry: in the config"
        )
    tasks = sorted(entries)

    answers = await ask_for_all(partial(ask_about, client), tasks, "tasks")
    _refuse_all_empty(answers, cell)
    rows = [
        parse_task(cell, task, entries[task], *answer)
        for task, answer in zip(tasks, answers, strict=True)
    ]
    replies = [{"path": f"/1.0/cell/{cell}/tasks", "reply": task_list}]
    replies += list_replies(tasks, answers)
    return CellDownload(replies, make_frame(rows, CELL_TASKS))


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


def _refuse_all_empty(answers: Sequence[tuple[Reply, Reply]], cell: int) -> None:
    """Refuse replies that are all empty: the service has lost them.

    Of a cell that nobody has begun to trace there are no aggregates yet.
    """
    is_begun = any(reply.get("weightsum") for reply, _ in answers)
    for place, name in enumerate(("task", "aggregate")):
        if not any(answer[place] for answer in answers) and (is_begun or not place):
            raise NotFoundError(
                f"cell {cell}: the {name} of each of its {len(answers)} tasks came "
                "empty, expected some that do not; try again later, or exclude the "
                "cell from the registry CSV"
            )


async def _empty_if_missing(request: Awaitable[Reply]) -> Reply:
    """Turn a 404 into the empty reply, which means the same."""
    try:
        return await request
    except NotFoundError:
        return {}
