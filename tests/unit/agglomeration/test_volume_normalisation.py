"""A network that normalises by the volume that it is shown."""

import pytest
import torch
from torch import nn

from eyewire_validator.agglomeration.affinity_unet import AffinityUNet
from eyewire_validator.agglomeration.volume_normalisation import (
    LOOKED_AT,
    TRUSTED_VOXELS,
    normalise_by,
)


@pytest.fixture
def model():
    torch.manual_seed(0)
    return AffinityUNet().eval()


def first_norm(network):
    return next(m for m in network.modules() if isinstance(m, nn.BatchNorm3d))


def test_many_voxels_count_more_than_few(model):
    """The statistics of all voxels, and as many as are trusted, count the same."""
    assert TRUSTED_VOXELS == 64**3
    image = torch.randn(64, 64, 64)
    with torch.inference_mode():
        seen = model.trunk.enter(image[None, None])
    learned = first_norm(model).running_mean
    half = first_norm(normalise_by(model, image)).running_mean
    torch.testing.assert_close(half, (learned + seen.mean((0, 2, 3, 4))) / 2)
    few = first_norm(normalise_by(model, image[:16, :16, :16])).running_mean
    assert (few - learned).norm() < (half - learned).norm() / 20


def test_the_network_that_was_trained_stays_as_it_is(model):
    before = {name: value.clone() for name, value in model.state_dict().items()}
    adapted = normalise_by(model, torch.randn(16, 16, 16))
    assert not any(m.training for m in adapted.modules())
    for name, value in model.state_dict().items():
        assert torch.equal(value, before[name]), name


def test_it_looks_at_the_middle_of_a_large_volume(model):
    image = torch.randn(1, 8, LOOKED_AT + 20)
    changed = image.clone()
    changed[..., :10], changed[..., -10:] = 9.0, -9.0
    found = [first_norm(normalise_by(model, i)).running_mean for i in (image, changed)]
    assert torch.equal(*found)


def test_a_volume_of_a_few_voxels_tells_nothing(model):
    adapted = normalise_by(model, torch.randn(4, 3, 2))
    for name, value in model.state_dict().items():
        assert torch.equal(value, adapted.state_dict()[name]), name
