"""Look up the truth of cells, segments by volume, and find cubes grown wrongly."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from eyewire_validator.storage.schemas.index import LABELLED, OPEN
from eyewire_validator.volumes.store import SEGMENT_IDS

# Cell -> volume -> its segments, ascending.
Truth = Mapping[int, Mapping[int, NDArray[np.int64]]]


def truth_of(index: pd.DataFrame) -> Truth:
    """Return the segments of the cells all of whose tasks are answered.

    Args:
        index: table in the schema `TASK_INDEX`.
    """
    in_progress = index["excluded"] == "cell is in progress"
    unknown = index.loc[(index["state"] == OPEN) | in_progress, "cell"]
    known = (index["state"] == LABELLED) & index["volume"].notna()
    rows = index[known & ~index["cell"].isin(unknown)]
    found: dict[int, dict[int, NDArray[np.int64]]] = {}
    columns = (rows[name] for name in ("cell", "volume", "seed", "aggregate"))
    for cell, volume, seed, aggregate in zip(*columns, strict=True):
        of_cell = found.setdefault(int(cell), {})
        before = of_cell.get(int(volume), np.empty(0, np.int64))
        both = np.concatenate([before, seed, aggregate]).astype(np.int64)
        of_cell[int(volume)] = np.unique(both)
    return found


def codes_of(volume: int, segments: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return one number for each segment of a volume."""
    return volume * SEGMENT_IDS + np.asarray(segments, np.int64)


def codes_of_rows(rows: pd.DataFrame) -> list[NDArray[np.int64]]:
    """Return the codes of all segments of each row of a table of grown cubes."""
    columns = (rows[name] for name in ("volume", "seed", "accepted"))
    return [
        codes_of(int(volume), np.concatenate([seed, accepted]))
        for volume, seed, accepted in zip(*columns, strict=True)
    ]


def first_wrong(
    rows: pd.DataFrame, of_cell: Mapping[int, NDArray[np.int64]]
) -> NDArray[np.bool_]:
    """Tell which cubes of a cell made a false merge: wrong, where none before was.

    Any segment that is not the cell's is wrong, whether it is known whose it is or not,
    so joining what nobody labelled is not free.

    Args:
        rows: those of a table of grown cubes, of one cell, by `cube` from 0.
        of_cell: the cell's segments by volume.
    """
    own = [codes_of(volume, segments) for volume, segments in of_cell.items()]
    known = np.concatenate([np.empty(0, np.int64), *own])
    wrong = np.array(
        [not np.isin(codes, known).all() for codes in codes_of_rows(rows)], np.bool_
    )
    parents = rows["parent"].to_numpy(np.int64, na_value=-1)
    # Parents come before their children, so what is below a wrong cube is known.
    below = np.zeros(len(rows), np.bool_)
    for cube, parent in enumerate(parents):
        below[cube] = parent >= 0 and (wrong[parent] or below[parent])
    return wrong & ~below
