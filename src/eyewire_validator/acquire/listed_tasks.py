"""Tasks that are asked about by their ids, whatever cell they belong to."""

import csv
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from eyewire_validator.acquire.api.concurrency import ask_for_all
from eyewire_validator.acquire.api.replies import HIGHEST_ID, cell_of_task, parse_task
from eyewire_validator.acquire.cells import CellDownload, ask_about, list_replies
from eyewire_validator.errors import RegistryError

if TYPE_CHECKING:
    from eyewire_validator.acquire.api.client import EyewireClient

COLUMN = "task"


def read_task_ids(path: Path) -> list[int]:
    """Read ids from the column ``task`` of a CSV; each once, ascending.

    Raises:
        RegistryError: the file, its column or an id cannot be used.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            columns, rows = reader.fieldnames or [], list(reader)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise RegistryError(
            f"answers.tasks: {path}: cannot be read ({error})"
        ) from None
    if COLUMN not in columns:
        raise RegistryError(
            f"answers.tasks: {path}: expected the column {COLUMN}, found "
            f"{', '.join(columns) or 'none'}"
        )
    ids = set()
    for line, row in enumerate(rows, start=2):
        text = (row[COLUMN] or "").strip()
        is_whole = text.isascii() and text.isdigit()
        if not is_whole or not 0 < int(text) <= HIGHEST_ID:
            raise RegistryError(
                f"answers.tasks: {path}, line {line}: {text!r:.80} is no task id; "
                "expected a whole number above 0"
            )
        ids.add(int(text))
    if not ids:
        raise RegistryError(f"answers.tasks: {path}: has no rows below its header")
    return sorted(ids)


async def download_tasks(client: "EyewireClient", tasks: Sequence[int]) -> CellDownload:
    """Ask for tasks and their aggregates.

    A task that the service does not know gets a row with a ``problem``, under cell 0.

    Args:
        client: of the service.
        tasks: ids, ascending.

    Raises:
        ApiError: a request failed.
    """
    answers = await ask_for_all(partial(ask_about, client), tasks, "tasks")
    rows = [
        parse_task(cell_of_task(answer[0], task), task, {}, *answer)
        for task, answer in zip(tasks, answers, strict=True)
    ]
    return CellDownload(list_replies(tasks, answers), rows)
