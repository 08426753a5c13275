import numpy as np
import pytest
import torch
from scipy.integrate import quad
from scipy.optimize import brentq
from scipy.special import expit, log_expit
from scipy.stats import norm
from torch.nn import functional as F

from eyewire_validator.config.families import UNCERTAINTIES
from eyewire_validator.voxel_network.loss import sampled_logit_loss
from eyewire_validator.voxel_network.quadrature import (
    RULE,
    log_probabilities,
    mean_probability,
)
from eyewire_validator.voxel_network.uncertainty import METHODS

LOGITS = np.linspace(-10, 10, 41)


def integral(logit, noise):
    """E[sigmoid(logit + noise * eps)] to about 1e-10, by adaptive quadrature."""
    kink = [-logit / noise] if abs(logit) < 9 * noise else None
    return quad(
        lambda eps: expit(logit + noise * eps) * norm.pdf(eps), -9, 9, points=kink
    )[0]


def column(values):
    return torch.tensor(np.asarray(values), dtype=torch.float64).reshape(-1, 1, 1, 1, 1)


def errors(noise, probability):
    exact = [integral(logit, noise) for logit in LOGITS]
    return np.abs(probability - exact)


@pytest.mark.parametrize(
    ("noise", "most"), [(1, 2e-7), (2, 2e-7), (4, 3e-4), (5, 9e-4), (10, 2e-2)]
)
def test_quadrature_meets_the_exact_integral(noise, most):
    logits = column(LOGITS)
    sigma = torch.full_like(logits, 1 + noise)
    found = mean_probability(logits, sigma).flatten().numpy()
    assert errors(noise, found).max() < most


@pytest.mark.parametrize("noise", [1, 5, 10])
def test_quadrature_beats_a_thousand_random_samples(noise):
    generator = np.random.default_rng(0)
    normal = generator.standard_normal((1000, LOGITS.size))
    sampled = expit(LOGITS + noise * normal).mean(0)
    logits = column(LOGITS)
    sigma = torch.full_like(logits, 1 + noise)
    found = mean_probability(logits, sigma).flatten().numpy()
    assert errors(noise, found).mean() < errors(noise, sampled).mean()


def test_a_sigma_of_1_is_no_noise():
    logits = column(LOGITS)
    found = mean_probability(logits, torch.ones_like(logits))
    torch.testing.assert_close(found, torch.sigmoid(logits))


@pytest.mark.parametrize("scale", [1e4, 1e8])
@pytest.mark.parametrize("method", UNCERTAINTIES)
def test_no_logit_is_so_large_that_a_loss_falls_below_0(method, scale):
    """In float32, where training would find any reward that rounding hands out."""
    logits = torch.linspace(-scale, scale, 1001).reshape(-1, 1, 1, 1, 1)
    noise = torch.Generator().manual_seed(0)
    for truth in (0.0, 1.0):
        for sigma in (1.0, 8.0, scale):
            loss = METHODS[method].training_loss(
                logits,
                torch.full_like(logits, sigma),
                torch.full_like(logits, truth),
                noise,
            )
            assert loss.min() >= -1e-6


def test_yes_and_no_add_up_to_one():
    logits, sigma = column([-30, -1, 0, 2, 30]), column([1, 2, 10, 5, 1])
    yes, no = log_probabilities(logits, sigma)
    torch.testing.assert_close(yes.exp() + no.exp(), torch.ones_like(yes))
    torch.testing.assert_close(yes.exp(), mean_probability(logits, sigma))


@pytest.mark.parametrize("logit", [-1e4, 1e4])
def test_stays_finite_where_a_probability_underflows(logit):
    logits = torch.tensor(logit).reshape(1, 1, 1, 1, 1).requires_grad_()
    sigma = torch.ones_like(logits).requires_grad_()
    truth = torch.full_like(logits, float(logit < 0))
    loss = sampled_logit_loss(logits, sigma, truth)
    loss.sum().backward()
    assert loss.item() == pytest.approx(1e4, rel=1e-2)
    assert abs(logits.grad.item()) == pytest.approx(1, rel=1e-4)
    assert bool(torch.isfinite(sigma.grad).all())


def plain_log_probabilities(logits, sigma):
    """The same by autograd, in logarithms throughout."""
    positions, weights = torch.tensor(RULE, dtype=logits.dtype).T.reshape(2, -1, 1)
    sampled = logits.flatten() + (sigma.flatten() - 1) * positions
    return (
        torch.logsumexp(F.logsigmoid(sign * sampled) + torch.log(weights), 0)
        for sign in (1, -1)
    )


