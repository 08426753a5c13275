"""What judges the contacts of an agglomeration, and weighs linkage against the rest."""

import torch
from torch import Tensor, nn

from eyewire_validator.agglomeration.affinity_unet import AffinityUNet
from eyewire_validator.agglomeration.contact_classifier import ContactClassifier
from eyewire_validator.agglomeration.membership import LINKAGE_ALONE


class ContactJudge(nn.Module):
    """A classifier, a network, or both, whose log odds are then averaged.

    Args:
        evidence: one of `settings.EVIDENCE`.

    Attributes:
        attachment: (4,) float32, an `agglomeration.attachment.Attachment`.
        classifier: judges by features of a contact, if any.
        network: judges by affinities, if any.
    """

    attachment: Tensor
    classifier: ContactClassifier | None
    network: AffinityUNet | None

    def __init__(self, evidence: str) -> None:
        """Draw the weights from torch's generator."""
        super().__init__()
        self.register_buffer("attachment", torch.tensor(LINKAGE_ALONE))
        self.classifier = None if evidence == "affinities" else ContactClassifier()
        self.network = None if evidence == "features" else AffinityUNet()
