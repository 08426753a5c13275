"""Find the seeds that cells grow from in a task index."""

import pandas as pd

from eyewire_validator.growth.free_running import Seed
from eyewire_validator.storage.schemas.index import OPEN
from eyewire_validator.tasks.lineage import Lineage


def seeds_of(index: pd.DataFrame) -> list[Seed]:
    """Return the seeds of all cells: the open tasks of a cell, or else its root.

    Args:
        index: table in the schema `TASK_INDEX`; excluded tasks are no seeds.
    """
    usable = index[index["excluded"].isna() & index["volume"].notna()]
    is_open = usable["state"] == OPEN
    has_open = usable["cell"].isin(usable.loc[is_open, "cell"])
    is_root = usable["parent"].isna()
    lineage = Lineage(index)
    chosen = usable.loc[is_open | (is_root & ~has_open), "task"]
    tasks = map(lineage.task, map(int, chosen))
    return [Seed(task.cell, task.volume_id, task.seed) for task in tasks]
