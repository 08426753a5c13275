"""Baselines that look at masks alone, and the best mask there can be.

All take tasks that have a volume, as those of a split do.
"""

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_dilation

from eyewire_validator.answers import Answer, answer_in_segments, no_segments
from eyewire_validator.errors import ModelError
from eyewire_validator.tasks.context import context_masks
from eyewire_validator.tasks.lineage import Lineage, Task
from eyewire_validator.volumes.store import VolumeStore


def empty(task: Task, store: VolumeStore) -> Answer:
    """Answer nothing, not even the seed."""
    nothing = np.zeros(store.geometry.coarse_shape, np.float32)
    return Answer(nothing, segments=no_segments())


def seed_only(task: Task, store: VolumeStore) -> Answer:
    """Answer the seed and nothing beyond it: the floor that a model must beat."""
    return answer_given(task, [], store)


def copy_previous(task: Task, store: VolumeStore, lineage: Lineage) -> Answer:
    """Answer the seed, and what the ancestors' aggregates say where volumes overlap.

    All known ancestors count, with their aggregates, not with answers of a model.
    """
    ancestors = lineage.ancestors(task)
    copied = context_masks(
        "ancestors_registered", task, ancestors, store, len(ancestors)
    )
    seed = store.get(task.volume_id).mask(task.seed)
    return _answer(seed | copied.any(axis=0))


def dilated_seed(store: VolumeStore, dilation: int) -> Callable[[Task], Answer]:
    """Answer the seed grown by ``dilation`` coarse voxels, in steps across faces.

    Raises:
        ModelError: there is nothing to grow by.
    """
    if dilation < 1:
        raise ModelError(
            f"a dilated seed with dilation {dilation} is none; expected 1 or more, or "
            "kind seed_only"
        )
    return partial(_dilate, store=store, dilation=dilation)


def perfect_mask(task: Task, store: VolumeStore) -> Answer:
    """Answer the coarse mask of the aggregate: what no coarse mask can beat.

    A reference: it knows the truth.
    """
    return _answer(store.get(task.volume_id).mask(task.aggregate))


def answer_given(
    task: Task, segments: Sequence[int] | NDArray[np.int64], store: VolumeStore
) -> Answer:
    """Answer with these segments, without any doubt, and with the seed's voxels."""
    probability = no_segments()
    probability[segments] = 1
    return answer_in_segments(
        store.get(task.volume_id).segmentation, task.seed, probability
    )


def _dilate(task: Task, store: VolumeStore, dilation: int) -> Answer:
    seed = store.get(task.volume_id).mask(task.seed)
    return _answer(binary_dilation(seed, iterations=dilation))


def _answer(mask: NDArray[np.bool_]) -> Answer:
    return Answer(mask.astype(np.float32))
