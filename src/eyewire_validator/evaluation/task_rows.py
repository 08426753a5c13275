"""The tasks that segments belong to, and whether they belong to their answers."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from eyewire_validator.errors import TableError


class TaskRows:
    """Find rows of tasks, again and again, with one look at all of their ids.

    Args:
        tasks: table with ``task``.

    Raises:
        TableError: a task is there twice.
    """

    def __init__(self, tasks: pd.DataFrame) -> None:
        """Index the tasks."""
        self._ids = pd.Index(tasks["task"])
        if not self._ids.is_unique:
            twice = self._ids[self._ids.duplicated()][0]
            raise TableError(f"task {twice} has several rows; expected one a task")

    def of(self, segments: pd.DataFrame) -> NDArray[np.intp]:
        """Return (segments,) the row (from 0) of the task of each segment.

        Raises:
            TableError: there is no such task.
        """
        rows: NDArray[np.intp] = self._ids.get_indexer(segments["task"])
        if (rows < 0).any():
            stranger = segments["task"].to_numpy()[rows < 0][0]
            raise TableError(
                f"task {stranger} has segments but no row among {len(self._ids)} "
                "tasks; make both tables in the same run"
            )
        return rows


def task_rows(segments: pd.DataFrame, tasks: pd.DataFrame) -> NDArray[np.intp]:
    """Return (segments,) the row of ``tasks`` (from 0) that each segment belongs to.

    Raises:
        TableError: a task of ``segments`` is not in ``tasks``, or is there twice.
    """
    return TaskRows(tasks).of(segments)


def segment_truth(segments: pd.DataFrame, truth: str = "truth") -> NDArray[np.bool_]:
    """Return (segments,) bool, whether each belongs by the column ``truth``.

    Raises:
        TableError: it is not known of every segment.
    """
    if unknown := int(segments[truth].isna().sum()):
        raise TableError(
            f"column {truth} is empty for {unknown} of {len(segments)} segments; only "
            "the sandbox knows neurons, use the column truth elsewhere"
        )
    belongs: NDArray[np.bool_] = segments[truth].to_numpy(np.bool_)
    return belongs
