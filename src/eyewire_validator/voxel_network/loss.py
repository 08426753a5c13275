"""Compute the loss of an answer that comes with an uncertainty.

Each takes logits and sigma as a `Network` gives them, (n, 1, z, y, x) float, and the
truth of the same shape: 0 or 1, or anything between as a fraction of players. Each
returns one value a task, (n,), the mean over its voxels.
"""

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from eyewire_validator.voxel_network.quadrature import SURE, log_probabilities

# Random logits that `monte_carlo_loss` draws for each voxel: as many as the quadrature
# looks at.
MONTE_CARLO_SAMPLES = 18


def scaled_logit_loss(logits: Tensor, sigma: Tensor, truth: Tensor) -> Tensor:
    """Return the mean of ``BCE(logits / sigma, truth) + log(sigma)``, in nats.

    This carries the form of Kendall & Gal's heteroscedastic regression loss (2017,
    "What uncertainties do we need in Bayesian deep learning for computer vision?",
    equation 5: a residual divided by sigma, plus log sigma) over to logits. It is not
    their classification loss (equation 12), which is `sampled_logit_loss`.

    It cannot learn an uncertainty: the network is free to choose logits sigma times as
    large, after which the first term no longer depends on sigma and ``log(sigma)``
    drives it to its lower bound, 1, whatever the noise of the labels.
    """
    return _mean(_cross_entropy(logits, sigma, truth) + torch.log(sigma))


def published_loss(logits: Tensor, sigma: Tensor, truth: Tensor) -> Tensor:
    """Return the mean of ``BCE(logits / sigma, truth) + sigma``.

    What the published code reports (modeling/model/loss.py adds sigma, not its
    logarithm), hence its 1.00001 at a perfect answer. For comparison only: the
    published gradient is that of `scaled_logit_loss`, summed over voxels.
    """
    return _mean(_cross_entropy(logits, sigma, truth) + sigma)


def sampled_logit_loss(logits: Tensor, sigma: Tensor, truth: Tensor) -> Tensor:
    """Return the mean of ``-log p(truth)``, in nats, where the logit is uncertain.

    p is the mean of sigmoid over logits that are normal around ``logits`` with a
    standard deviation of ``sigma - 1``: Kendall & Gal (2017), equation 12, whose
    average over samples is a quadrature here. A truth between 0 and 1 is the expected
    label.

    Only p is held against the truth, so sigma is not pinned down by a voxel's label
    alone: a larger sigma with a larger logit gives the same p. What there is to sigma
    comes from the network, for which a larger sigma may be the easier way to a p near
    one half.
    """
    yes, no = log_probabilities(logits, sigma)
    return _expected(yes, no, truth)


def monte_carlo_loss(
    logits: Tensor,
    sigma: Tensor,
    truth: Tensor,
    noise: torch.Generator,
) -> Tensor:
    """Return `sampled_logit_loss` by random samples, as in the paper.

    The logarithm of a mean of few samples is too low on average, so this loss is too
    high, the more so the larger sigma is.

    Args:
        logits: (n, 1, z, y, x) float.
        sigma: (n, 1, z, y, x) float.
        truth: (n, 1, z, y, x) float, 0 to 1.
        noise: gives the samples, on the device of ``logits``.
    """
    normal = torch.randn(
        (MONTE_CARLO_SAMPLES, *logits.shape),
        generator=noise,
        dtype=logits.dtype,
        device=logits.device,
    )
    sampled = logits + (sigma - SURE) * normal
    # The mean's divisor is left to the end.
    yes = torch.logsumexp(F.logsigmoid(sampled), 0)
    no = torch.logsumexp(F.logsigmoid(-sampled), 0)
    return _expected(yes, no, truth) + math.log(MONTE_CARLO_SAMPLES)


def mixture_loss(probability: Tensor, truth: Tensor) -> Tensor:
    """Return the mean of ``-log p(truth)``, in nats, of a probability.

    A probability nearer to 0 or 1 than its floating point numbers resolve counts as
    that far away, so that a certain and wrong voxel costs 16 nats and not infinity.
    """
    least = torch.finfo(probability.dtype).eps
    probability = probability.clamp(least, 1 - least)
    return _expected(torch.log(probability), torch.log1p(-probability), truth)


def _cross_entropy(logits: Tensor, sigma: Tensor, truth: Tensor) -> Tensor:
    return F.binary_cross_entropy_with_logits(logits / sigma, truth, reduction="none")


def _expected(yes: Tensor, no: Tensor, truth: Tensor) -> Tensor:
    """Return the mean cross entropy of log probabilities of yes and of no."""
    return -_mean(truth * yes + (1 - truth) * no)


def _mean(voxels: Tensor) -> Tensor:
    return voxels.flatten(1).mean(1)
