"""Baselines that look at masks alone, and the best mask there can be.

All take tasks that have a volume, as those of a split do.
"""

from collections.abc import Sequence
from functools import partial

import numpy as np
import scipy
from numpy.typing import NDArray

from eyewire_validator.answers import (
    Answer,
    MakeAnswerer,
    Resources,
    answer_in_segments,
    no_segments,
)
from eyewire_validator.config.families import DilatedSeedSettings, ModelSettings
from eyewire_validator.tasks.answering import answer_in_lineage, answer_tasks
from eyewire_validator.tasks.context import context_masks
from eyewire_validator.tasks.lineage import Lineage, Task
from eyewire_validator.volumes.store import VolumeStore


def empty(_: ModelSettings, resources: Resources) -> MakeAnswerer:
    """Answer nothing, not even the seed."""
    shape = resources.store.geometry.coarse_shape

    def answer(task: Task) -> Answer:
        return Answer(np.zeros(shape, np.float32), segments=no_segments())

    return partial(answer_tasks, answer)


def seed_only(_: ModelSettings, resources: Resources) -> MakeAnswerer:
    """Answer the seed and nothing beyond it: the floor that a model must beat."""
    return partial(answer_tasks, lambda task: answer_given(task, [], resources.store))


def copy_previous(_: ModelSettings, resources: Resources) -> MakeAnswerer:
    """Answer the seed, and what the ancestors' aggregates say where volumes overlap.

    All known ancestors count, with their aggregates, not with answers of a model.
    """
    store = resources.store

    def answer(task: Task, lineage: Lineage) -> Answer:
        ancestors = lineage.ancestors(task)
        copied = context_masks(
            "ancestors_registered", task, ancestors, store, len(ancestors)
        )
        seed = store.get(task.volume_id).mask(task.seed)
        return _answer(seed | copied.any(axis=0))

    return partial(answer_in_lineage, answer)


def dilated_seed(settings: DilatedSeedSettings, resources: Resources) -> MakeAnswerer:
    """Answer the seed grown by some coarse voxels, in steps across faces."""

    def answer(task: Task) -> Answer:
        seed = resources.store.get(task.volume_id).mask(task.seed)
        dilate = scipy.ndimage.binary_dilation
        return _answer(dilate(seed, iterations=settings.dilation))

    return partial(answer_tasks, answer)


def perfect_mask(_: ModelSettings, resources: Resources) -> MakeAnswerer:
    """Answer the coarse mask of the aggregate: what no coarse mask can beat.

    A reference: it knows the truth.
    """

    def answer(task: Task) -> Answer:
        return _answer(resources.store.get(task.volume_id).mask(task.aggregate))

    return partial(answer_tasks, answer)


def answer_given(
    task: Task, segments: Sequence[int] | NDArray[np.int64], store: VolumeStore
) -> Answer:
    """Answer with these segments, without any doubt, and with the seed's voxels."""
    probability = no_segments()
    probability[segments] = 1
    return answer_in_segments(
        store.get(task.volume_id).segmentation, task.seed, probability
    )


def _answer(mask: NDArray[np.bool_]) -> Answer:
    return Answer(mask.astype(np.float32))
