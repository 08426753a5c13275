"""Teacher-forced growth: each cube with the true seed and true ancestors."""

from collections import Counter
from collections.abc import Sequence

import pandas as pd

from eyewire_validator.growth.cube_answers import CubeAnswers
from eyewire_validator.growth.free_running import GrownCube, Limits, divide, explain
from eyewire_validator.storage.schemas.index import LABELLED
from eyewire_validator.tasks.lineage import Lineage


def follow_truth(
    answers: CubeAnswers, index: pd.DataFrame, cells: Sequence[int], limits: Limits
) -> list[GrownCube]:
    """Answer the labelled tasks of cells, each as if all before it had been right.

    Args:
        answers: of the model.
        index: table in the schema `TASK_INDEX`; excluded tasks are left out.
        cells: whose tasks.
        limits: where to stop; nothing is on the path of a task but itself.

    Returns:
        The cubes, by cell, parents before children.
    """
    usable = index["excluded"].isna() & (index["state"] == LABELLED)
    rows = index[usable & index["cell"].isin(cells)].sort_values(
        ["cell", "depth", "task"]
    )
    lineage = Lineage(index)
    numbers: dict[int, int] = {}
    of_cell: Counter[int] = Counter()
    cubes = []
    for task in map(lineage.task, map(int, rows["task"])):
        if task.volume_id not in answers.block.corners:
            continue
        found = answers.answer(task, lineage.ancestors(task))
        accepted, withheld = divide(found, 0.0, limits)
        children = int((index["parent"] == task.task).sum())
        outcome, why = explain(children, withheld, 0.0, limits)
        numbers[task.task] = of_cell[task.cell]
        of_cell[task.cell] += 1
        parent = None if task.parent is None else numbers.get(task.parent)
        cubes.append(
            GrownCube(
                task.cell,
                numbers[task.task],
                parent,
                task.volume_id,
                task.seed,
                accepted,
                withheld,
                0.0,
                outcome,
                why,
            )
        )
    return cubes
