"""Answers of an agglomeration: what linkage joins to the seed."""

from collections.abc import Callable

from eyewire_validator.agglomeration.contact_model import ContactJudge
from eyewire_validator.agglomeration.membership import LINKAGE_ALONE, Attachment
from eyewire_validator.agglomeration.scoring import linker
from eyewire_validator.answers import Answer, answer_in_segments
from eyewire_validator.config.settings import ModelSettings
from eyewire_validator.tasks.lineage import Lineage, Task
from eyewire_validator.volumes.store import VolumeStore


def attachment_of(model: ContactJudge, settings: ModelSettings) -> Attachment:
    """Return how probability follows from linkage, alone if the settings say so."""
    if not settings.attachment:
        return LINKAGE_ALONE
    return Attachment(*model.attachment.tolist())


def agglomerate(
    model: ContactJudge, store: VolumeStore, settings: ModelSettings
) -> Callable[[Task, Lineage], Answer]:
    """Return what answers a task that has a volume, by the mean of the members.

    Args:
        model: what judges contacts, on the CPU.
        store: the volumes.
        settings: of its checkpoint: image, context, linkage and attachment.
    """
    linked, attachment = linker(model, store, settings), attachment_of(model, settings)

    def answer(task: Task, lineage: Lineage) -> Answer:
        members = linked(task, lineage).members(attachment)
        segmentation = store.get(task.place).segmentation
        return answer_in_segments(
            segmentation, task.seed, members.mean(axis=0), members
        )

    return answer
