"""Take stops of growth for tasks, about which people can be asked.

A stop has the seed and the volume of its cube, as a task has. Its id hangs on these
and on the cell alone, so that it is the same whenever growth comes there again.
"""

import hashlib

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from eyewire_validator.storage.schemas.index import OPEN
from eyewire_validator.tasks.lineage import Lineage

# Ids from here to twice of it are of stops: above those of Eyewire's tasks, and below
# what a script on a page takes for another number.
FIRST_STOP = 2**52


def is_stop(task: int) -> bool:
    """Return whether an id is that of a stop."""
    return task >= FIRST_STOP


def stop_id(cell: int, volume: int, seed: ArrayLike) -> int:
    """Return the id of a stop in a cube of a cell.

    Args:
        cell: its id.
        volume: where the cube is.
        seed: segments that the cube began with.
    """
    segments = " ".join(map(str, np.sort(np.asarray(seed, np.int64))))
    digest = hashlib.sha256(f"{cell} {volume} {segments}".encode()).digest()
    return FIRST_STOP + int.from_bytes(digest[:8]) % FIRST_STOP


def stops_of(grown: pd.DataFrame) -> pd.DataFrame:
    """Return the cubes with segments at which growth stopped, with their ``task``.

    Args:
        grown: table in the schema `GROWN`.
    """
    rows = grown[grown["withheld"].str.len() > 0]
    cubes = rows[["cell", "volume", "seed"]].itertuples(index=False)
    return rows.assign(task=[stop_id(*cube) for cube in cubes])


def lineage_with_stops(index: pd.DataFrame, grown: pd.DataFrame | None) -> Lineage:
    """Return the tasks of an index, and the stops of growth as open ones.

    Args:
        index: table in the schema `TASK_INDEX`.
        grown: table in the schema `GROWN`; none if nothing was grown.
    """
    if grown is None:
        return Lineage(index)
    columns = list(Lineage.COLUMNS)
    rows = as_open_tasks(stops_of(grown))
    return Lineage(pd.concat([index[columns], rows[columns]], ignore_index=True))


def as_open_tasks(stops: pd.DataFrame) -> pd.DataFrame:
    """Return stops as open tasks of an index: roots, in no split.

    Args:
        stops: ``task``, ``cell``, ``volume``, ``seed`` and the corner of the volume.
    """
    none = pd.Series([np.empty(0, np.int64)] * len(stops), stops.index, dtype=object)
    unanswered = {"aggregate": none, "aggregate_weights": none, "state": OPEN}
    rows = stops.assign(parent=pd.NA, excluded=None, split=None, **unanswered)
    return rows[[*Lineage.COLUMNS, "split"]]
