"""Answer tasks by agglomeration: with the segments that linkage joins to the seed."""

from collections.abc import Callable
from functools import partial
from typing import cast

import numpy as np
from numpy.typing import NDArray

from eyewire_validator.agglomeration.contact_model import ContactModel
from eyewire_validator.agglomeration.scoring import linker
from eyewire_validator.answers import (
    Answer,
    MakeAnswerer,
    Resources,
    answer_in_segments,
)
from eyewire_validator.config.families import AgglomerationSettings
from eyewire_validator.tasks.answering import answer_in_lineage
from eyewire_validator.tasks.lineage import Lineage, Task
from eyewire_validator.volumes.store import SEGMENT_IDS, VolumeStore


def agglomeration_answerer(
    settings: AgglomerationSettings, resources: Resources
) -> MakeAnswerer:
    """Make the answerer of a trained agglomeration."""
    model = cast(ContactModel, resources.module)
    return partial(answer_in_lineage, agglomerate(model, resources.store, settings))


def agglomerate(
    model: ContactModel, store: VolumeStore, settings: AgglomerationSettings
) -> Callable[[Task, Lineage], Answer]:
    """Return what answers a task that has a volume, by the mean of the members.

    Args:
        model: scores contacts.
        store: the volumes.
        settings: those that the model was trained with.
    """
    linked = linker(model, store, settings)

    def answer(task: Task, lineage: Lineage) -> Answer:
        found = linked(task, lineage)
        seen = found.contacts
        membership = model.membership_on(seen.looks, seen.voxel_nm)
        members = by_segment_id(found.segments, found.members(membership), task.seed)
        segmentation = store.get(task.volume_id).segmentation
        return answer_in_segments(
            segmentation, task.seed, members.mean(axis=0), members
        )

    return answer


def by_segment_id(
    segments: NDArray[np.int64],
    members: NDArray[np.float32],
    seed: NDArray[np.int64],
) -> NDArray[np.float32]:
    """Put probabilities where an answer has them.

    Args:
        segments: (n,) ids.
        members: (members, n) float32 probabilities.
        seed: (m,) ids whose probability is 1.

    Returns:
        (members, 65536) float32 by segment id; 0 for all other segments.
    """
    found = np.zeros((len(members), SEGMENT_IDS), np.float32)
    found[:, segments] = members
    found[:, seed] = 1
    return found
