"""A small ensemble that classifies contacts: one cell on both sides, or two."""

import torch
from torch import Tensor, nn

from eyewire_validator.agglomeration.features import FEATURES

# How many answer: perceptrons, and turns of the volume that the U-Net is shown.
MEMBERS = 8
HIDDEN = 64
DROPOUT = 0.2

# Features further from the mean than this many deviations are cut off: a segment larger
# than all in training is just large.
FARTHEST = 4.0


class ContactClassifier(nn.Module):
    """Perceptrons of two hidden layers, each trained from other first weights.

    They are kept apart up to the answer: where they disagree, the model does not know.

    Attributes:
        mean: (features,) float32 of the training contacts.
        deviation: (features,) float32, likewise.
        members: the perceptrons.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self) -> None:
        """Draw the weights from torch's generator."""
        super().__init__()
        self.register_buffer("mean", torch.zeros(len(FEATURES)))
        self.register_buffer("deviation", torch.ones(len(FEATURES)))
        self.members = nn.ModuleList(_perceptron() for _ in range(MEMBERS))

    def standardize_by(self, features: Tensor) -> None:
        """Set mean and deviation to those of (n, features) float32, n at least 2."""
        self.mean.copy_(features.mean(0))
        self.deviation.copy_(features.std(0).clamp(min=1e-6))

    def standardize(self, features: Tensor) -> Tensor:
        """Standardize (n, features) float32, and cut off what lies too far out."""
        far = (features - self.mean) / self.deviation
        return far.clamp(-FARTHEST, FARTHEST)

    def forward(self, features: Tensor) -> Tensor:
        """Classify contacts.

        Args:
            features: (n, features) float32, see `agglomeration.features.FEATURES`.

        Returns:
            (members, n) float32 logits that both sides belong together.
        """
        standard = self.standardize(features)
        return torch.stack([member(standard)[:, 0] for member in self.members])


def _perceptron() -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(len(FEATURES), HIDDEN),
        nn.ReLU(),
        nn.Dropout(DROPOUT),
        nn.Linear(HIDDEN, HIDDEN),
        nn.ReLU(),
        nn.Dropout(DROPOUT),
        nn.Linear(HIDDEN, 1),
    )
