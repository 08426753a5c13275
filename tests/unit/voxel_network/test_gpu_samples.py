import logging
from dataclasses import replace

import numpy as np
import pytest
import torch

from eyewire_validator.config.families import (
    CONTEXTS,
    LABELS,
    NetworkSettings,
    NetworkTraining,
)
from eyewire_validator.errors import ConfigError, VolumeError
from eyewire_validator.learning.symmetry import SYMMETRIES, apply
from eyewire_validator.volumes.geometry import VolumeGeometry
from eyewire_validator.voxel_network import gpu_samples
from eyewire_validator.voxel_network.gpu_samples import GpuSamples, fits
from eyewire_validator.voxel_network.samples import SampleLoader

CPU = torch.device("cpu")
SETTINGS = NetworkTraining(
    device="cpu", random_seed=5, epochs=3, batch_size=2, rotation=2,
    learning_rate=0.01, weight_decay=0.0005, lr_step=1, lr_gamma=0.5, patience=3,
    validation_tasks=2, patch_size=4, symmetries=True,
    loss_on="every_loop", labels="hard",
)  # fmt: skip
# Task 3 lies half a volume beside its parent, 4 beside both; 5's parent was never
# fetched, 6's parent has no place, and 7 and 8 are each other's parents.
TASKS = [
    {"task": 1, "volume": 11, "seed": [1], "aggregate": [1, 2, 5]},
    {"task": 3, "volume": 12, "parent": 1, "min_x": 17, "seed": [2, 8], "min_y": -6},
    {"task": 4, "volume": 11, "parent": 3, "min_z": 24, "aggregate": [0, 7, 70_000]},
    {"task": 9, "volume": 13, "excluded": "never fetched"},
    {"task": 5, "volume": 12, "parent": 9},
    {"task": 10, "excluded": "nowhere"},
    {"task": 6, "volume": 12, "parent": 10, "min_x": None},
    {"task": 7, "volume": 12, "parent": 8, "aggregate": [3, 4]},
    {"task": 8, "volume": 11, "parent": 7, "aggregate": [6]},
]
CHOSEN = [8, 4, 3, 5, 1, 6, 7]


@pytest.fixture
def index(make_index):
    return make_index(*TASKS)


@pytest.fixture
def store(make_store, octants):
    ids = np.random.default_rng(3).permutation(octants.ravel()).reshape(8, 8, 8)
    ids[0, 0] = 0
    return make_store({11: octants, 12: ids})


def model_settings(context):
    return NetworkSettings(
        title="m", context=context, context_channels=0 if context == "none" else 2
    )


@pytest.mark.parametrize("labels", LABELS)
@pytest.mark.parametrize("context", CONTEXTS)
def test_patches_are_those_of_the_plain_samples(index, store, context, labels):
    """Bit by bit, whatever is cut and however it is turned."""
    index["aggregate_weights"] = [
        np.linspace(0.3, 1.1, len(ids)) for ids in index["aggregate"]
    ]
    settings = model_settings(context)
    loader = SampleLoader(index, store, settings)
    samples = GpuSamples(index, store, settings, CHOSEN, CPU, labels)
    generator = np.random.default_rng(0)
    for _ in range(7):
        starts = generator.integers(0, 5, (len(CHOSEN), 3))
        turns = generator.integers(0, 48, len(CHOSEN))
        found = samples.cut(CHOSEN, torch.tensor(starts), torch.tensor(turns), 4)
        for task, (z, y, x), turn, patch in zip(
            CHOSEN, starts, turns, found, strict=True
        ):
            plain = loader.load(task, labels)[:, z : z + 4, y : y + 4, x : x + 4]
            expected = apply(torch.from_numpy(plain), SYMMETRIES[turn])
            torch.testing.assert_close(patch, expected, rtol=0, atol=0)


def test_whole_volumes_are_those_of_the_plain_samples(index, store):
    settings = model_settings("ancestors_registered")
    found = GpuSamples(index, store, settings, CHOSEN, CPU).stack(CHOSEN[:3])
    expected = SampleLoader(index, store, settings).stack(CHOSEN[:3])
    torch.testing.assert_close(found, expected, rtol=0, atol=0)


@pytest.mark.parametrize("geometry", [VolumeGeometry((32, 16, 48), 8, 4)])
def test_volumes_need_not_be_cubes(index, make_store, geometry):
    """Whole volumes and patches, turned, are those of the plain samples."""
    ids = np.random.default_rng(3).integers(0, 9, (2, *geometry.coarse_shape))
    store = make_store(dict(zip((11, 12), ids, strict=True)))
    settings = model_settings("ancestors_registered")
    samples = GpuSamples(index, store, settings, CHOSEN, CPU)
    loader = SampleLoader(index, store, settings)
    found, expected = samples.stack(CHOSEN), loader.stack(CHOSEN)
    torch.testing.assert_close(found, expected, rtol=0, atol=0)
    for turn, (z, x) in enumerate(np.ndindex(5, 9)):
        start = torch.tensor([[z, 0, x]]).expand(len(CHOSEN), 3)
        found = samples.cut(CHOSEN, start, torch.full((len(CHOSEN),), turn), 4)
        plain = apply(expected[..., z : z + 4, :, x : x + 4], SYMMETRIES[turn])
        torch.testing.assert_close(found, plain, rtol=0, atol=0)
    noise = torch.Generator().manual_seed(0)
    assert samples.draw([1], SETTINGS, noise)[:, -2].any()


def test_patches_hold_seed_wherever_they_can(make_index, make_store):
    ids = np.zeros((8, 8, 8), np.uint16)
    ids[1, 6, 7] = 1
    ids[5, 5, 5] = 2
    samples = GpuSamples(
        make_index({"task": 1, "volume": 11, "seed": [1]}),
        make_store({11: ids}),
        model_settings("none"),
        [1],
        CPU,
    )
    noise = torch.Generator().manual_seed(0)
    settings = replace(SETTINGS, symmetries=False)
    starts = set()
    for _ in range(50):
        (patch,) = samples.draw([1], settings, noise)
        ((_, *where),) = patch[1:2].nonzero().tolist()
        starts.add(tuple(where))
    # Voxel (1, 6, 7) is first or second along z, third or fourth along y, last along x.
    assert starts == {(z, y, 3) for z in (0, 1) for y in (2, 3)}
    turned = [samples.draw([1], SETTINGS, noise) for _ in range(20)]
    assert len({patch.numpy().tobytes() for patch in turned}) > 12


def test_a_patch_larger_than_the_volume_is_refused(index, store):
    samples = GpuSamples(index, store, model_settings("none"), CHOSEN, CPU)
    with pytest.raises(ConfigError, match=r"patch_size is 12, expected at most .* 8"):
        samples.draw([1], replace(SETTINGS, patch_size=12), torch.Generator())


def test_a_task_without_volume_is_named(index, store):
    with pytest.raises(VolumeError, match="task 10 has no volume"):
        GpuSamples(index, store, model_settings("none"), [1, 10], CPU)


@pytest.mark.parametrize(("volumes", "kept"), [(97, True), (98, False)])
def test_volumes_stay_off_a_device_that_is_too_small(
    store, monkeypatch, caplog, volumes, kept
):
    free = 97 * 3 * 512 / gpu_samples.SHARE_FOR_VOLUMES
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (free, 80e9))
    with caplog.at_level(logging.WARNING):
        assert fits(store, volumes, torch.device("cuda")) == kept
    assert ("98 volumes take" in caplog.text) != kept
    assert not fits(store, 1, CPU)
