"""Run many requests at the same time."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

from eyewire_validator.jobs.progress import Progress

Item = TypeVar("Item")
Result = TypeVar("Result")


async def ask_for_all(
    ask: Callable[[Item], Awaitable[Result]], items: Iterable[Item], unit: str
) -> list[Result]:
    """Call ``ask`` with all items at once; return the results in the items' order.

    How many requests are really under way is up to the client. Progress
    is logged.

    Raises:
        Exception: the first failure, as it is; what is still under way is cancelled.
    """
    items = list(items)
    with Progress(total=len(items), unit=unit) as progress:

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
