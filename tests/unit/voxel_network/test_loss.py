import math

import pytest
import torch

from eyewire_validator.voxel_network.loss import (
    mixture_loss,
    published_loss,
    sampled_logit_loss,
    scaled_logit_loss,
)


def task(*values):
    """One task of these voxels, (1, 1, 1, 1, n), double."""
    return torch.tensor(values, dtype=torch.float64).reshape(1, 1, 1, 1, -1)


def test_equals_the_value_derived_by_hand():
    # Voxel 1: z = 2 / 2 = 1 and truth 1: log(1 + e^-1) + log 2.
    # Voxel 2: z = -3 / 1 and truth 1: log(1 + e^3) + log 1.
    by_hand = (math.log(1 + math.exp(-1)) + math.log(2) + math.log(1 + math.exp(3))) / 2
    loss = scaled_logit_loss(task(2, -3), task(2, 1), task(1, 1))
    assert loss.tolist() == pytest.approx([by_hand], rel=1e-12)


def test_is_a_mean_for_each_task():
    logits = torch.cat([task(0, 0), task(50, 50)])
    losses = scaled_logit_loss(logits, torch.ones_like(logits), torch.ones_like(logits))
    assert losses.tolist() == pytest.approx([math.log(2), 0])


@pytest.mark.parametrize(
    "loss", [scaled_logit_loss, published_loss, sampled_logit_loss]
)
def test_gradients_are_those_of_the_value(loss):
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(2, 1, 2, 2, 2, dtype=torch.float64, generator=generator)
    sigma = 1 + torch.rand(2, 1, 2, 2, 2, dtype=torch.float64, generator=generator)
    truth = (logits > 0.3).double()
    logits.requires_grad_()
    sigma.requires_grad_()
    assert torch.autograd.gradcheck(lambda x, s: loss(x, s, truth), (logits, sigma))


@pytest.mark.parametrize("logit", [-1e4, 1e4])
def test_is_finite_where_the_published_gradient_overflows(logit):
    logits = task(logit).requires_grad_()
    loss = scaled_logit_loss(logits, task(1), task(0 if logit > 0 else 1))
    loss.sum().backward()
    assert loss.item() == pytest.approx(1e4)
    assert abs(logits.grad.item()) == pytest.approx(1)


def test_published_loss_of_a_perfect_answer_is_1():
    loss = published_loss(task(1e3, -1e3), task(1, 1), task(1, 0))
    assert loss.item() == pytest.approx(1)


def test_a_mixtures_loss_is_its_cross_entropy_and_never_infinite():
    loss = mixture_loss(task(0.25, 0.25), task(1, 0))
    assert loss.item() == pytest.approx(-(math.log(0.25) + math.log(0.75)) / 2)
    single = mixture_loss(task(1, 0).float(), task(0, 1).float())
    assert single.item() == pytest.approx(-math.log(torch.finfo(torch.float32).eps))
    assert math.isnan(mixture_loss(task(math.nan), task(1)).item())
