"""Leave a cell half done: the players have not come to the later tasks yet."""

from collections.abc import Sequence
from dataclasses import replace

from eyewire_validator.sandbox.tracing.crowd import CrowdAnswer
from eyewire_validator.sandbox.tracing.spawning import SpawnedTask

NO_ANSWER = CrowdAnswer({}, threshold=0.0, weight=0.0, votes=0)


def leave_half_done(tasks: Sequence[SpawnedTask]) -> list[SpawnedTask]:
    """Take back the answers to the later half of a cell's tasks.

    What an answer spawned goes with it, so the tasks without answers are the ends of
    the tree.

    Args:
        tasks: of one cell, parents before children, counted from 0.

    Returns:
        The tasks that are left, counted from 0 again.
    """
    answered = set(range((len(tasks) + 1) // 2))
    left = [t for t in tasks if t.task in answered or t.parent in answered]
    numbers = {task.task: number for number, task in enumerate(left)}
    return [
        replace(
            task,
            task=numbers[task.task],
            parent=None if task.parent is None else numbers[task.parent],
            answer=task.answer if task.task in answered else NO_ANSWER,
        )
        for task in left
    ]
