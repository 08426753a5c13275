import pytest
import torch

from eyewire_validator.config.settings import UNCERTAINTIES, ModelSettings
from eyewire_validator.errors import ModelError
from eyewire_validator.models.checkpoint import (
    CheckpointInfo,
    load_checkpoint,
    save_checkpoint,
)
from eyewire_validator.voxel_network.residual_unet import ResidualUNet
from eyewire_validator.voxel_network.uncertainty import METHODS

SETTINGS = ModelSettings(
    "m", "residual_unet", "ancestors", 2, 3, uncertainty="sampled_logit",
    width=4, levels=3,
)  # fmt: skip


def network(**options):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return ResidualUNet(**{"width": 4} | options)


def inputs(channels=2, size=8, batch=1):
    generator = torch.Generator().manual_seed(1)
    image, seed = torch.rand(2, batch, 1, size, size, size, generator=generator)
    context = torch.rand(batch, channels, size, size, size, generator=generator)
    seed = (seed > 0.9).float()
    return image, context.round(), seed, torch.where(seed > 0, 1.0, 10.0)


@pytest.mark.parametrize("levels", [1, 2, 3])
@pytest.mark.parametrize("channels", [0, 3])
def test_answers_every_voxel_with_sigma_of_at_least_1(channels, levels):
    model = network(context_channels=channels, levels=levels)
    logits, sigma = model(*inputs(channels, batch=2), loops=2)
    assert logits.shape == sigma.shape == (2, 1, 8, 8, 8)
    assert bool((sigma >= 1).all())


@pytest.mark.parametrize("uncertainty", UNCERTAINTIES)
def test_each_loop_feeds_back_probability_and_sigma(uncertainty):
    model = network(uncertainty=uncertainty)
    image, context, seed, confidence = inputs()
    logits, sigma = model(image, context, seed, confidence, loops=1)
    fed_back = METHODS[uncertainty].probability(logits, sigma), sigma
    by_hand = model(image, context, *fed_back, loops=1)
    torch.testing.assert_close(model(*inputs(), loops=2), by_hand, rtol=0, atol=0)
    assert bool((sigma < 1.1).all()) == METHODS[uncertainty].starts_sure


def test_every_parameter_learns():
    model = network(levels=2, uncertainty="scaled_logit")
    logits, sigma = model(*inputs(), loops=1)
    (logits.square().mean() + sigma.mean()).backward()
    for name, parameter in model.named_parameters():
        assert bool(parameter.grad.any()), name


def test_each_level_sees_further(monkeypatch):
    """How far off an answer depends on the image, with normalisation left out."""
    monkeypatch.setattr(torch.nn.GroupNorm, "forward", lambda _, features: features)
    reach = []
    for levels in (1, 2):
        image, *others = inputs(0, 64)
        image.requires_grad_()
        model = network(levels=levels, context_channels=0)
        model(image, *others, loops=1)[0][0, 0, 32, 32, 32].backward()
        reach.append(int((image.grad[0, 0].nonzero() - 32).abs().max()))
    assert reach == [10, 23]


def test_a_task_is_answered_alone_as_in_a_batch():
    model, both = network(dropout=0.5), inputs(batch=2)
    factors = model.draw_dropout(2, torch.Generator().manual_seed(1))
    assert factors.shape == (2, 4 + 8 + 16)
    together = model(*both, dropout=factors)
    for task in range(2):
        part = slice(task, task + 1)
        alone = model(*(tensor[part] for tensor in both), dropout=factors[part])
        torch.testing.assert_close(together[0][part], alone[0], rtol=1e-4, atol=1e-5)
    assert not torch.allclose(together[0], model(*both)[0])


def test_refuses_sizes_that_it_cannot_halve():
    with pytest.raises(ModelError, match=r"\(12, 12, 12\), expected multiples of 8"):
        network(levels=3)(*inputs(size=12))


def test_a_checkpoint_brings_the_same_network_back(tmp_path):
    path, model = tmp_path / "net.pt", ResidualUNet.from_settings(SETTINGS)
    save_checkpoint(path, model, CheckpointInfo(SETTINGS))
    again, info = load_checkpoint(path)
    assert info.model_settings == SETTINGS
    assert isinstance(again, ResidualUNet)
    expected = model.eval()(*inputs())
    torch.testing.assert_close(again(*inputs()), expected, rtol=0, atol=0)


@pytest.mark.parametrize("change", [{"width": 8}, {"levels": 2}, {"kind": "lwunet"}])
def test_a_checkpoint_of_another_form_is_refused(tmp_path, change):
    (name,) = change
    path, model = tmp_path / "net.pt", ResidualUNet.from_settings(SETTINGS)
    save_checkpoint(path, model, CheckpointInfo(SETTINGS))
    with pytest.raises(ModelError, match=f"was trained with {name} "):
        load_checkpoint(path, settings=ModelSettings(**{**vars(SETTINGS), **change}))
