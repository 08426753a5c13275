from pathlib import Path

import pytest
import torch
from torch.nn import functional as F

from eyewire_validator.config.families import UNCERTAINTIES
from eyewire_validator.errors import ModelError
from eyewire_validator.voxel_network.lwunet import LWUNet
from eyewire_validator.voxel_network.uncertainty import METHODS

SHARED = Path(__file__).resolve().parents[3].parent / "shared"
PUBLISHED = SHARED / "reference" / "published_state_dict.pth"


def inputs(channels=2, size=8, batch=1):
    generator = torch.Generator().manual_seed(1)
    image, seed = torch.rand(2, batch, 1, size, size, size, generator=generator)
    seed = (seed > 0.9).float()
    context = torch.rand(batch, channels, size, size, size, generator=generator).round()
    return image, context, seed, torch.where(seed > 0, 1.0, 10.0)


def blobs(generator):
    """Two smooth random masks, (2, 1, 2, 64, 64, 64)."""
    coarse = torch.rand(2, 2, 4, 4, 4, generator=generator)
    return (F.interpolate(coarse, size=(64,) * 3, mode="trilinear") > 0.55).float()


def iou(guess, truth):
    return float((guess & truth).sum() / (guess | truth).sum())


def test_has_the_published_number_of_parameters():
    model = LWUNet(context_channels=2)
    assert sum(parameter.numel() for parameter in model.parameters()) == 147_218


@pytest.mark.parametrize("channels", [0, 1, 3])
def test_answers_every_voxel_with_sigma_of_at_least_1(channels):
    logits, sigma = LWUNet(channels)(*inputs(channels, batch=2), loops=2)
    assert logits.shape == sigma.shape == (2, 1, 8, 8, 8)
    assert bool((sigma >= 1).all())


def test_each_loop_feeds_back_probability_and_sigma():
    model = LWUNet()
    image, context, seed, confidence = inputs()
    logits, sigma = model(image, context, seed, confidence, loops=1)
    by_hand = model(image, context, torch.sigmoid(logits / sigma), sigma, loops=1)
    torch.testing.assert_close(
        model(image, context, seed, confidence, loops=2), by_hand, rtol=0, atol=0
    )


@pytest.mark.parametrize("uncertainty", UNCERTAINTIES)
def test_each_method_feeds_back_its_own_probability(uncertainty):
    model = LWUNet(uncertainty=uncertainty)
    image, context, seed, confidence = inputs()
    logits, sigma = model(image, context, seed, confidence, loops=1)
    probability = METHODS[uncertainty].probability(logits, sigma)
    by_hand = model(image, context, probability, sigma, loops=1)
    torch.testing.assert_close(
        model(image, context, seed, confidence, loops=2), by_hand, rtol=0, atol=0
    )


def test_options_change_no_parameter():
    plain, other = LWUNet(), LWUNet(uncertainty="sampled_logit", dropout=0.5)
    other.load_state_dict(plain.state_dict(), strict=True)
    torch.testing.assert_close(other(*inputs()), other(*inputs()), rtol=0, atol=0)


def test_dropout_draws_whole_channels_and_keeps_their_mean():
    model = LWUNet(dropout=0.25)
    factors = model.draw_dropout(200, torch.Generator().manual_seed(0))
    assert factors.shape == (200, 48)
    assert factors.unique().tolist() == pytest.approx([0, 4 / 3])
    assert float(factors.mean()) == pytest.approx(1, abs=0.02)


def test_a_dropped_channel_is_as_good_as_absent_in_every_loop():
    model, factors = LWUNet(dropout=0.5), torch.ones(1, 48)
    factors[0, [3, 16 + 7]] = 0
    thinned = model(*inputs(), loops=3, dropout=factors)
    with torch.no_grad():
        for convolution, channel in ((model.c1, 3), (model.c2, 7)):
            convolution.weight[channel] = 0
            convolution.bias[channel] = 0
    torch.testing.assert_close(thinned, model(*inputs(), loops=3))


def test_dropout_is_each_tasks_own():
    model = LWUNet(dropout=0.5)
    both = inputs(batch=2)
    factors = model.draw_dropout(2, torch.Generator().manual_seed(1))
    together = model(*both, dropout=factors)
    for task in range(2):
        part = slice(task, task + 1)
        alone = model(*(tensor[part] for tensor in both), dropout=factors[part])
        torch.testing.assert_close(together[0][part], alone[0])


def test_each_loops_answer_can_be_looked_at():
    model = LWUNet()
    answers = list(model.each_loop(*inputs(), loops=3))
    assert len(answers) == 3
    for loops, answer in enumerate(answers, start=1):
        torch.testing.assert_close(
            answer, model(*inputs(), loops=loops), rtol=0, atol=0
        )


def test_loops_default_to_those_of_the_model():
    model = LWUNet(loops=3)
    torch.testing.assert_close(
        model(*inputs()), model(*inputs(), loops=3), rtol=0, atol=0
    )


def test_refuses_sizes_that_it_cannot_halve_twice():
    with pytest.raises(ModelError, match=r"shape \(z, y, x\) is \(8, 8, 6\)"):
        LWUNet()(*(tensor[..., :6] for tensor in inputs()))


def test_refuses_other_context_channels():
    with pytest.raises(ModelError, match=r"3 context channels .* expects 2"):
        LWUNet(2)(*inputs(channels=3))


def test_refuses_no_loops():
    with pytest.raises(ModelError, match="loops is 0"):
        LWUNet()(*inputs(), loops=0)


@pytest.mark.skipif(not PUBLISHED.exists(), reason="no published weights in shared/")
def test_published_weights_copy_their_last_context_channel():
    """On noise there is nothing to see; yet the answer is mask B, whatever A is."""
    model = LWUNet(context_channels=2, loops=4)
    model.load_state_dict(torch.load(PUBLISHED, weights_only=True), strict=True)
    generator = torch.Generator().manual_seed(0)
    context = blobs(generator)
    image = (128 + 30 * torch.randn(2, 1, 64, 64, 64, generator=generator)).clamp(
        0, 255
    )
    seed = context[:, 1:].clone()
    seed[..., 32:] = 0
    confidence = torch.where(seed > 0, 1.0, 10.0)
    with torch.inference_mode():
        logits, sigma = model(image, context, seed, confidence)
        nothing, _ = model(image, 0 * context, 0 * seed, confidence + 10 * seed)
    guess = torch.sigmoid(logits / sigma)[:, 0] > 0.5
    for task in range(2):
        assert iou(guess[task], context[task, 1] > 0) > 0.99
        assert iou(guess[task], context[task, 0] > 0) < 0.5
    assert float((nothing > 0).float().mean()) < 1e-3


@pytest.mark.parametrize("uncertainty", UNCERTAINTIES)
def test_sigma_starts_sure_where_it_has_no_price(uncertainty):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = LWUNet(2, uncertainty=uncertainty)
    _, sigma = model(*inputs(2), loops=1)
    assert bool((sigma < 1.1).all()) == METHODS[uncertainty].starts_sure
    assert METHODS[uncertainty].starts_sure == (uncertainty != "scaled_logit")


def test_both_heads_at_once_are_the_two_convolutions():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = LWUNet()
        full, up_full = torch.rand(2, 2, 16, 4, 4, 4)
    features = torch.cat([full, up_full], 1)
    logits, variance = model._heads(full, up_full)
    torch.testing.assert_close(logits, model.logits(features), rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(variance, model.variance(features), rtol=1e-5, atol=1e-6)
