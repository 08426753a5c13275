"""From cells to their tasks, and from tasks to the volumes they lie in."""

from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from eyewire_validator.api.concurrency import ask_for_all
from eyewire_validator.api.replies import Reply, parse_task, parse_task_list
from eyewire_validator.errors import NotFoundError, VolumeError
from eyewire_validator.tables import CATALOG, CELL_TASKS, make_frame

# Whoever only lists volumes does without the HTTP libraries.
if TYPE_CHECKING:
    from eyewire_validator.api.client import EyewireClient

BOUNDS = [f"{side}_{axis}" for side in ("min", "max") for axis in "zyx"]
# What the tasks of a volume say about it.
PLACE = ["channel", "full_path", *BOUNDS]


@dataclass(frozen=True)
class CellDownload:
    """What the API said about a cell.

    Attributes:
        replies: the raw replies, each as ``{"path": …, "reply": …}``: the task list,
            then each task and its aggregate, ascending by task.
        table: the same in the schema `tables.CELL_TASKS`, sorted by task.
    """

    replies: list[dict[str, Any]]
    table: pd.DataFrame


async def download_cell(client: "EyewireClient", cell: int) -> CellDownload:
    """Ask for all tasks of a cell.

    A task that the service does not know gets a row with a ``problem``.

    Raises:
        NotFoundError: the cell is not known, has no tasks, or none that are known.
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

    async def ask(task: int) -> tuple[Reply, Reply]:
        reply = await _known(client.task(task))
        return reply, await _known(client.aggregate(task)) if reply else {}

    answers = await ask_for_all(ask, tasks, f"cell {cell}")
    _check_known(answers, cell)
    rows = [
        parse_task(cell, task, entries[task], *answer)
        for task, answer in zip(tasks, answers, strict=True)
    ]
    replies = [{"path": f"/1.0/cell/{cell}/tasks", "reply": task_list}]
    for task, (reply, aggregate) in zip(tasks, answers, strict=True):
        replies.append({"path": f"/1.0/task/{task}", "reply": reply})
        replies.append({"path": f"/1.0/task/{task}/aggregate", "reply": aggregate})
    return CellDownload(replies, make_frame(rows, CELL_TASKS))


def _check_known(answers: Sequence[tuple[Reply, Reply]], cell: int) -> None:
    """Refuse to take a service that has lost everything for one that knows nothing."""
    for place, name in enumerate(("task", "aggregate")):
        if not any(answer[place] for answer in answers):
            raise NotFoundError(
                f"cell {cell}: the {name} of each of its {len(answers)} tasks came "
                "empty, expected some that do not; try again later, or exclude the "
                "cell from the registry CSV"
            )


async def _known(request: Awaitable[Reply]) -> Reply:
    """Treat a 404 as the empty reply by which Eyewire says the same."""
    try:
        return await request
    except NotFoundError:
        return {}


def catalog_volumes(tables: pd.DataFrame, group_span: int) -> pd.DataFrame:
    """List the distinct volumes of all tasks.

    Args:
        tables: rows of `tables.CELL_TASKS` of all cells, with at least ``volume`` and
            `PLACE`.
        group_span: volumes whose ids share ``volume // group_span`` form a group.

    Returns:
        A row of `tables.CATALOG` for each volume, ascending.

    Raises:
        VolumeError: tasks disagree about where a volume is.
    """
    tasks = tables.dropna(subset="volume").astype({"volume": np.int64})
    of_volume = tasks.groupby("volume")
    _check_agreement(tasks, of_volume[PLACE].nunique())
    catalog = of_volume[PLACE].first()
    catalog["tasks"] = of_volume.size()
    catalog = catalog.reset_index()
    catalog["group"] = catalog["volume"] // group_span
    return catalog[CATALOG.names]


def _check_agreement(tasks: pd.DataFrame, answers: pd.DataFrame) -> None:
    """Refuse different ``answers``, counted by volume (rows) and name (columns)."""
    for volume in answers.index[(answers > 1).any(axis=1)]:
        name = answers.columns[answers.loc[volume] > 1][0]
        found = tasks.loc[tasks["volume"] == volume, name].dropna().unique()
        raise VolumeError(
            f"volume {volume}: its tasks disagree about {name} "
            f"({', '.join(map(str, found))}); delete the downloads of its cells, rerun"
        )
