from dataclasses import replace

import numpy as np
import pytest
import torch

from eyewire_validator.config.families import (
    UNCERTAINTIES,
    NetworkSettings,
)
from eyewire_validator.errors import ModelError
from eyewire_validator.models.checkpoint import CheckpointInfo, save_checkpoint
from eyewire_validator.models.voxel_validator import Validator, load_validator
from eyewire_validator.volumes.appearance import Appearance, Familiar
from eyewire_validator.voxel_network.answerer import NetworkAnswerer
from eyewire_validator.voxel_network.lwunet import LWUNet
from eyewire_validator.voxel_network.samples import SampleLoader

SETTINGS = NetworkSettings(
    title="m", context="ancestors_registered", context_channels=2, loops=3
)
IMAGE = np.zeros((8, 4, 12), np.uint8)
SEED = np.zeros((8, 4, 12), bool)
CONTEXT = np.zeros((2, 8, 4, 12), bool)


def untrained(settings):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return Validator(LWUNet.from_settings(settings), CheckpointInfo(settings))


@pytest.fixture
def checkpoint(tmp_path):
    path = tmp_path / "checkpoint.pt"
    save_checkpoint(path, *vars(untrained(SETTINGS)).values())
    return path


@pytest.fixture
def validator(checkpoint):
    return load_validator(checkpoint, device="cpu")


def test_answers_arrays_with_arrays(validator):
    logits, sigma = validator.answer(IMAGE, SEED, CONTEXT)
    assert logits.shape == sigma.shape == IMAGE.shape
    assert logits.dtype == sigma.dtype == np.float32
    assert (sigma >= 1).all()


def test_grey_values_of_any_whole_dtype_are_taken(validator):
    plain, other = (
        validator.answer(np.full_like(IMAGE, 200, dtype=dtype), SEED)
        for dtype in (np.uint8, ">i4")
    )
    np.testing.assert_array_equal(plain, other)


def test_an_image_unlike_all_that_was_learned_from_is_warned_of():
    model = untrained(SETTINGS)
    bright = Appearance.of_image(IMAGE)._replace(contrast=1.0, mean=900)
    familiar = Familiar.of({"bright": [bright] * 3}, {})
    info = replace(model.info, familiar=familiar)
    with pytest.warns(UserWarning, match="unlike all .+ it is darker"):
        replace(model, info=info).answer(IMAGE, SEED)


def test_no_context_means_that_nothing_is_known(validator):
    told, untold = validator.answer(IMAGE, SEED, CONTEXT), validator.answer(IMAGE, SEED)
    np.testing.assert_array_equal(told, untold)


def test_loops_can_be_chosen(validator):
    three, default, one = (validator.answer(IMAGE, SEED, loops=n) for n in (3, None, 1))
    np.testing.assert_array_equal(three, default)
    assert not np.array_equal(three, one)


@pytest.mark.parametrize("uncertainty", UNCERTAINTIES)
def test_answers_as_the_workflow_does(uncertainty, make_index, make_store, octants):
    settings = replace(SETTINGS, uncertainty=uncertainty)
    validator = untrained(settings)
    store = make_store({11: octants, 12: octants})
    parent = {"task": 1, "volume": 11, "aggregate": [6]}
    index = make_index(parent, {"task": 2, "volume": 12, "parent": 1, "min_x": 24})
    loader = SampleLoader(index, store, settings)
    (answers,) = NetworkAnswerer(validator.model, loader, settings, [3])([2])
    *_, parent, grandparent, seed, _ = np.array(loader.load(2), bool)
    context = np.stack([parent, grandparent])
    assert np.any(context)
    logits, sigma = validator.answer(store.get(12).image, seed, context)
    np.testing.assert_array_equal(sigma, answers[3].sigma)
    np.testing.assert_array_equal(
        validator.probability(logits, sigma), answers[3].probability
    )


def test_probability_follows_from_how_the_model_was_trained(validator):
    logits, sigma = np.float32([-2, 0, 4]), np.float32([1, 2, 2])
    published = validator.probability(logits, sigma)
    np.testing.assert_allclose(published, 1 / (1 + np.exp(-logits / sigma)), rtol=1e-6)
    sampling = Validator(LWUNet(2, 3, "sampled_logit"), validator.info)
    # Means of 1 / (1 + exp(-x)), x normal with sigma, by scipy.integrate.quad.
    np.testing.assert_allclose(
        sampling.probability(logits, sigma + 1), [0.1555, 0.5, 0.9323], atol=1e-4
    )


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ((IMAGE.astype(float), SEED), "image is float64 .*expected whole grey values"),
        ((IMAGE, SEED.astype(np.uint8)), r"seed is uint8, expected bool.*np\.isin"),
        ((IMAGE[0], SEED), r"image has the shape \(4, 12\), expected 3 axes"),
        ((IMAGE, SEED[:4]), r"seed has the shape \(4, 4, 12\), expected \(8, 4, 12\)"),
        ((IMAGE, SEED, CONTEXT[:1]), r"context .*\(1, 8, 4, 12\), expected \(2, 8, 4"),
        ((IMAGE[..., :6], SEED[..., :6]), "expected multiples of 4"),
    ],
)
def test_wrong_arrays_are_refused_by_name(validator, arrays, message):
    with pytest.raises(ModelError, match=message):
        validator.answer(*arrays)
