from dataclasses import replace

import numpy as np
import pytest
import torch

from eyewire_validator.config.families import (
    NetworkSettings,
    NetworkTraining,
)
from eyewire_validator.errors import ConfigError
from eyewire_validator.voxel_network.patches import crop_around_seed, draw_patches
from eyewire_validator.voxel_network.samples import SampleLoader

MODEL = NetworkSettings(
    title="m", context="ancestors_registered", context_channels=1, loops=2
)
SETTINGS = NetworkTraining(
    device="cpu", random_seed=5, epochs=3, batch_size=2, rotation=2,
    learning_rate=0.01, weight_decay=0.0005, lr_step=1, lr_gamma=0.5, patience=3,
    validation_tasks=2, patch_size=8, symmetries=True,
    loss_on="every_loop", labels="hard",
)  # fmt: skip


@pytest.mark.parametrize("symmetries", [False, True])
def test_patches_are_turned_if_asked_to(make_index, make_store, octants, symmetries):
    index = make_index({"task": 3, "volume": 11, "seed": [3], "aggregate": [3, 4]})
    loader = SampleLoader(index, make_store({11: octants}), MODEL)
    settings = replace(SETTINGS, symmetries=symmetries)
    (patch,) = draw_patches([3], loader, settings, np.random.default_rng(1))
    same = torch.equal(patch, torch.from_numpy(loader.load(3)))
    assert same != symmetries
    assert patch.sum() == loader.load(3).sum()


def test_patches_hold_seed_and_cut_all_channels_alike():
    generator = np.random.default_rng(0)
    sample = np.zeros((3, 8, 8, 8), np.uint8)
    sample[0] = generator.integers(0, 256, (8, 8, 8))
    sample[1, 1, 6, 7] = 1
    sample[2] = sample[0]
    starts = set()
    for _ in range(50):
        patch = crop_around_seed(sample, 4, generator)
        assert patch.shape == (3, 4, 4, 4)
        assert np.count_nonzero(patch[1]) == 1
        np.testing.assert_array_equal(patch[0], patch[2])
        starts.add(tuple(np.argwhere(patch[1])[0].tolist()))
    # Voxel (1, 6, 7) is first or second along z, third or fourth along y, last along x.
    assert starts == {(z, y, 3) for z in (0, 1) for y in (2, 3)}


def test_a_patch_as_large_as_the_volume_is_the_volume():
    sample = np.ones((3, 8, 8, 8), np.uint8)
    patch = crop_around_seed(sample, 8, np.random.default_rng(0))
    np.testing.assert_array_equal(patch, sample)


def test_a_patch_larger_than_the_volume_is_refused():
    with pytest.raises(ConfigError, match=r"patch_size is 12, expected at most .* 8"):
        crop_around_seed(np.ones((3, 8, 8, 8), np.uint8), 12, np.random.default_rng(0))
