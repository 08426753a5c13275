"""A small ensemble that classifies contacts: one cell on both sides, or two."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from eyewire_validator.agglomeration.features import FEATURES, SEEN

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

    Args:
        features: how many describe a contact.

    Attributes:
        mean: (features,) float32 of the training contacts.
        deviation: (features,) float32, likewise.
        members: the perceptrons.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, features: int = len(FEATURES)) -> None:
        """Draw the weights from torch's generator."""
        super().__init__()
        self.register_buffer("mean", torch.zeros(features))
        self.register_buffer("deviation", torch.ones(features))
        self.members = nn.ModuleList(_perceptron(features) for _ in range(MEMBERS))

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
            features: (n, features) float32, such as `agglomeration.features.FEATURES`.

        Returns:
            (members, n) float32 logits that both sides belong together.
        """
        standard = self.standardize(features)
        return torch.stack([member(standard)[:, 0] for member in self.members])


def _perceptron(features: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(features, HIDDEN),
        nn.ReLU(),
        nn.Dropout(DROPOUT),
        nn.Linear(HIDDEN, HIDDEN),
        nn.ReLU(),
        nn.Dropout(DROPOUT),
        nn.Linear(HIDDEN, 1),
    )


def unlearned_second_look() -> ContactClassifier:
    """Return the perceptrons of a second look, which have learned nothing yet."""
    return ContactClassifier(len(SEEN))


def second_look_of(weights: Mapping[str, Tensor]) -> ContactClassifier:
    """Return the perceptrons of a second look with these weights.

    Raises:
        ValueError: they are of something else, or hold what is no finite number.
    """
    perceptrons = unlearned_second_look()
    try:
        perceptrons.load_state_dict(weights)
    except (RuntimeError, TypeError, AttributeError) as error:
        raise ValueError(f"second look: {error}") from None
    if not all(value.isfinite().all() for value in perceptrons.state_dict().values()):
        raise ValueError("second look: weights are not all finite numbers")
    return perceptrons.eval()
