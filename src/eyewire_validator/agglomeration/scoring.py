"""Score a volume's contacts and link its segments to a seed."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray

from eyewire_validator.agglomeration.affinities import contact_affinities
from eyewire_validator.agglomeration.contact_model import ContactModel
from eyewire_validator.agglomeration.contacts import describe_contacts
from eyewire_validator.agglomeration.linkage import HIGHEST, link
from eyewire_validator.agglomeration.membership import Membership
from eyewire_validator.config.families import AgglomerationSettings
from eyewire_validator.learning.devices import torch_threads
from eyewire_validator.tasks.context import rejected_segments
from eyewire_validator.tasks.lineage import Lineage, Task
from eyewire_validator.volumes.contacts import faces_with_seed
from eyewire_validator.volumes.store import SEGMENT_IDS, CoarseVolume, VolumeStore

# Volumes whose scored contacts are kept in memory; many tasks lie in the same one.
SCORED_VOLUMES = 64


@dataclass(frozen=True)
class ScoredContacts:
    """The contacts of a volume and their scores by each member of a model.

    Attributes:
        pairs: (n, 2) int64 segment ids.
        faces: (n,) int64 coarse faces.
        evidence: (members, n) float32 log odds that both sides belong together.
    """

    pairs: NDArray[np.int64]
    faces: NDArray[np.int64]
    evidence: NDArray[np.float32]

    def levels(self, seed: NDArray[np.int64]) -> NDArray[np.float32]:
        """Link the segments to the seed, by the scores of each member.

        Args:
            seed: (n,) ids of the segments that are given.

        Returns:
            (members, 65536) float32 log odds by segment id, see `link`.
        """
        return np.stack(
            [link(self.pairs, self.faces, one, seed) for one in self.evidence]
        )

    def seed_faces(self, seed: NDArray[np.int64]) -> NDArray[np.int64]:
        """Count the faces that each segment shares with the seed: (65536,) int64."""
        return faces_with_seed(self.pairs, self.faces, seed)


def score_contacts(
    model: ContactModel, volume: CoarseVolume, image: str
) -> ScoredContacts:
    """Score the contacts of a volume by each member of a model.

    Args:
        model: computes where its weights are. A member of both a classifier and a
            network takes the mean of both scores.
        volume: see `CoarseVolume`.
        image: as a classifier was trained, see `describe_contacts`.
    """
    evidence = []
    threads, device = torch.get_num_threads(), model.membership_weights.device
    # Both find the same contacts, in the same order.
    with torch_threads(1), torch.inference_mode():
        if model.network:
            pairs, faces, means = contact_affinities(model.network, volume, threads)
            evidence.append(means.clip(-HIGHEST, HIGHEST))
        if model.classifier:
            contacts = describe_contacts(volume, image)
            pairs, faces = contacts.pairs, contacts.faces
            logits = model.classifier(torch.from_numpy(contacts.features).to(device))
            evidence.append(logits.clamp(-HIGHEST, HIGHEST).cpu().numpy())
    return ScoredContacts(pairs, faces, np.mean(evidence, axis=0, dtype=np.float32))


@dataclass(frozen=True)
class Linked:
    """Evidence on the segments of a task's volume, by segment id.

    Attributes:
        levels: (members, 65536) float32 log odds of the linkage, see `link`.
        seed_faces: (65536,) int64 coarse faces that each shares with the seed.
        rejected: (65536,) bool, whether the ancestors saw it and did not choose it.
    """

    levels: NDArray[np.float32]
    seed_faces: NDArray[np.int64]
    rejected: NDArray[np.bool_]

    @classmethod
    def make(cls, contacts: ScoredContacts, seed: NDArray[np.int64]) -> "Linked":
        """Link the segments to a seed; none is rejected.

        Args:
            contacts: those of the volume.
            seed: (n,) ids of the segments that are given.
        """
        none = np.zeros(SEGMENT_IDS, np.bool_)
        return cls(contacts.levels(seed), contacts.seed_faces(seed), none)

    def with_rejected(self, rejected: NDArray[np.int64]) -> "Linked":
        """Return the same evidence, with these segments rejected by the ancestors."""
        flags = np.zeros(SEGMENT_IDS, np.bool_)
        flags[rejected] = True
        return replace(self, rejected=flags)

    def members(self, membership: Membership) -> NDArray[np.float32]:
        """Return each member's probability of membership of the segments.

        Returns:
            (members, 65536) float32 by segment id: 1 for the seed, 0 for what no
            contacts lead to.
        """
        return membership.probability(self.levels, self.seed_faces, self.rejected)


def linker(
    model: ContactModel, store: VolumeStore, settings: AgglomerationSettings
) -> Callable[[Task, Lineage], Linked]:
    """Return a function that links the segments of a task's volume to its seed.

    Args:
        model: scores contacts.
        store: the volumes; the scored contacts of the last ones are kept.
        settings: of its checkpoint: image and context.
    """
    scored = lru_cache(SCORED_VOLUMES)(
        lambda volume: score_contacts(model, store.get(volume), settings.image)
    )

    # A leak audit asks for the same task again and again.
    linked = lru_cache(1)(
        lambda volume, seed: Linked.make(scored(volume), np.array(seed, np.int64))
    )

    def link_task(task: Task, lineage: Lineage) -> Linked:
        ancestors = [] if settings.context == "none" else lineage.ancestors(task)
        found: Linked = linked(task.volume_id, tuple(task.seed.tolist()))
        return found.with_rejected(rejected_segments(task, ancestors, store))

    return link_task
