"""Find what the masks of a sample are made from: a volume, its place, its segments.

For all tasks at once, as arrays, so that `gpu_samples` can make the masks on a GPU.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from eyewire_validator.config.families import NetworkSettings
from eyewire_validator.errors import VolumeError
from eyewire_validator.tasks.context import is_leaked
from eyewire_validator.volumes.geometry import Edges
from eyewire_validator.volumes.store import SEGMENT_IDS, VolumeStore
from eyewire_validator.voxel_network.samples import CERTAIN, certainty_levels


class SegmentLists(NamedTuple):
    """Lists of segment ids, one after the other.

    Attributes:
        first: (lists,) int64, where each begins in ``ids``.
        length: (lists,) int64.
        ids: (all,) int64 on the device; 0 is nothing.
        levels: (all,) uint8 on the device, how certain each is as truth.
    """

    first: NDArray[np.int64]
    length: NDArray[np.int64]
    ids: Tensor
    levels: Tensor


class MaskSources(NamedTuple):
    """The sources of the masks of each task: context, seed and, last, truth.

    Attributes:
        volume: (tasks, masks) int64 on the device, which volume.
        shift: (tasks, masks, 3) int64 on the device, where that volume's corner lies
            in the task's frame, coarse voxels (z, y, x).
        segments: (tasks, masks) int64, which of the `SegmentLists`; -1 is none.
    """

    volume: Tensor
    shift: Tensor
    segments: NDArray[np.int64]


def mask_sources(
    table: pd.DataFrame,
    tasks: Sequence[int],
    settings: NetworkSettings,
    store: VolumeStore,
    device: torch.device,
) -> tuple[MaskSources, list[int]]:
    """Find what the masks of some tasks are made from.

    Args:
        table: in the schema `TASK_INDEX`, one row per task: these and their ancestors.
        tasks: their ids.
        settings: name the context and its channels.
        store: the volumes.
        device: where the arrays are put.

    Returns:
        The sources, and the ids of the volumes that they count.

    Raises:
        VolumeError: a task has no volume.
    """
    rows = pd.Index(table["task"]).get_indexer(pd.Index(tasks))
    volumes = table["volume"].fillna(-1).to_numpy(np.int64)
    if (volumes[rows] < 0).any():
        task = tasks[int(np.argmax(volumes[rows] < 0))]
        raise VolumeError(f"task {task} has no volume; exclude it from the index")
    ancestors = ancestor_rows(table, settings.context_channels)[rows]
    sources, lists = _sources(table, rows, ancestors, settings.context, store)
    needed = np.unique(sources[lists >= 0])
    ids, slots = np.unique(volumes[needed], return_inverse=True)
    slot_of = np.zeros(len(table), np.int64)
    slot_of[needed] = slots
    shifts = _shifts(table, rows, sources, settings.context, store.geometry.factor)
    found = MaskSources(
        torch.from_numpy(slot_of[sources]).to(device),
        torch.from_numpy(shifts).to(device),
        lists,
    )
    return found, ids.tolist()


def segment_lists(
    table: pd.DataFrame, labels: str, device: torch.device
) -> SegmentLists:
    """Concatenate the segment ids of all seeds, then of all aggregates.

    Args:
        table: in the schema `TASK_INDEX`, one row per task.
        labels: of the truth; see `samples.SampleLoader.load`.
        device: where the ids are put.
    """
    lists = [np.asarray(ids, np.int64) for ids in (*table["seed"], *table["aggregate"])]
    length = np.array([len(ids) for ids in lists])
    ids = np.concatenate(lists)
    ids[(ids < 0) | (ids >= SEGMENT_IDS)] = 0
    weights = [np.asarray(agreed, np.float64) for agreed in table["aggregate_weights"]]
    levels = np.full(len(ids), CERTAIN, np.uint8)
    levels[length[: len(table)].sum() :] = certainty_levels(
        np.concatenate(weights), labels
    )
    return SegmentLists(
        np.cumsum(length) - length,
        length,
        torch.from_numpy(ids).to(device),
        torch.from_numpy(levels).to(device),
    )


def ancestor_rows(table: pd.DataFrame, count: int) -> NDArray[np.int64]:
    """Return the rows of each task's ancestors, as `Lineage.ancestors` finds them.

    Returns:
        (tasks, count) int64, the parent first; -1 from where there are no more.
    """
    parents = table["parent"].fillna(-1).to_numpy(np.int64)
    parent_row = pd.Index(table["task"]).get_indexer(pd.Index(parents))
    found = np.arange(len(table))[:, None]
    for _ in range(count):
        last = found[:, -1]
        above = np.where(last < 0, -1, parent_row[last])
        above[(found == above[:, None]).any(axis=1)] = -1  # the parents go in a circle
        found = np.column_stack([found, above])
    return found[:, 1:]


def _sources(
    table: pd.DataFrame,
    rows: NDArray[np.int64],
    ancestors: NDArray[np.int64],
    context: str,
    store: VolumeStore,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return which row of the table each mask comes from, and its list of segments.

    The lists are those of `segment_lists`: all seeds, then all aggregates.
    """
    from_context = ancestors[:, ::-1].copy()
    if is_leaked(context):
        from_context[:] = -1
        from_context[:, -1] = rows
    unknown = _without_volume(table, store)
    from_context[(from_context >= 0) & unknown[from_context]] = -1
    aggregates = np.where(from_context < 0, -1, len(table) + from_context)
    sources = np.column_stack([from_context, rows, rows])
    own = np.broadcast_to(rows[:, None], from_context.shape)
    sources[:, :-2] = np.where(from_context < 0, own, from_context)
    return sources, np.column_stack([aggregates, rows, len(table) + rows])


def _without_volume(table: pd.DataFrame, store: VolumeStore) -> NDArray[np.bool_]:
    """Return which tasks have no volume, or one that was never downloaded."""
    missing: NDArray[np.bool_] = table["volume"].isna().to_numpy(np.bool_, copy=True)
    for row in np.flatnonzero(~missing & table["excluded"].notna().to_numpy()):
        missing[row] = int(table["volume"].iloc[row]) not in store
    return missing


def _shifts(
    table: pd.DataFrame,
    rows: NDArray[np.int64],
    sources: NDArray[np.int64],
    context: str,
    factor: Edges,
) -> NDArray[np.int64]:
    """Return where the volume of each mask lies in the task's frame, coarse voxels.

    See `context_masks`, which rounds alike.
    A volume whose corner is unknown is put so far away that it reaches no task.
    """
    if context != "ancestors_registered":
        return np.zeros((*sources.shape, 3), np.int64)
    corners = (
        table[["min_z", "min_y", "min_x"]]
        .astype("Float64")
        .to_numpy(np.float64, na_value=np.nan)
    )
    steps = corners[sources] - corners[rows][:, None]
    shifts: NDArray[np.float64] = (steps + np.array(factor) // 2) // factor
    shifts[np.isnan(shifts).any(axis=-1)] = SEGMENT_IDS
    shifts[:, -2:] = 0
    whole: NDArray[np.int64] = shifts.astype(np.int64)
    return whole
