"""The tasks that segments belong to, and whether they belong to their answers."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from eyewire_validator.errors import TableError


def task_rows(segments: pd.DataFrame, tasks: pd.DataFrame) -> NDArray[np.intp]:
    """Return (segments,) the row of ``tasks`` (from 0) that each segment belongs to.

    Raises:
        TableError: a task of ``segments`` is not in ``tasks``, or is there twice.
    """
    if not tasks["task"].is_unique:
        twice = tasks.loc[tasks["task"].duplicated(), "task"].iloc[0]
        raise TableError(f"task {twice} has several rows; expected one a task")
    rows: NDArray[np.intp] = pd.Index(tasks["task"]).get_indexer(segments["task"])
    if (rows < 0).any():
        stranger = segments["task"].to_numpy()[rows < 0][0]
        raise TableError(
            f"task {stranger} has segments but no row among {len(tasks)} tasks; make "
            "both tables in the same run"
        )
    return rows


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
