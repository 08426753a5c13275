"""The task index: one row a task, with what training and evaluation ask of it."""

import numpy as np
import pandas as pd

from eyewire_validator.errors import TableError
from eyewire_validator.tables import TASK_INDEX

# Deeper than the largest cell's tree; a chain that is longer runs in a circle.
MAX_DEPTH = 5000


def crowd_threshold(weight: pd.Series) -> pd.Series:
    """Return the agreed fraction above which Eyewire's consensus takes a segment.

    min(0.99, exp(-0.16 w) + 0.2) for a total player weight of w (eyewire.accuracy,
    get_celltype_threshold.m).
    """
    return (np.exp(-0.16 * weight) + 0.2).clip(upper=0.99)


def cut_aggregates(
    tasks: pd.DataFrame, threshold: float, *, crowd_rule: bool
) -> pd.DataFrame:
    """Keep only the segments of each aggregate that count as the answer.

    Args:
        tasks: CELL_TASKS rows.
        threshold: a segment counts if its agreed fraction is above this.
        crowd_rule: use `crowd_threshold` of the task's weight instead; a task without
            weight keeps the threshold.
    """
    cuts = pd.Series(threshold, tasks.index, dtype=float)
    if crowd_rule:
        cuts = crowd_threshold(tasks["weight"]).fillna(threshold)
    kept = [
        np.asarray(weights) > cut
        for weights, cut in zip(tasks["aggregate_weights"], cuts, strict=True)
    ]
    return tasks.assign(
        **{
            column: [
                np.asarray(values)[keep]
                for values, keep in zip(tasks[column], kept, strict=True)
            ]
            for column in ("aggregate", "aggregate_weights")
        }
    )


def depths(tasks: pd.DataFrame) -> pd.Series:
    """Count the ancestors of each task; a parent that is in no row ends the chain.

    Args:
        tasks: rows with ``task`` and ``parent``.

    Raises:
        TableError: the parents of some tasks form a circle.
    """
    parents = tasks.drop_duplicates("task").set_index("task")["parent"]
    parents = parents[parents.isin(parents.index)].astype(np.int64)
    depth = pd.Series(0, tasks.index)
    ancestor = tasks["task"].map(parents)
    while ancestor.notna().any():
        depth += ancestor.notna()
        if depth.max() > MAX_DEPTH:
            task = tasks["task"][depth.idxmax()]
            raise TableError(
                f"task {task}: its parents form a circle; download its cell again"
            )
        ancestor = ancestor.map(parents)
    return depth


def build_index(tasks: pd.DataFrame, segments: pd.DataFrame) -> pd.DataFrame:
    """Return the TASK_INDEX rows, sorted by task, before the split.

    A task that cannot be used stays in the table, with the reason in ``excluded``.

    Args:
        tasks: CELL_TASKS rows, aggregates already cut.
        segments: SEGMENTS_OF_VOLUME rows of all volumes, with a column ``volume``.
    """
    tasks = tasks.sort_values(["task", "cell"], ignore_index=True)
    seed = _segments_of(tasks, "seed", segments)
    aggregate = _segments_of(tasks, "aggregate", segments)
    seedless = aggregate[
        ~pd.MultiIndex.from_frame(aggregate[["row", "segment"]]).isin(
            pd.MultiIndex.from_frame(seed[["row", "segment"]])
        )
    ]
    index = tasks.assign(
        depth=depths(tasks),
        seed_voxels=_coarse_voxels(tasks, seed),
        aggregate_voxels=_coarse_voxels(tasks, aggregate),
        seedless_voxels=_coarse_voxels(tasks, seedless),
        split=None,
    )
    foreign = pd.concat([seed, aggregate])
    foreign = foreign.loc[foreign["coarse_voxels"].isna(), "row"]
    index["excluded"] = _exclusions(index, index.index.isin(foreign))
    return index[TASK_INDEX.names]


def _segments_of(
    tasks: pd.DataFrame, column: str, segments: pd.DataFrame
) -> pd.DataFrame:
    """Return a line for each segment that a task names: row, segment, coarse_voxels."""
    named = tasks[["volume", column]].explode(column).dropna()
    named = named.rename_axis("row").reset_index().rename(columns={column: "segment"})
    named = named.astype({"volume": np.int64, "segment": np.int64})
    return named.merge(
        segments[["volume", "segment", "coarse_voxels"]],
        on=["volume", "segment"],
        how="left",
    )


def _coarse_voxels(tasks: pd.DataFrame, named: pd.DataFrame) -> pd.Series:
    sums = named.groupby("row")["coarse_voxels"].sum()
    return sums.reindex(tasks.index, fill_value=0).astype(np.int64)


def _exclusions(index: pd.DataFrame, foreign: np.ndarray) -> pd.Series:
    """Say why each task cannot be used: the first reason that applies, or None."""
    reasons = pd.Series(None, index.index, dtype=object)
    for reason, applies in (
        ("aggregate vanishes when downsampled", index["aggregate_voxels"] == 0),
        ("seed vanishes when downsampled", index["seed_voxels"] == 0),
        ("names a segment that its volume lacks", foreign),
        ("empty aggregate", index["aggregate"].map(len) == 0),
        ("empty seed", index["seed"].map(len) == 0),
        ("listed under another cell, too", index["task"].duplicated()),
    ):
        reasons[np.asarray(applies, dtype=bool)] = reason
    return index["problem"].where(index["problem"].notna(), reasons)


def published_formats(
    index: pd.DataFrame,
) -> tuple[dict[str, str], dict[str, dict[str, object]]]:
    """Return the contents of the published task_vol.json and task_data.json.

    task_vol maps task to volume, both as text; task_data maps task to its seed and
    aggregate (segment ids) and its parent, as numbers. Only tasks that are in a split
    are listed, as the published code drops vanished seeds and empty aggregates.
    """
    used = index[index["split"].notna()]
    names = used["task"].astype(str)
    task_vol = dict(zip(names, used["volume"].astype(str), strict=True))
    task_data: dict[str, dict[str, object]] = {
        name: {
            "seed": list(map(int, seed)),
            "parent": None if pd.isna(parent) else int(parent),
            "aggregate": list(map(int, aggregate)),
        }
        for name, seed, parent, aggregate in zip(
            names, used["seed"], used["parent"], used["aggregate"], strict=True
        )
    }
    return task_vol, task_data
