"""Define what sigma means: the methods by which a network says how sure it is.

A network gives each voxel a logit and a sigma of at least 1, in logit units. A method
says which probability they stand for, and so by which loss they are learned.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from eyewire_validator.voxel_network.loss import (
    monte_carlo_loss,
    sampled_logit_loss,
    scaled_logit_loss,
)
from eyewire_validator.voxel_network.quadrature import mean_probability

Loss = Callable[[Tensor, Tensor, Tensor], Tensor]
NoisyLoss = Callable[[Tensor, Tensor, Tensor, torch.Generator], Tensor]


@dataclass(frozen=True)
class Uncertainty:
    """A meaning of sigma; logits, sigma and truth are (n, 1, z, y, x) float.

    Attributes:
        name: one of `config.families.UNCERTAINTIES`.
        probability: of logits and sigma, that a voxel belongs to the answer.
        loss: of logits, sigma and truth (0 to 1), one value a task, in nats; the same
            every time.
        training_loss: the same, by which training learns, given a generator on the
            tensors' device; only a loss of random samples draws from it.
        starts_sure: whether training starts from a sigma close to 1. Where sigma has
            no price, a short training would let noise explain everything, and learn
            nothing else.
    """

    name: str
    probability: Callable[[Tensor, Tensor], Tensor]
    loss: Loss
    training_loss: NoisyLoss
    starts_sure: bool


def scaled_probability(logits: Tensor, sigma: Tensor) -> Tensor:
    """Return ``sigmoid(logits / sigma)``, the published probability."""
    return torch.sigmoid(logits / sigma)


def _without_noise(loss: Loss) -> NoisyLoss:
    return lambda logits, sigma, truth, noise: loss(logits, sigma, truth)


METHODS = {
    method.name: method
    for method in (
        Uncertainty(
            "scaled_logit",
            scaled_probability,
            scaled_logit_loss,
            _without_noise(scaled_logit_loss),
            starts_sure=False,
        ),
        Uncertainty(
            "sampled_logit",
            mean_probability,
            sampled_logit_loss,
            _without_noise(sampled_logit_loss),
            starts_sure=True,
        ),
        Uncertainty(
            "sampled_logit_monte_carlo",
            mean_probability,
            sampled_logit_loss,
            monte_carlo_loss,
            starts_sure=True,
        ),
    )
}
