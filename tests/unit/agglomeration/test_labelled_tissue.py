"""Whole labelled blocks: which voxels are known, and how they are shown."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from eyewire_validator.agglomeration import affinity_training
from eyewire_validator.agglomeration.affinity_patches import (
    UNKNOWN,
    Patches,
    blur_along_an_axis,
)
from eyewire_validator.agglomeration.affinity_training import affinity_loss
from eyewire_validator.agglomeration.affinity_unet import OFFSETS
from eyewire_validator.agglomeration.labelled_tissue import LabelledBlock, label_cubes
from eyewire_validator.agglomeration.tissue_training import train_tissue
from eyewire_validator.config.families import AgglomerationTraining
from eyewire_validator.errors import ModelError

SETTINGS = AgglomerationTraining(
    device="cpu", random_seed=0, epochs=2, batch_size=2,
    learning_rate=0.004, weight_decay=0.0005, lr_step=2, lr_gamma=0.3, patience=1,
    validation_tasks=8, patch_size=8,
)  # fmt: skip
NM = (10.0, 10.0, 10.0)


@pytest.fixture
def block():
    """Two objects, dark between them, of 24 voxels an edge."""
    labels = np.ones((24, 24, 24), np.uint16)
    labels[:, :, 12:] = 2
    image = np.full(labels.shape, 160, np.uint8)
    image[:, :, 11:13] = 40
    return LabelledBlock(image, labels, NM)


def test_unlabelled_voxels_are_of_the_supervoxel_that_one_object_owns(block):
    supervoxels = np.ones((24, 24, 24), np.uint32)
    supervoxels[:, :, 12:] = 2
    supervoxels[:, 12:, 12:] = 3
    block.labels[:, :, 10:14] = 0
    block.labels[:, 12:, 12:] = 0  # supervoxel 3: nobody knows
    (known,) = label_cubes(replace(block, supervoxels=supervoxels))
    found = [known.objects[torch.from_numpy(supervoxels == n)] for n in (1, 2, 3)]
    assert [len(objects.unique()) for objects in found] == [1, 1, 1]
    assert found[0][0] != found[1][0] != found[2][0] == UNKNOWN
    (alone,) = label_cubes(block)
    assert (alone.objects == UNKNOWN).equal(torch.from_numpy(block.labels == 0))


def test_what_nobody_labelled_teaches_nothing():
    objects = torch.tensor([[[[1, UNKNOWN, 2, 2]]]], dtype=torch.int32)
    logits = torch.zeros(1, len(OFFSETS), 1, 1, 4)
    before = affinity_loss(logits, objects)
    logits[:, 2, ..., :2] = 9.0  # from and to the unknown voxel
    assert affinity_loss(logits, objects) == before
    logits[:, 2, ..., 2] = 9.0
    assert affinity_loss(logits, objects) < before


def test_a_large_block_is_cut_into_cubes_that_hold_all_of_it():
    labels = np.arange(70 * 64 * 64).reshape(70, 64, 64) + 1
    cubes = label_cubes(LabelledBlock(np.zeros(labels.shape, np.uint8), labels, NM))
    assert [cube.image.shape for cube in cubes] == [(64, 64, 64)] * 2
    held = torch.cat([cube.objects.flatten() for cube in cubes]).unique()
    assert len(held) == labels.size


def test_voxels_become_cubes_of_the_shortest_edge_or_longer(block):
    flat = replace(block, voxel_nm=(20.0, 10.0, 10.0))
    assert label_cubes(flat)[0].image.shape == (48, 24, 24)
    (coarse,) = label_cubes(block, scale=1.5)
    assert coarse.image.shape == coarse.objects.shape == (16, 16, 16)
    assert len(coarse.objects[..., :8].unique()) == 1
    assert float(coarse.image[..., 7:9].max()) < float(coarse.image[..., :5].min())


def test_patches_come_from_volumes_of_any_shape(block):
    cubes = [*label_cubes(block), *label_cubes(block, scale=1.5)]
    patches = Patches(cubes, 8, torch.device("cpu"))
    start = torch.tensor([[0, 0, 4], [4, 8, 0]])
    _, objects = patches.cut(torch.tensor([0, 1]), start, torch.tensor([0, 0]))
    assert torch.equal(objects[0], cubes[0].objects[:8, :8, 4:12])
    assert torch.equal(objects[1], cubes[1].objects[4:12, 8:16, :8])


def test_a_blurred_patch_keeps_its_sum_and_loses_detail():
    noise = torch.Generator().manual_seed(0)
    images = torch.zeros(50, 5, 5, 5)
    images[:, 2, 2, 2] = 1
    blurred = blur_along_an_axis(images, noise)
    torch.testing.assert_close(blurred.sum((1, 2, 3)), torch.ones(50))
    assert 0.3 < float(blurred[:, 2, 2, 2].min()) < 0.4
    # Along one axis each, and along all of them among fifty.
    sides = torch.stack([blurred[:, 1, 2, 2], blurred[:, 2, 1, 2], blurred[:, 2, 2, 1]])
    assert ((sides > 0).sum(0) == 1).all()
    assert (sides > 0).any(1).all()


def test_an_interrupted_training_ends_with_the_same_weights(
    block, tmp_path, monkeypatch
):
    def train(folder):
        return train_tissue(
            {"one": block},
            SETTINGS,
            folder,
            0,
            patches=6,
            device=torch.device("cpu"),
            threads=1,
        )

    whole, history = train(tmp_path / "whole")
    step, calls = affinity_training._step, []

    def killed_later(*arguments):
        calls.append(arguments)
        if len(calls) > 4:
            raise KeyboardInterrupt
        return step(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(affinity_training, "_step", killed_later)
        with pytest.raises(KeyboardInterrupt):
            train(tmp_path / "again")
    again, resumed = train(tmp_path / "again")
    for name, value in whole.state_dict().items():
        assert torch.equal(value, again.state_dict()[name]), name
    assert resumed.equals(history)
    assert history["validation_loss"].isna().all()


def test_a_block_that_is_too_thin_is_refused(block, tmp_path):
    thin = LabelledBlock(block.image[:6], block.labels[:6], NM)
    with pytest.raises(ModelError, match=r"\(6, 24, 24\) voxels .* too thin"):
        train_tissue(
            {"one": thin},
            SETTINGS,
            tmp_path,
            0,
            patches=6,
            device=torch.device("cpu"),
            threads=1,
        )
