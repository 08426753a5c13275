"""Context of a task: the answers to its ancestors, as channels or as segments.

A context is a stack of masks, (channels, z, y, x), the nearest ancestor last.

* ``none``: no channels.
* ``ancestors``: the aggregates of the nearest ancestors, each in the frame of its own
  volume, as the published README describes.
* ``ancestors_registered``: the same, shifted into the task's frame by whole coarse
  voxels; 0 where an ancestor's volume does not reach.
* ``published``: LEAKED. Zeros and, last, the task's own aggregate, as the published
  code had it by accident. It holds the answer, and exists to reproduce the published
  numbers; everything made with it is to be marked.

Only ``published`` looks at the task's own aggregate.

Models that answer in segments take `rejected_segments`.
"""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from eyewire_validator.config.families import LEAKED_CONTEXT
from eyewire_validator.tasks.lineage import Task
from eyewire_validator.volumes.geometry import shift_into_frame
from eyewire_validator.volumes.store import VolumeStore

# Ancestors saw a segment if at least this share of its voxels lies in their volumes.
SEEN = 0.1


def is_leaked(context: str) -> bool:
    """Return whether the context holds the task's own answer."""
    return context == LEAKED_CONTEXT


def context_masks(
    context: str,
    task: Task,
    ancestors: Sequence[Task],
    store: VolumeStore,
    channels: int,
) -> NDArray[np.bool_]:
    """Return the context channels of a task.

    Args:
        context: one of `CONTEXTS`.
        task: the task that is to be answered.
        ancestors: its known ancestors, the parent first; further ones are ignored.
        store: has the volumes.
        channels: masks to return.

    Returns:
        (channels, z, y, x) bool, the nearest ancestor last; channels without an
        ancestor come first and are all 0.
    """
    masks = np.zeros((channels, *store.geometry.coarse_shape), np.bool_)
    if is_leaked(context):
        masks[-1] = store.get(task.volume_id).mask(task.aggregate)
    elif channels:
        mask_of = _MASKS[context]
        for back, ancestor in enumerate(ancestors[:channels], start=1):
            masks[-back] = mask_of(task, ancestor, store)
    return masks


def rejected_segments(
    task: Task, ancestors: Sequence[Task], store: VolumeStore
) -> NDArray[np.int64]:
    """Return the segments that the ancestors saw and rejected.

    These are segments of which the ancestors' volumes hold a tenth or more, and their
    answers less than half of that; never those of the seed.

    Args:
        task: a task that has a volume.
        ancestors: those in the index; without volume or answer they reject nothing.
        store: has the volumes.

    Returns:
        (n,) int64 segment ids of the task's volume, ascending.
    """
    seen, chosen = np.zeros((2, *store.geometry.coarse_shape), np.bool_)
    for ancestor in ancestors:
        if _is_there(ancestor, store) and len(ancestor.aggregate):
            answer = [*ancestor.seed, *ancestor.aggregate]
            mask = store.get(ancestor.volume_id).mask(answer)
            seen |= _register(np.ones_like(mask), task, ancestor, store)
            chosen |= _register(mask, task, ancestor, store)
    if not seen.any():
        return np.empty(0, np.int64)
    coverage = store.coverage(task.volume_id)
    of_seen, of_chosen = coverage.mean(np.stack([seen, chosen]).astype(np.float32)).T
    segments = coverage.segments["segment"].to_numpy()
    left_out = segments[(of_seen >= SEEN) & (of_chosen < of_seen / 2)]
    return np.setdiff1d(left_out, task.seed)


def _aggregate(task: Task, ancestor: Task, store: VolumeStore) -> NDArray[np.bool_]:
    """Mask an ancestor's answer in the ancestor's own frame."""
    if not _is_there(ancestor, store):
        return np.zeros(store.geometry.coarse_shape, np.bool_)
    return store.get(ancestor.volume_id).mask(ancestor.aggregate)


def _is_there(ancestor: Task, store: VolumeStore) -> bool:
    """Return whether it has a volume; that of an excluded task may not be fetched."""
    return ancestor.volume is not None and (
        not ancestor.excluded or ancestor.volume in store
    )


def _registered_aggregate(
    task: Task, ancestor: Task, store: VolumeStore
) -> NDArray[np.bool_]:
    """Mask an ancestor's answer in the task's frame."""
    return _register(_aggregate(task, ancestor, store), task, ancestor, store)


def _register(
    mask: NDArray[np.bool_], task: Task, ancestor: Task, store: VolumeStore
) -> NDArray[np.bool_]:
    """Shift a mask from an ancestor's frame into the task's, to the nearest voxel."""
    if task.corner is None or ancestor.corner is None:
        return np.zeros_like(mask)
    z, y, x = (
        (theirs - ours + factor // 2) // factor
        for ours, theirs, factor in zip(
            task.corner, ancestor.corner, store.geometry.factor, strict=True
        )
    )
    return shift_into_frame(mask, (z, y, x)).astype(np.bool_)


_MASKS: dict[str, Callable[[Task, Task, VolumeStore], NDArray[np.bool_]]] = {
    "ancestors": _aggregate,
    "ancestors_registered": _registered_aggregate,
}
