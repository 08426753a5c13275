"""Answers of an agglomeration: what linkage joins to the seed."""

from collections.abc import Callable

from eyewire_validator.agglomeration.contact_model import ContactModel
from eyewire_validator.agglomeration.scoring import linker
from eyewire_validator.answers import Answer, answer_in_segments
from eyewire_validator.config.settings import ModelSettings
from eyewire_validator.tasks.lineage import Lineage, Task
from eyewire_validator.volumes.store import VolumeStore


def agglomerate(
    model: ContactModel, store: VolumeStore, settings: ModelSettings
) -> Callable[[Task, Lineage], Answer]:
    """Return what answers a task that has a volume, by the mean of the members.

    Args:
        model: what judges contacts, on the CPU.
        store: the volumes.
        settings: of its checkpoint: image and context.
    """
    linked = linker(model, store, settings)

    def answer(task: Task, lineage: Lineage) -> Answer:
        members = linked(task, lineage).members(model.membership)
        segmentation = store.get(task.volume_id).segmentation
        return answer_in_segments(
            segmentation, task.seed, members.mean(axis=0), members
        )

    return answer
