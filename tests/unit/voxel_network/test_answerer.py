from dataclasses import replace

import numpy as np
import pytest
import torch

from eyewire_validator.config.families import (
    UNCERTAINTIES,
    NetworkSettings,
)
from eyewire_validator.errors import ModelError
from eyewire_validator.voxel_network.answerer import NetworkAnswerer, samples_of
from eyewire_validator.voxel_network.gpu_samples import GpuSamples
from eyewire_validator.voxel_network.loss import published_loss
from eyewire_validator.voxel_network.lwunet import LWUNet
from eyewire_validator.voxel_network.samples import SampleLoader, inputs_and_truth

SETTINGS = NetworkSettings(
    title="network", context="ancestors_registered", context_channels=2, loops=2
)
DROPOUT = replace(SETTINGS, dropout=0.4, dropout_samples=3)
TASKS = [
    {"task": 1, "volume": 11, "seed": [1], "aggregate": [1, 2]},
    {"task": 2, "volume": 12, "seed": [5], "aggregate": [6], "parent": 1},
    {"task": 3, "volume": 11, "seed": [3], "aggregate": [3]},
]


def network(settings=SETTINGS, random_seed=3):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(random_seed)
        return LWUNet.from_settings(settings)


@pytest.fixture
def loader(make_index, make_store, octants):
    store = make_store({11: octants, 12: octants})
    return SampleLoader(make_index(*TASKS), store, SETTINGS)


def by_hand(model, loader, task, loops):
    """Return logits, sigma and truth of one task, (1, 1, 8, 8, 8) each."""
    inputs, truth = inputs_and_truth(torch.from_numpy(loader.load(task)[None]), "unit")
    with torch.inference_mode():
        return *model(*inputs, loops=loops), truth


@pytest.mark.parametrize("uncertainty", UNCERTAINTIES)
def test_one_network_answers_each_task_and_loop(loader, uncertainty):
    settings = replace(SETTINGS, uncertainty=uncertainty)
    model = network(settings)
    answers = NetworkAnswerer(model, loader, settings, [1, 3])([1, 2])
    for task, by_loop in zip([1, 2], answers, strict=True):
        assert list(by_loop) == [1, 3]
        for loops, answer in by_loop.items():
            logits, sigma, truth = by_hand(model, loader, task, loops)
            probability = model.uncertainty.probability(logits, sigma)[0, 0].numpy()
            np.testing.assert_allclose(answer.probability, probability, rtol=1e-5)
            np.testing.assert_allclose(answer.sigma, sigma[0, 0].numpy(), rtol=1e-5)
            loss = model.uncertainty.loss(logits, sigma, truth).item()
            assert answer.loss == pytest.approx(loss, rel=1e-5)
            assert answer.members is None


@pytest.mark.parametrize("uncertainty", UNCERTAINTIES)
def test_the_published_loss_is_the_published_methods(loader, uncertainty):
    settings = replace(SETTINGS, uncertainty=uncertainty)
    (answer,) = NetworkAnswerer(network(settings), loader, settings, [2])([1])
    if uncertainty == "scaled_logit":
        expected = published_loss(*by_hand(network(), loader, 1, 2)).item()
        assert answer[2].published_loss == pytest.approx(expected, rel=1e-5)
    else:
        assert answer[2].published_loss is None


def test_members_are_networks_thinned_by_dropout_and_their_mean_is_the_answer(loader):
    model, noise = network(DROPOUT), torch.Generator().manual_seed(2)
    (found,) = NetworkAnswerer(model, loader, DROPOUT, [2])([2])
    answer = found[2]
    inputs, truth = inputs_and_truth(loader.stack([2]), "unit")
    sigmas = []
    for member in answer.members:
        dropout = model.draw_dropout(1, noise)
        with torch.inference_mode():
            logits, sigma = model(*inputs, loops=2, dropout=dropout)
        probability = model.uncertainty.probability(logits, sigma)
        np.testing.assert_array_equal(member, probability[0, 0].numpy())
        sigmas.append(sigma[0, 0].numpy())
    np.testing.assert_allclose(answer.probability, answer.members.mean(0), rtol=1e-6)
    np.testing.assert_allclose(answer.sigma, np.mean(sigmas, 0), rtol=1e-6)
    p = np.where(truth[0, 0] > 0, answer.probability, 1 - answer.probability)
    assert answer.loss == pytest.approx(-np.log(p).mean(), rel=1e-5)
    assert answer.published_loss is None