@pytest.mark.parametrize(
    ("dtype", "exact"), [(torch.float64, 1e-12), (torch.float32, 3e-5)]
)
def test_values_and_slopes_are_those_of_the_plain_form(dtype, exact):
    """Also where p underflows: 400 is beyond what float32 can take the exp of."""
    logits = torch.tensor([-400, -120, -50, -9, -1, 0, 1, 9, 50, 120, 400], dtype=dtype)
    noise = torch.tensor([0, 0.5, 2, 10], dtype=dtype)
    pairs = torch.cartesian_prod(logits, 1 + noise).T.reshape(2, -1, 1, 1, 1, 1)
    found, expected = [], []
    for method, outcome in (
        (log_probabilities, found), (plain_log_probabilities, expected),
    ):  # fmt: skip
        x, sigma = (pairs[k].clone().requires_grad_() for k in (0, 1))
        for value in method(x, sigma):
            outcome.append(value.flatten().detach())
            outcome += torch.autograd.grad(value.sum(), (x, sigma), retain_graph=True)
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=exact, atol=exact)


@pytest.mark.parametrize("frequency", [0.5, 0.7, 0.9])
def test_the_published_sigma_collapses_to_its_bound(frequency):
    """With free logits, sigma tends to 1 however noisy the labels are."""
    probability, sigma = minimise(METHODS["scaled_logit"], frequency)
    assert sigma == pytest.approx(1, abs=0.01)
    assert probability == pytest.approx(frequency, abs=1e-3)


@pytest.mark.parametrize("frequency", [0.5, 0.7, 0.9])
def test_the_sampled_logit_finds_the_frequency_too(frequency):
    probability, _ = minimise(METHODS["sampled_logit"], frequency)
    assert probability == pytest.approx(frequency, abs=1e-3)


def minimise(method, frequency):
    """Minimise a loss over one free logit and sigma = softplus(free) + 1."""
    truth = column([1.0] * round(10 * frequency) + [0.0] * round(10 - 10 * frequency))
    free = torch.tensor([0.3, 2.0], dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS([free], max_iter=200, line_search_fn="strong_wolfe")

    def answer():
        return free[0].expand_as(truth), (F.softplus(free[1]) + 1).expand_as(truth)

    def loss():
        optimizer.zero_grad()
        value = method.loss(*answer(), truth).mean()
        value.backward()
        return value

    optimizer.step(loss)
    logits, sigma = answer()
    return method.probability(logits, sigma)[0].item(), sigma[0].item()


@pytest.mark.parametrize("wanted", [1.0, 2.0, 5.0])
@pytest.mark.parametrize(("name", "pull"), [("scaled_logit", 1), ("sampled_logit", 0)])
def test_what_pulls_at_sigma_once_the_logit_is_right(name, pull, wanted):
    """The published loss pulls it down. The other has no opinion: any sigma will do."""
    method, truth = METHODS[name], column([0.7])
    sigma = torch.full_like(truth, wanted).requires_grad_()
    logit = brentq(
        lambda logit: method.probability(column([logit]), sigma).item() - 0.7, 0, 20
    )
    method.loss(column([logit]), sigma, truth).sum().backward()
    # log sigma has the slope 1 / sigma; the cross entropy has none where p is right.
    assert sigma.grad.item() == pytest.approx(pull / wanted, abs=1e-9)


def test_every_method_of_the_settings_is_there():
    assert tuple(METHODS) == UNCERTAINTIES


@pytest.mark.parametrize("method", METHODS.values(), ids=lambda method: method.name)
def test_a_soft_truth_costs_what_its_labels_cost_on_average(method):
    logits, sigma = column([0.5, -2]), column([1.5, 3])
    noise = torch.Generator()
    for loss in (
        method.loss,
        lambda *tensors: method.training_loss(*tensors, noise.manual_seed(0)),
    ):
        yes, no, soft = (
            loss(logits, sigma, torch.full_like(logits, truth)) for truth in (1, 0, 0.3)
        )
        torch.testing.assert_close(soft, 0.3 * yes + 0.7 * no)


@pytest.mark.parametrize("method", METHODS.values(), ids=lambda method: method.name)
def test_only_random_samples_draw_from_the_noise(method):
    tensors = column([0.5, -2]), column([1.5, 3]), column([1, 0])
    noise = torch.Generator().manual_seed(0)
    one, other = (method.training_loss(*tensors, noise) for _ in range(2))
    drawn = method.name == "sampled_logit_monte_carlo"
    assert torch.equal(one, other) != drawn
    if not drawn:
        assert torch.equal(one, method.loss(*tensors))
    again = method.training_loss(*tensors, noise.manual_seed(0))
    assert torch.equal(one, again)


def test_random_samples_meet_the_quadrature_from_above():
    """The log of a mean of few samples is too low on average (Jensen)."""
    logits = torch.zeros(20_000, 1, 1, 1, 1, dtype=torch.float64)
    sigma, truth = torch.full_like(logits, 3), torch.ones_like(logits)
    noise = torch.Generator().manual_seed(0)
    method = METHODS["sampled_logit_monte_carlo"]
    sampled = method.training_loss(logits, sigma, truth, noise).mean().item()
    exact = -log_expit(0.0)
    assert exact < sampled < exact + 0.05
