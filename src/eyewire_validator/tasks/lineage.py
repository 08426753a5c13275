"""The tasks of an index by their ids, and their ancestors."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from eyewire_validator.errors import TableError, VolumeError
from eyewire_validator.storage.schemas.index import OPEN
from eyewire_validator.volumes.geometry import Corner


@dataclass(frozen=True, eq=False)
class Task:
    """A task of the index, with what is needed to answer it.

    Attributes:
        corner: lowest voxel (z, y, x) of its volume at full resolution, or none.
        seed: (n,) int64 segment ids.
        aggregate: (n,) int64 segment ids of the answer.
        aggregate_weights: (n,) float64 agreed fraction of the players for each.
        excluded: whether it is in no split, and not open.
        is_open: whether its answer is not known; its aggregate is then empty.
    """

    task: int
    cell: int
    parent: int | None
    volume: int | None
    corner: Corner | None
    seed: NDArray[np.int64]
    aggregate: NDArray[np.int64]
    aggregate_weights: NDArray[np.float64]
    excluded: bool
    is_open: bool = False

    @property
    def volume_id(self) -> int:
        """The volume that the task lies in.

        Raises:
            VolumeError: the index has none.
        """
        if self.volume is None:
            raise VolumeError(
                f"task {self.task} has no volume; exclude it from the index"
            )
        return self.volume


class Lineage:
    """Tasks by id, and their ancestors.

    Args:
        index: table in the schema `TASK_INDEX`; every task of it, excluded or
            not, can be an ancestor. Of a task in several rows, the first counts, as
            the index excludes the others.
    """

    COLUMNS = (
        "task", "cell", "parent", "volume", "min_z", "min_y", "min_x",
        "seed", "aggregate", "aggregate_weights", "excluded", "state",
    )  # fmt: skip

    def __init__(self, index: pd.DataFrame) -> None:
        """Keep the columns; tasks are made when asked for."""
        first = ~index["task"].duplicated().to_numpy()
        self._rows = np.flatnonzero(first)
        self._tasks = pd.Index(index["task"].to_numpy(np.int64)[first])
        self._columns = {name: index[name].array for name in self.COLUMNS}

    def task(self, task: int) -> Task:
        """Return a task.

        Raises:
            TableError: the index has no such task.
        """
        if task not in self._tasks:
            raise TableError(f"the task index has no task {task}; rerun its rule")
        row = self._rows[self._tasks.get_loc(task)]
        values = {name: column[row] for name, column in self._columns.items()}
        corner = tuple(_optional(values[f"min_{axis}"]) for axis in "zyx")
        return Task(
            task=task,
            cell=int(values["cell"]),
            parent=_optional(values["parent"]),
            volume=_optional(values["volume"]),
            corner=None if None in corner else corner,  # type: ignore[arg-type]
            seed=np.asarray(values["seed"], np.int64),
            aggregate=np.asarray(values["aggregate"], np.int64),
            aggregate_weights=np.asarray(values["aggregate_weights"], np.float64),
            excluded=not pd.isna(values["excluded"]),
            is_open=values["state"] == OPEN,
        )

    def __contains__(self, task: int) -> bool:
        """Return whether the index has the task."""
        return task in self._tasks

    def ancestors(self, task: Task, count: int | None = None) -> list[Task]:
        """Return up to ``count`` ancestors, or all of them, the parent first.

        The list ends early at a root, at a parent that the index does not have, and
        where the parents go in a circle: a task is never its own ancestor.
        """
        found: list[Task] = []
        seen = {task.task}
        while count is None or len(found) < count:
            parent = (found[-1] if found else task).parent
            if parent is None or parent in seen or parent not in self._tasks:
                break
            seen.add(parent)
            found.append(self.task(parent))
        return found


def _optional(value: Any) -> int | None:
    return None if pd.isna(value) else int(value)