def test_members_of_dropout_differ_yet_come_again(loader):
    answerer = NetworkAnswerer(network(DROPOUT), loader, DROPOUT, [1, 2])
    one, again = (answerer([1, 2, 3]) for _ in range(2))
    for by_loop, same in zip(one, again, strict=True):
        for loops in (1, 2):
            members = by_loop[loops].members
            assert members.shape == (3, 8, 8, 8)
            assert len({member.tobytes() for member in members}) == 3
            np.testing.assert_array_equal(members, same[loops].members)


def test_dropout_of_a_task_does_not_depend_on_its_batch(loader):
    answerer = NetworkAnswerer(network(DROPOUT), loader, DROPOUT, [2])
    _, two, _ = answerer([1, 2, 3])
    (alone,) = answerer([2])
    np.testing.assert_allclose(two[2].members, alone[2].members, rtol=1e-5)


def test_one_sample_is_the_whole_network(loader):
    settings = replace(DROPOUT, dropout_samples=1)
    (answer,) = NetworkAnswerer(network(DROPOUT), loader, settings, [2])([1])
    (plain,) = NetworkAnswerer(network(), loader, SETTINGS, [2])([1])
    np.testing.assert_array_equal(answer[2].probability, plain[2].probability)
    assert answer[2].members is None


def test_answering_leaves_torchs_own_generator_alone(loader):
    before = torch.get_rng_state()
    NetworkAnswerer(network(DROPOUT), loader, DROPOUT, [1])([1])
    assert torch.equal(torch.get_rng_state(), before)


def test_samples_on_the_device_give_the_same_bytes(loader, make_index, monkeypatch):
    tasks, index, device = [1, 2], make_index(*TASKS), torch.device("cpu")
    asked = (tasks, index, loader.store, SETTINGS, device)
    assert isinstance(samples_of(*asked), SampleLoader)
    monkeypatch.setattr(
        "eyewire_validator.voxel_network.answerer.fits", lambda *_: True
    )
    assert isinstance(samples_of(*asked), GpuSamples)
    found, plain = (
        NetworkAnswerer(network(), samples, SETTINGS, [2])(tasks)
        for samples in (samples_of(*asked), loader)
    )
    for one, other in zip(found, plain, strict=True):
        assert one[2].probability.tobytes() == other[2].probability.tobytes()
        assert one[2].loss == other[2].loss


@pytest.mark.parametrize("settings", [SETTINGS, DROPOUT], ids=["whole", "thinned"])
def test_an_answer_that_is_not_finite_is_refused(loader, settings):
    broken = network()
    torch.nn.init.constant_(broken.logits.bias, float("nan"))
    with pytest.raises(ModelError, match="not finite"):
        NetworkAnswerer(broken, loader, settings, [1])([1])


def test_a_network_without_image_does_not_see_it(loader, make_index):
    """Volumes 11 and 12 differ by their images alone."""
    same = {"seed": [1], "aggregate": [1]}
    index = make_index(
        {"task": 1, "volume": 11, **same}, {"task": 2, "volume": 12, **same}
    )
    loader = SampleLoader(index, loader.store, SETTINGS)
    for image, alike in (("none", True), ("unit", False)):
        settings = replace(SETTINGS, image=image)
        one, other = NetworkAnswerer(network(), loader, settings, [2])([1, 2])
        found = np.array_equal(one[2].probability, other[2].probability)
        assert found == alike
