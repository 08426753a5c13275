"""Answers of a contact classifier: what mean linkage joins to the seed."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray

from eyewire_validator.agglomeration.contacts import describe_contacts
from eyewire_validator.agglomeration.linkage import link
from eyewire_validator.answerers.floods import Graph, flood
from eyewire_validator.answers import Answer, answer_in_segments
from eyewire_validator.devices import torch_threads
from eyewire_validator.lineage import Task
from eyewire_validator.models.contact_classifier import ContactClassifier
from eyewire_validator.models.settings import ModelSettings
from eyewire_validator.volume_store import CoarseVolume, VolumeStore

# Volumes whose judged contacts are kept in memory; many tasks lie in the same one.
GRAPHS = 64


@dataclass(frozen=True)
class JudgedContacts:
    """The contacts of a volume, and what each member of a classifier says of them.

    Attributes:
        pairs: (n, 2) int64 segment ids.
        faces: (n,) int64 coarse faces.
        probability: (members, n) float32 that both sides belong together.
    """

    pairs: NDArray[np.int64]
    faces: NDArray[np.int64]
    probability: NDArray[np.float32]

    def members(self, seed: NDArray[np.int64], linkage: str) -> NDArray[np.float32]:
        """Return what each member answers: (members, 65536) float32 by segment id.

        Args:
            seed: (n,) ids of the segments that are given.
            linkage: one of `models.settings.LINKAGES`.
        """
        if linkage == "single":
            graphs = [Graph(self.pairs, one) for one in self.probability]
            return np.stack([flood(graph, seed) for graph in graphs])
        return np.stack(
            [link(self.pairs, self.faces, one, seed) for one in self.probability]
        )


def judge(model: ContactClassifier, volume: CoarseVolume, image: str) -> JudgedContacts:
    """Let each member of a classifier judge the contacts of a volume.

    Args:
        model: the classifier, on the CPU.
        volume: see `CoarseVolume`.
        image: as the classifier was trained, see `describe_contacts`.
    """
    contacts = describe_contacts(volume, image)
    with torch_threads(1), torch.inference_mode():
        logits = model(torch.from_numpy(contacts.features))
    probability = torch.sigmoid(logits).numpy()
    return JudgedContacts(contacts.pairs, contacts.faces, probability)


def agglomerate(
    model: ContactClassifier, store: VolumeStore, settings: ModelSettings
) -> Callable[[Task], Answer]:
    """Return what answers a task that has a volume, by the mean of the members.

    Args:
        model: the classifier, on the CPU.
        store: the volumes.
        settings: of its checkpoint: image and linkage.
    """
    judged = lru_cache(GRAPHS)(
        lambda volume: judge(model, store.get(volume), settings.image)
    )

    def answer(task: Task) -> Answer:
        members = judged(task.place).members(task.seed, settings.linkage)
        segmentation = store.get(task.place).segmentation
        return answer_in_segments(
            segmentation, task.seed, members.mean(axis=0), members
        )

    return answer
