"""Turn what answers one task at a time into an answerer of many."""

from collections.abc import Callable, Sequence

import pandas as pd

from eyewire_validator.answers import Answer, Answerer
from eyewire_validator.tasks.lineage import Lineage, Task


def answer_tasks(answer: Callable[[Task], Answer], index: pd.DataFrame) -> Answerer:
    """Answer tasks of an index one by one, as loop 1."""
    return answer_in_lineage(lambda task, _: answer(task), index)


def answer_in_lineage(
    answer: Callable[[Task, Lineage], Answer], index: pd.DataFrame
) -> Answerer:
    """Answer tasks of an index one by one, by their ancestors too, as loop 1."""
    lineage = Lineage(index)

    def answer_all(tasks: Sequence[int]) -> list[dict[int, Answer]]:
        return [{1: answer(lineage.task(task), lineage)} for task in tasks]

    return answer_all
