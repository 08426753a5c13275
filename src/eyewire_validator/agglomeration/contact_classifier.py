"""A small ensemble that says whether both sides of a contact belong together."""

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
    """Perceptrons of two hidden layers, each trained from a start of its own.

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
        """Take mean and deviation from (n, features) float32, n at least 2."""
        self.mean.copy_(features.mean(0))
        self.deviation.copy_(features.std(0).clamp(min=1e-6))

    def standardize(self, features: Tensor) -> Tensor:
        """Turn (n, features) into what the members take."""
        far = (features - self.mean) / self.deviation
        return far.clamp(-FARTHEST, FARTHEST)

    def forward(self, features: Tensor) -> Tensor:
        """Judge contacts.

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
