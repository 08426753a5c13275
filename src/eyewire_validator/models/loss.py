"""Losses of an answer that comes with an uncertainty."""

import torch
from torch import Tensor
from torch.nn import functional as F


def scaled_logit_loss(logits: Tensor, sigma: Tensor, truth: Tensor) -> Tensor:
    """Return each task's mean of ``BCE(logits / sigma, truth) + log(sigma)``.

    This carries the form of Kendall & Gal's heteroscedastic regression loss (2017,
    "What uncertainties do we need in Bayesian deep learning for computer vision?",
    equation 5: a residual divided by sigma, plus log sigma) over to logits. It is not
    their classification loss (equation 12), which averages over sampled logits.

    It cannot learn an uncertainty: the network is free to choose logits sigma times as
    large, after which the first term no longer depends on sigma and ``log(sigma)``
    drives it to its lower bound, 1, whatever the noise of the labels.

    Args:
        logits: (n, 1, z, y, x) float.
        sigma: (n, 1, z, y, x) float, above 0, in logit units.
        truth: (n, 1, z, y, x) float, 0 or 1.

    Returns:
        (n,) mean over a task's voxels, in nats.
    """
    return _mean(_cross_entropy(logits, sigma, truth) + torch.log(sigma))


def published_loss(logits: Tensor, sigma: Tensor, truth: Tensor) -> Tensor:
    """Return each task's mean of ``BCE(logits / sigma, truth) + sigma``.

    What the published code reports (modeling/model/loss.py adds sigma, not its
    logarithm), hence its 1.00001 at a perfect answer. For comparison only: the
    published gradient is that of `scaled_logit_loss`, summed over voxels.

    Args:
        logits: (n, 1, z, y, x) float.
        sigma: (n, 1, z, y, x) float, above 0, in logit units.
        truth: (n, 1, z, y, x) float, 0 or 1.

    Returns:
        (n,) mean over a task's voxels.
    """
    return _mean(_cross_entropy(logits, sigma, truth) + sigma)


def _cross_entropy(logits: Tensor, sigma: Tensor, truth: Tensor) -> Tensor:
    return F.binary_cross_entropy_with_logits(logits / sigma, truth, reduction="none")


def _mean(voxels: Tensor) -> Tensor:
    return voxels.flatten(1).mean(1)
