import pytest
import torch

from eyewire_validator.learning.residual_trunk import Convolution, ResidualTrunk


def trunk(levels):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return ResidualTrunk(3, 4, levels)


@pytest.mark.parametrize("levels", [1, 2, 3])
def test_features_have_the_size_of_the_inputs(levels):
    assert trunk(levels)(torch.zeros(2, 3, 8, 8, 8)).shape == (2, 4, 8, 8, 8)


def test_every_parameter_learns():
    model = trunk(2)
    noise = torch.Generator().manual_seed(1)
    model(torch.rand(2, 3, 8, 8, 8, generator=noise)).square().mean().backward()
    for name, parameter in model.named_parameters():
        assert bool(parameter.grad.any()), name


def test_each_level_sees_further(monkeypatch):
    """How far off a feature depends on the inputs, with normalisation left out."""
    monkeypatch.setattr(
        torch.nn.BatchNorm3d, "forward", lambda _, features: features.clone()
    )
    reach = []
    noise = torch.Generator().manual_seed(1)
    for levels in (1, 2):
        inputs = torch.rand(1, 3, 64, 64, 64, generator=noise).requires_grad_()
        trunk(levels)(inputs)[0, :, 32, 32, 32].sum().backward()
        reach.append(int((inputs.grad[0].nonzero()[:, 1:] - 32).abs().max()))
    assert reach == [10, 23]


def test_a_convolution_is_the_same_in_training_and_in_answering():
    torch.manual_seed(0)
    convolve, inputs = Convolution(2, 3), torch.rand(2, 2, 6, 5, 4)
    with torch.no_grad():
        expected = convolve(inputs)
    torch.testing.assert_close(convolve(inputs), expected)
