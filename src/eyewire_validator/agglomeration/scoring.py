"""Score a volume's contacts and link its segments to a seed."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

import numpy as np
import torch
from numpy.typing import NDArray

from eyewire_validator.agglomeration.affinities import contact_affinities
from eyewire_validator.agglomeration.contact_classifier import ContactClassifier
from eyewire_validator.agglomeration.contact_model import ContactModel
from eyewire_validator.agglomeration.contact_shapes import describe_shapes
from eyewire_validator.agglomeration.contacts import describe_contacts
from eyewire_validator.agglomeration.kept_contacts import fine_contacts_by
from eyewire_validator.agglomeration.linkage import HIGHEST, Linkage
from eyewire_validator.agglomeration.membership import (
    Joined,
    Membership,
    company_of,
)
from eyewire_validator.agglomeration.second_look import look_again
from eyewire_validator.config.families import AgglomerationSettings
from eyewire_validator.errors import ModelError
from eyewire_validator.learning.devices import torch_threads
from eyewire_validator.tasks.context import rejected_segments
from eyewire_validator.tasks.lineage import Lineage, Task
from eyewire_validator.volumes.appearance import Appearance
from eyewire_validator.volumes.contacts import area_with_seed
from eyewire_validator.volumes.fine_contacts import FineContacts
from eyewire_validator.volumes.store import CoarseVolume, VolumeStore
from eyewire_validator.volumes.voxel_size import VoxelSize

# Volumes whose scored contacts are kept in memory; many tasks lie in the same one.
SCORED_VOLUMES = 64
# Symmetries in which the network sees a raw volume: it is 64 times as large.
FINE_MEMBERS = 2


@dataclass(frozen=True)
class ScoredContacts:
    """The contacts of a volume and their scores by each member of a model.

    Attributes:
        pairs: (n, 2) int64 segment ids, the lower one first, ascending.
        area: (n,) float64, see `volumes.contacts`.
        evidence: (members, n) float32 log odds that both sides belong together.
        looks: of the volume in which they were scored.
        voxel_nm: edges of its voxels (z, y, x) in nm; none if unknown.
    """

    pairs: NDArray[np.int64]
    area: NDArray[np.float64]
    evidence: NDArray[np.float32]
    looks: Appearance
    voxel_nm: VoxelSize | None

    def looked_at_again(
        self, perceptrons: ContactClassifier | None, volume: CoarseVolume
    ) -> "ScoredContacts":
        """Return the same contacts by the second look; without one, as they are."""
        if perceptrons is None:
            return self
        evidence = look_again(perceptrons, describe_shapes(volume), self.evidence)
        return replace(self, evidence=evidence)

    @cached_property
    def linkage(self) -> Linkage:
        """The contacts prepared to be joined, once for all seeds."""
        return Linkage.prepare(self.pairs, self.area, self.evidence)

    @cached_property
    def surface(self) -> NDArray[np.float64]:
        """The area that each of `Linkage.segments` shares with all others."""
        by_id = np.bincount(self.pairs.ravel(), self.area.repeat(2), minlength=1)
        return np.asarray(by_id[self.linkage.segments], np.float64)


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
            pairs, area, means = contact_affinities(
                model.network, volume, threads, model.learned_nm
            )
            evidence.append(means.clip(-HIGHEST, HIGHEST))
        if model.classifier:
            contacts = describe_contacts(volume, image)
            pairs, area = contacts.pairs, contacts.area
            logits = model.classifier(torch.from_numpy(contacts.features).to(device))
            evidence.append(logits.clamp(-HIGHEST, HIGHEST).cpu().numpy())
    mean: NDArray[np.float32] = np.mean(evidence, axis=0, dtype=np.float32)
    looks = Appearance.of(volume)
    scored = ScoredContacts(pairs, area, mean, looks, volume.voxel_nm)
    return scored.looked_at_again(model.second_look, volume)


def score_finely(
    model: ContactModel,
    image: NDArray[np.uint8],
    segmentation: NDArray[np.uint16],
    voxel_nm: VoxelSize | None,
    threads: int,
) -> FineContacts:
    """Score the contacts of a raw volume, while it is in hand.

    Args:
        model: a network alone; it computes where its weights are.
        image: (z, y, x) grey values.
        segmentation: (z, y, x) segment ids, 0 is nothing.
        voxel_nm: edges of a voxel (z, y, x) in nm; none if unknown.
        threads: share the symmetries.

    Raises:
        ModelError: a classifier scores contacts, too: it knows coarse voxels.
    """
    if model.network is None or model.scored_by is None:
        raise ModelError(
            "volumes.evidence: its checkpoint scores contacts by features, which are "
            "of coarse voxels; name one with `evidence: affinities`"
        )
    volume = CoarseVolume(image, segmentation, voxel_nm)
    with torch_threads(1):
        pairs, area, means = contact_affinities(
            model.network, volume, threads, model.learned_nm, FINE_MEMBERS
        )
    looks = Appearance.of(volume)
    first = ScoredContacts(pairs, area, means.clip(-HIGHEST, HIGHEST), looks, voxel_nm)
    evidence = first.looked_at_again(model.second_look, volume).evidence
    return FineContacts(pairs, area, evidence, looks, voxel_nm, model.scored_by)


def scored_contacts(
    model: ContactModel, store: VolumeStore, volume: int, image: str
) -> ScoredContacts:
    """Return the contacts of a volume, as its files have them, or score them.

    Args:
        model: see `score_contacts`.
        store: the volumes.
        volume: its id.
        image: see `score_contacts`.
    """
    fine = fine_contacts_by(model, store, volume)
    if fine:
        return ScoredContacts(*fine[:-1])
    return score_contacts(model, store.get(volume), image)


@dataclass(frozen=True)
class Linked:
    """Evidence on the segments of a task's volume that touch another one.

    Attributes:
        segments: (n,) int64 ids, ascending.
        joined: how they are joined to the seed, by each member; see `Linkage.levels`.
        contacts: all those of the volume.
    """

    segments: NDArray[np.int64]
    joined: Joined
    contacts: ScoredContacts

    @classmethod
    def make(cls, contacts: ScoredContacts, seed: NDArray[np.int64]) -> "Linked":
        """Link the segments to a seed; none is rejected.

        Args:
            contacts: those of the volume.
            seed: (n,) ids of the segments that are given.
        """
        segments = contacts.linkage.segments
        area = area_with_seed(contacts.pairs, contacts.area, seed)[segments]
        levels, surface = contacts.linkage.levels(seed), contacts.surface
        company = company_of(levels, surface, surface[np.isin(segments, seed)].sum())
        none = np.zeros(len(segments), np.bool_)
        return cls(segments, Joined(levels, company, area, none), contacts)

    def with_rejected(self, rejected: NDArray[np.int64]) -> "Linked":
        """Return the same evidence, with these segments rejected by the ancestors."""
        joined = self.joined._replace(rejected=np.isin(self.segments, rejected))
        return replace(self, joined=joined)

    def members(self, membership: Membership) -> NDArray[np.float32]:
        """Return each member's probability of membership of the segments.

        Returns:
            (members, n) float32: 1 for the seed, 0 for what no contacts lead to.
        """
        return membership.probability(self.joined)


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
        lambda volume: scored_contacts(model, store, volume, settings.image)
    )
    return linker_of(scored, store, settings)


def linker_of(
    scored: Callable[[int], ScoredContacts],
    store: VolumeStore,
    settings: AgglomerationSettings,
) -> Callable[[Task, Lineage], Linked]:
    """Return the same of contacts that are scored already.

    Args:
        scored: returns the contacts of a volume.
        store: the volumes.
        settings: of which the context counts.
    """
    # A leak audit asks for the same task again and again.
    linked = lru_cache(1)(
        lambda volume, seed: Linked.make(scored(volume), np.array(seed, np.int64))
    )

    def link_task(task: Task, lineage: Lineage) -> Linked:
        ancestors = [] if settings.context == "none" else lineage.ancestors(task)
        found: Linked = linked(task.volume_id, tuple(task.seed.tolist()))
        return found.with_rejected(rejected_segments(task, ancestors, store))

    return link_task
