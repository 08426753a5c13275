"""The task index: one row per task, for training and evaluation.

Two million tasks name twenty million segments, so nothing here goes task by task: lists
are handled flat, and the segments of volumes come one volume at a time.
"""

from collections.abc import Collection, Iterable
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from eyewire_validator.answers import consensus_threshold
from eyewire_validator.errors import TableError
from eyewire_validator.storage.schemas.cells import CELL_TASKS
from eyewire_validator.storage.schemas.index import LABELLED, OPEN, TASK_INDEX

# The columns of CELL_TASKS that the index is made of.
COLUMNS = [
    name
    for name in CELL_TASKS.names
    if name in {*TASK_INDEX.names, "votes_max", "problem"}
]

# Deeper than the largest cell's tree; a chain that is longer runs in a circle.
MAX_DEPTH = 5000
NO_TASK = -1
# Players of less weight in all have not answered a task yet: Eyewire asks for more.
ENOUGH_WEIGHT = 3
# The status of a task that players are asked about.
PLAYABLE = 0

VOXELS = ["seed_voxels", "aggregate_voxels", "seedless_voxels"]


def cut_aggregates(
    tasks: pd.DataFrame, threshold: float, *, crowd_rule: bool
) -> pd.DataFrame:
    """Keep only the segments of each aggregate that count as the answer.

    Args:
        tasks: CELL_TASKS rows.
        threshold: a segment counts if its agreed fraction is above this.
        crowd_rule: use `consensus_threshold` of the task's weight instead; a task
            without weight keeps the threshold.
    """
    cuts = pd.Series(threshold, tasks.index, dtype=float)
    if crowd_rule:
        agreed = consensus_threshold(tasks["weight"])
        cuts = pd.Series(agreed, tasks.index).fillna(threshold)
    weights = _Lists.of(tasks, "aggregate_weights")
    kept = weights.values > np.repeat(cuts.to_numpy(), weights.lengths)
    return tasks.assign(
        **{
            column: _Lists.of(tasks, column).where(kept).to_series(tasks.index)
            for column in ("aggregate", "aggregate_weights")
        }
    )


class _Named(NamedTuple):
    """The segments that some tasks name, and the number of the task of each."""

    tasks: NDArray[np.int64]
    values: NDArray[np.int64]


class _Lists(NamedTuple):
    """A column of lists, flat: row i holds ``values[offsets[i] : offsets[i + 1]]``."""

    offsets: NDArray[np.int32]
    values: NDArray[Any]

    @classmethod
    def of(cls, tasks: pd.DataFrame, column: str) -> "_Lists":
        array = pa.array(tasks[column], CELL_TASKS.field(column).type)
        return cls(array.offsets.to_numpy(), array.values.to_numpy())

    @property
    def lengths(self) -> NDArray[np.int32]:
        return np.diff(self.offsets)

    def where(self, kept: NDArray[np.bool_]) -> "_Lists":
        """Keep some of the values, in their rows."""
        ends = np.concatenate([[0], np.cumsum(kept, dtype=np.int32)])
        return _Lists(ends[self.offsets], self.values[kept])

    def of_rows(self, rows: NDArray[np.int64]) -> _Named:
        """Return what these rows list, the first of them as task 0."""
        starts = self.offsets[rows]
        lengths = self.offsets[rows + 1] - starts
        place = np.repeat(np.arange(len(rows)), lengths)
        before = np.cumsum(lengths) - lengths
        return _Named(
            place, self.values[np.arange(len(place)) + (starts - before)[place]]
        )

    def to_series(self, index: pd.Index) -> "pd.Series[Any]":
        array = pa.ListArray.from_arrays(self.offsets, self.values)
        return pd.Series(array, index, dtype=pd.ArrowDtype(array.type))


def depths(tasks: pd.DataFrame) -> pd.Series:
    """Count the ancestors of each task; a parent that is in no row ends the chain.

    Args:
        tasks: rows with ``task`` and ``parent``.

    Raises:
        TableError: the parents of some tasks form a circle.
    """
    ids, first, row = np.unique(
        tasks["task"].to_numpy(np.int64), return_index=True, return_inverse=True
    )
    parents = tasks["parent"].iloc[first].to_numpy(np.int64, na_value=NO_TASK)
    ancestor = pd.Index(ids).get_indexer(parents)
    depth = (ancestor >= 0).astype(np.int64)
    # Each round doubles how far up `ancestor` lies, so a few rounds reach every root.
    while (below := np.flatnonzero(ancestor >= 0)).size:
        depth[below] += depth[ancestor[below]]
        ancestor[below] = ancestor[ancestor[below]]
        if depth.max() > MAX_DEPTH:
            raise TableError(
                f"task {ids[depth.argmax()]}: its parents form a circle; download its "
                "cell again"
            )
    return pd.Series(depth[row], tasks.index)


def cells_in_progress(registry: pd.DataFrame, listed: Iterable[int]) -> set[int]:
    """Return the cells that people still trace, or that are not used as a whole.

    Args:
        registry: table in the schema `REGISTRY`.
        listed: cells of the tasks that are asked about by their ids.
    """
    finished = registry["kept"] & ~registry["in_progress"]
    growing = registry.loc[registry["in_progress"], "cell"]
    return {*growing, *listed} - set(registry.loc[finished, "cell"])


