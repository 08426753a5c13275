"""Run many requests at the same time."""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

from tqdm import tqdm

Item = TypeVar("Item")
Result = TypeVar("Result")


async def ask_for_all(
    ask: Callable[[Item], Awaitable[Result]], items: Iterable[Item], title: str
) -> list[Result]:
    """Call ``ask`` with all items at once; return the results in the items' order.

    How many requests are really under way is up to the client. A bar shows the
    progress if there is a terminal.

    Raises:
        Exception: the first failure, as it is; what is still under way is cancelled.
    """
    items = list(items)
    # The workflow turns sys.stderr into a log file, where bars have no place.
    with tqdm(
        total=len(items), desc=title, file=sys.__stderr__, disable=None
    ) as progress:

        async def ask_and_count(item: Item) -> Result:
            result = await ask(item)
            progress.update()
            return result

        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(ask_and_count(item)) for item in items]
        except ExceptionGroup as failures:
            raise failures.exceptions[0] from None
    return [task.result() for task in tasks]
