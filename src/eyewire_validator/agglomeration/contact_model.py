"""The model of an agglomeration: what scores contacts, and the fitted membership."""

from functools import cached_property

import torch
from torch import Tensor, nn

from eyewire_validator.agglomeration.affinity_unet import AffinityUNet
from eyewire_validator.agglomeration.contact_classifier import ContactClassifier
from eyewire_validator.agglomeration.membership import LINKAGE_ALONE, Membership
from eyewire_validator.agglomeration.tissue_memberships import TissueMemberships
from eyewire_validator.config.families import AgglomerationSettings
from eyewire_validator.learning.tensor_files import weights_hash
from eyewire_validator.volumes.appearance import Appearance
from eyewire_validator.volumes.voxel_size import VoxelSize


class ContactModel(nn.Module):
    """A classifier, a network, or both, whose log odds are then averaged.

    Args:
        evidence: one of `families.EVIDENCE`.

    Attributes:
        membership_weights: (5,) float32, the numbers of `membership`.
        classifier: scores contacts by their features, if any.
        network: predicts affinities, which score contacts, if any.
        second_look: judges scored contacts again, if any, see `second_look`.
        learned_nm: edges of the voxels (z, y, x) in nm that it learned from; none if
            unknown.
        by_tissue: the memberships of several tissues; none if it has but one.
    """

    membership_weights: Tensor
    classifier: ContactClassifier | None
    network: AffinityUNet | None
    second_look: ContactClassifier | None
    learned_nm: VoxelSize | None = None
    by_tissue: TissueMemberships | None = None

    def __init__(self, evidence: str) -> None:
        """Draw the weights from torch's generator."""
        super().__init__()
        self.register_buffer("membership_weights", torch.tensor(LINKAGE_ALONE))
        self.classifier = None if evidence == "affinities" else ContactClassifier()
        self.network = None if evidence == "features" else AffinityUNet()
        self.second_look = None

    @classmethod
    def from_settings(cls, settings: AgglomerationSettings) -> "ContactModel":
        """Make the untrained model of an entry."""
        return cls(settings.evidence)

    @property
    def membership(self) -> Membership:
        """The logistic regression from linkage to membership."""
        return Membership(*self.membership_weights.tolist())

    @membership.setter
    def membership(self, fitted: Membership) -> None:
        self.membership_weights.copy_(torch.tensor(fitted))

    @cached_property
    def scored_by(self) -> str | None:
        """A hash of what scores contacts; none if a classifier does, too."""
        if self.network is None or self.classifier is not None:
            return None
        weights = self.network.state_dict()
        if self.second_look is not None:
            weights |= self.second_look.state_dict(prefix="second_look.")
        return weights_hash(weights)

    def membership_on(self, seen: Appearance, voxel_nm: VoxelSize | None) -> Membership:
        """Return the membership for a volume, by the tissue that it looks like.

        Args:
            seen: how the volume looks.
            voxel_nm: edges of its voxels (z, y, x) in nm, if known.
        """
        if self.by_tissue is None:
            return self.membership
        return self.by_tissue.on(seen, voxel_nm)