def build_index(
    tasks: pd.DataFrame,
    segments: Iterable[tuple[int, pd.DataFrame]],
    in_progress: Collection[int] = (),
) -> pd.DataFrame:
    """Return the TASK_INDEX rows, sorted by task, before the split.

    A task is open if its aggregate is empty or its cell in progress, until players of
    enough weight have seen it or it has the votes that it needs; what fewer said of it
    is left out. A task that cannot be used stays in the table, with the reason in
    ``excluded``.

    Args:
        tasks: CELL_TASKS rows with at least `COLUMNS`, aggregates already cut.
        segments: each volume once, with its SEGMENTS_OF_VOLUME rows, of which only
            ``segment`` and ``coarse_voxels`` are used.
        in_progress: cells that people still trace.
    """
    # A task that is asked for by its id may be of a cell that is there as a whole.
    tasks = tasks.drop_duplicates(["task", "cell"])
    tasks = tasks.sort_values(["task", "cell"], ignore_index=True)
    grows = tasks["cell"].isin(in_progress).to_numpy()
    is_open = _are_open(tasks, grows)
    tasks = tasks.assign(
        state=np.where(is_open, OPEN, LABELLED),
        **_without_aggregates(tasks, is_open),
    )
    seed, aggregate = _Lists.of(tasks, "seed"), _Lists.of(tasks, "aggregate")
    counts, foreign = _count_voxels(tasks["volume"], seed, aggregate, segments)
    index = tasks.assign(
        depth=depths(tasks), **dict(zip(VOXELS, counts.T, strict=True)), split=None
    )
    index["excluded"] = _exclusions(index, seed, aggregate, foreign, grows)
    return index[TASK_INDEX.names]


def _are_open(tasks: pd.DataFrame, grows: NDArray[np.bool_]) -> NDArray[np.bool_]:
    completed = (tasks["votes"] >= tasks["votes_max"]).fillna(False).to_numpy(bool)
    finished = completed | (tasks["weight"].to_numpy(float) >= ENOUGH_WEIGHT)
    unanswered = _Lists.of(tasks, "aggregate").lengths == 0
    found: NDArray[np.bool_] = (unanswered | grows) & ~finished
    return found


def _without_aggregates(
    tasks: pd.DataFrame, is_open: NDArray[np.bool_]
) -> dict[str, "pd.Series[Any]"]:
    """Return the columns of aggregates, empty for open tasks."""
    columns = {}
    for name in ("aggregate", "aggregate_weights"):
        lists = _Lists.of(tasks, name)
        kept = np.repeat(~is_open, lists.lengths)
        columns[name] = lists.where(kept).to_series(tasks.index)
    return columns


def _count_voxels(
    volumes: "pd.Series[Any]",
    seed: _Lists,
    aggregate: _Lists,
    segments: Iterable[tuple[int, pd.DataFrame]],
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Count `VOXELS` of each task; return whether it names what its volume lacks."""
    counts = np.zeros((len(volumes), len(VOXELS)), np.int64)
    named = (seed.lengths > 0) | (aggregate.lengths > 0)
    foreign = named & volumes.notna().to_numpy()
    rows_of = volumes.groupby(volumes).indices
    for volume, table in segments:
        if volume in rows_of:
            rows = rows_of[volume]
            counts[rows], foreign[rows] = _count_in_volume(
                table, seed.of_rows(rows), aggregate.of_rows(rows), len(rows)
            )
    return counts, foreign


def _count_in_volume(
    segments: pd.DataFrame, seed: _Named, aggregate: _Named, tasks: int
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Count `VOXELS` of the tasks of one volume."""
    ids = pd.Index(segments["segment"])
    # The last one is for ids that are not there: their position is -1.
    voxels = np.append(segments["coarse_voxels"].to_numpy(), 0)
    in_seed, in_aggregate = (
        ids.get_indexer(seed.values),
        ids.get_indexer(aggregate.values),
    )
    seedless = ~np.isin(
        aggregate.tasks * len(voxels) + in_aggregate, seed.tasks * len(voxels) + in_seed
    )
    counts = [
        np.bincount(seed.tasks, voxels[in_seed], tasks),
        np.bincount(aggregate.tasks, voxels[in_aggregate], tasks),
        np.bincount(aggregate.tasks, voxels[in_aggregate] * seedless, tasks),
    ]
    foreign = np.zeros(tasks, np.bool_)
    foreign[seed.tasks[in_seed < 0]] = True
    foreign[aggregate.tasks[in_aggregate < 0]] = True
    return np.stack(counts, axis=1).astype(np.int64), foreign


def _exclusions(
    index: pd.DataFrame,
    seed: _Lists,
    aggregate: _Lists,
    foreign: NDArray[np.bool_],
    grows: NDArray[np.bool_],
) -> "pd.Series[Any]":
    """Return why each task cannot be used: the last reason that applies, or None."""
    reasons = pd.Series(None, index.index, dtype=object)
    is_open = (index["state"] == OPEN).to_numpy()
    status = index["status"].fillna(PLAYABLE).to_numpy(np.int64)
    empty = aggregate.lengths == 0
    for reason, applies in (
        ("cell is in progress", ~is_open & grows),
        (
            "aggregate vanishes when downsampled",
            ~is_open & (index["aggregate_voxels"] == 0),
        ),
        ("seed vanishes when downsampled", index["seed_voxels"] == 0),
        ("names a segment that its volume lacks", foreign),
        ("empty aggregate", ~is_open & empty),
        ("open, but frozen, stashed or a duplicate", is_open & (status != PLAYABLE)),
        ("empty seed", seed.lengths == 0),
        ("listed under another cell, too", index["task"].duplicated()),
    ):
        reasons[np.asarray(applies, dtype=bool)] = reason
    return index["problem"].where(index["problem"].notna(), reasons)
