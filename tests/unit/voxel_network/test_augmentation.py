import pytest
import torch

from eyewire_validator.voxel_network import augmentation
from eyewire_validator.voxel_network.augmentation import augment, drop_context

OFF = {"CONTRAST": 0.0, "BRIGHTNESS": 0.0, "BLURRED": 0.0, "CUT": 0.0}


@pytest.fixture
def samples():
    """40 samples of an image, a mask, a seed and a truth."""
    generator = torch.Generator().manual_seed(1)
    samples = torch.randint(90, 110, (40, 4, 8, 8, 8), generator=generator)
    samples[:, 1:] %= 2
    return samples.byte()


@pytest.fixture
def only(monkeypatch):
    """Return a function that leaves nothing but some changes, of a given strength."""

    def choose(**strengths):
        for name, strength in (OFF | strengths).items():
            monkeypatch.setattr(augmentation, name, strength)

    return choose


def images(samples, seed=0):
    return augment(samples, torch.Generator().manual_seed(seed))[:, 0].float()


def test_only_the_image_changes_and_only_by_the_generator(samples):
    one, same, other = (
        augment(samples, torch.Generator().manual_seed(seed)) for seed in (0, 0, 1)
    )
    assert one.dtype == torch.uint8
    assert torch.equal(one[:, 1:], samples[:, 1:])
    assert torch.equal(one, same)
    assert not torch.equal(one, other)
    assert (one[:, 0] != samples[:, 0]).flatten(1).any(1).all()


def test_nothing_changes_when_all_is_off(samples, only):
    only()
    assert torch.equal(images(samples), samples[:, 0].float())


def test_contrast_scales_around_the_mean(samples, only):
    only(CONTRAST=0.5)
    image, found = samples[:, 0].float().flatten(1), images(samples).flatten(1)
    torch.testing.assert_close(found.mean(1), image.mean(1), atol=0.3, rtol=0)
    scale = found.std(1) / image.std(1)
    assert 0.48 < scale.min() < 0.7 < 1.3 < scale.max() < 1.52


def test_brightness_moves_all_alike(samples, only):
    only(BRIGHTNESS=20.0)
    moved = (images(samples) - samples[:, 0].float()).flatten(1)
    assert (moved == moved[:, :1]).all()
    assert -20 <= moved.min() < -10 < 10 < moved.max() <= 20


def test_blur_is_the_mean_of_the_neighbours(samples, only):
    only(BLURRED=0.5)
    image, found = samples[:, 0].float(), images(samples)
    blurred = (found != image).flatten(1).any(1)
    assert 10 < blurred.sum() < 30
    expected = image[blurred][:, 2:5, 3:6, 4:7].mean((1, 2, 3))
    torch.testing.assert_close(found[blurred][:, 3, 4, 5], expected, atol=0.51, rtol=0)


def test_a_missing_slice_is_black(samples, only):
    only(CUT=0.5)
    found = images(samples)
    black = (found == 0).all(-1).all(-1)
    assert set(black.sum(1).tolist()) == {0, 1}
    assert black.any(0).all()
    assert torch.equal(found[~black], samples[:, 0].float()[~black])


def test_context_is_dropped_as_a_whole_or_not_at_all(samples):
    """Two masks of context, between the image and seed and truth."""
    samples = torch.cat([samples, samples[:, 1:2]], 1)
    found = drop_context(samples, 2, 0.25, torch.Generator().manual_seed(0))
    dropped = (found[:, 1:3] == 0).flatten(1).all(1)
    assert 5 <= dropped.sum() <= 15
    assert not found[dropped, 1:3].any()
    assert torch.equal(found[~dropped], samples[~dropped])
    rest = [0, 3, 4]
    assert torch.equal(found[:, rest], samples[:, rest])
    assert not torch.equal(found, samples)
