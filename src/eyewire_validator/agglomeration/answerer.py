"""Answer tasks by agglomeration: with the segments that linkage joins to the seed."""

from collections.abc import Callable
from functools import partial
from typing import cast

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
from eyewire_validator.volumes.store import VolumeStore


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
        members = linked(task, lineage).members(model.membership)
        segmentation = store.get(task.volume_id).segmentation
        return answer_in_segments(
            segmentation, task.seed, members.mean(axis=0), members
        )

    return answer
