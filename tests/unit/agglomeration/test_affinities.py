"""Affinities of neighbouring voxels, learned from tasks, averaged over contacts."""

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch

from eyewire_validator.agglomeration import affinity_training
from eyewire_validator.agglomeration.affinities import (
    _over_contacts,
    contact_affinities,
)
from eyewire_validator.agglomeration.affinity_patches import (
    LabelledVolume,
    Patches,
    change_looks,
)
from eyewire_validator.agglomeration.affinity_training import affinity_loss
from eyewire_validator.agglomeration.affinity_unet import (
    DISTANCES,
    OFFSETS,
    AffinityUNet,
)
from eyewire_validator.agglomeration.answerer import agglomerate
from eyewire_validator.agglomeration.contacts import describe_contacts
from eyewire_validator.agglomeration.scoring import score_contacts
from eyewire_validator.config.families import (
    AgglomerationSettings,
    AgglomerationTraining,
)
from eyewire_validator.errors import ConfigError, ModelError
from eyewire_validator.learning.symmetry import SYMMETRIES, apply
from eyewire_validator.models.train import train_model
from eyewire_validator.tasks.lineage import Lineage
from eyewire_validator.volumes.contacts import mean_over_faces
from eyewire_validator.volumes.store import CoarseVolume

MODEL = AgglomerationSettings(title="affinities", evidence="affinities")
SETTINGS = AgglomerationTraining(
    device="cpu", random_seed=0, epochs=3, batch_size=2,
    learning_rate=0.004, weight_decay=0.0005, lr_step=2, lr_gamma=0.3, patience=3,
    validation_tasks=8, patch_size=8,
)  # fmt: skip
SPLITS = {11: "train", 12: "train", 13: "validation", 14: "test"}


@pytest.fixture
def store(membranes_store):
    return membranes_store


@pytest.fixture
def index(membranes_index):
    return membranes_index


def train(index, store, folder, **changed):
    cpu = torch.device("cpu")
    return train_model(
        index, store, MODEL, replace(SETTINGS, **changed), folder, 0,
        device=cpu, threads=1,
    )  # fmt: skip


def test_values_are_averaged_over_the_faces_of_each_contact():
    """Segments 3 and 7 share a face along y and one along x; 0 shares none."""
    segmentation = np.array([[[7, 3], [3, 0]]], np.int32)
    affinities = np.zeros((3, 1, 2, 2), np.float32)
    affinities[1, 0, 0, 0], affinities[2, 0, 0, 0] = 2.0, 5.0
    affinities[1, 0, 0, 1] = 100.0
    pairs, faces, means = mean_over_faces(segmentation, affinities)
    assert pairs.tolist() == [[3, 7]]
    assert faces.tolist() == [2]
    assert means.tolist() == [3.5]


def test_a_border_beside_the_membrane_is_seen_from_afar():
    """Two segments that meet four voxels beside the membrane between two cells."""
    segmentation = np.ones((4, 4, 16), np.int32)
    segmentation[..., 8:] = 2
    logits = torch.full((9, 4, 4, 16), 5.0)
    for distance, along_x in zip(DISTANCES, (2, 5, 8), strict=True):
        logits[along_x, :, :, 12 - distance : 12] = -5.0
    pairs, area, means = _over_contacts(segmentation, logits, (1.0, 1.0, 1.0))
    assert (pairs.tolist(), area.tolist()) == ([[1, 2]], [16])
    # At their faces one cell; of the pairs 4 and 8 apart none and half cross both.
    np.testing.assert_allclose(means, (5 + 5 + 0) / 3, atol=1e-6)


def test_threads_change_no_bit(octants):
    volume = CoarseVolume(np.uint8(octants * 25), octants)
    torch.manual_seed(0)
    model = AffinityUNet().eval()
    found = [contact_affinities(model, volume, threads)[2] for threads in (1, 3)]
    np.testing.assert_array_equal(*found)


def test_flat_voxels_are_not_turned_into_another_axis(octants):
    seen = set()

    class Watching(AffinityUNet):
        def forward(self, image):
            seen.add(tuple(image.shape[2:]))
            return image.repeat(1, len(OFFSETS), 1, 1, 1)

    volume = CoarseVolume(np.uint8(octants), octants)._replace(voxel_nm=(30, 6, 6))
    flat = volume._replace(image=volume.image[:4], segmentation=octants[:4])
    _, area, _ = contact_affinities(Watching(), flat, learned_nm=(30, 6, 6))
    assert seen == {(4, 8, 8)}
    np.testing.assert_array_equal(area, describe_contacts(flat, "unit").area)


def test_every_turn_scores_the_same_contacts(octants):
    """A network that sees only how dark it is: turns agree but for rounding."""
    octants = octants[:, :7, :6]
    image = np.zeros(octants.shape, np.uint8)
    image[octants == 1] = 255

    class Dark(AffinityUNet):
        def forward(self, image):
            return image.repeat(1, len(OFFSETS), 1, 1, 1)

    pairs, faces, evidence = contact_affinities(Dark(), CoarseVolume(image, octants))
    contacts = describe_contacts(CoarseVolume(image, octants), "unit")
    np.testing.assert_array_equal(pairs, contacts.pairs)
    np.testing.assert_array_equal(faces, contacts.area)
    of_one = (pairs == 1).any(axis=1)
    assert np.ptp(evidence[:, ~of_one]) < 1e-6
    # The voxel before a face is on either side of it, depending on the turn.
    assert {len(np.unique(column)) for column in evidence[:, of_one].T} == {2}


def test_the_loss_looks_only_at_what_tasks_tell():
    objects = torch.zeros(1, 1, 1, 4, dtype=torch.int32)
    logits = torch.zeros(1, len(OFFSETS), 1, 1, 4)
    assert affinity_loss(logits, objects) == 0
    objects[..., 0] = 1
    before = affinity_loss(logits, objects)
    assert before == pytest.approx(np.log(2))
    logits[..., 2] = 9.0  # of the third and the fourth voxel nobody labelled
    assert affinity_loss(logits, objects) == before
    logits[:, 2, ..., 0] = -9.0  # the first and the second are of two objects
    assert affinity_loss(logits, objects) < 0.001


def test_an_object_is_the_answer_of_a_task(octants):
    volume = CoarseVolume(np.zeros_like(octants, np.uint8), octants)
    labelled = LabelledVolume.of(volume, [np.array([1, 2]), np.array([4, 70000])], None)
    found = [int(labelled.objects[octants == s].unique()) for s in range(1, 9)]
    assert found == [1, 1, 0, 2, 0, 0, 0, 0]


def test_patches_are_cubes_that_are_cut_and_turned():
    volumes = [
        LabelledVolume(torch.rand(8, 6, 9), torch.randint(9, (8, 6, 9)).int())
        for _ in range(2)
    ]
    patches = Patches(volumes, 5, torch.device("cpu"))
    for number in range(0, len(SYMMETRIES), 5):
        places = torch.tensor([1, 0]), torch.tensor([[0, 3, 1], [2, 0, 3]])
        found = patches.cut(*places, torch.tensor([number, number]))
        cut = [
            apply(part[2:7, 0:5, 3:8], SYMMETRIES[number])
            for part in (volumes[0].image, volumes[0].objects)
        ]
        for one, expected in zip(found, cut, strict=True):
            assert torch.equal(one[1], expected)


def test_patches_lie_everywhere_in_volumes_that_are_no_cubes():
    image = torch.arange(4 * 6 * 5.0).reshape(4, 6, 5)
    patches = Patches([LabelledVolume(image, image.int())], 4, torch.device("cpu"))
    _, objects = patches.draw(torch.zeros(300, dtype=torch.int64), torch.Generator())
    lowest = objects.flatten(1).min(1).values.unique()
    assert torch.equal(lowest, image[0, :3, :2].flatten().int())


def test_patches_differ_in_contrast_brightness_and_noise():
    noise = torch.Generator().manual_seed(0)
    flat = change_looks(torch.zeros(200, 4, 4, 4), noise)
    brightness, grain = flat.mean((1, 2, 3)), flat.std((1, 2, 3))
    assert 0.4 < float(brightness.max()) < 0.6
    assert -0.6 < float(brightness.min()) < -0.4
    assert float(grain.min()) < 0.02
    assert 0.17 < float(grain.max()) < 0.26
    bright = change_looks(torch.full((200, 4, 4, 4), 100.0), noise).mean((1, 2, 3))
    assert 59 < float(bright.min()) < 70
    assert 130 < float(bright.max()) < 141


def test_a_batch_is_of_one_tissue_and_each_counts_the_same():
    volumes = [LabelledVolume(torch.zeros(1, 1, 1), torch.zeros(1, 1, 1))] * 9
    tissues = [volumes[:1], volumes[1:]]
    draw = np.random.default_rng(0)
    batches = list(affinity_training._batches(tissues, 2001, 4, draw))
    assert [len(batch) for batch in batches] == [4] * 500 + [1]
    small = [bool((batch == 0).all()) for batch in batches]
    large = [bool((batch > 0).all()) for batch in batches]
    assert [one + other for one, other in zip(small, large, strict=True)] == [1] * 501
    assert 220 < sum(small) < 280
    assert set(np.concatenate(batches).tolist()) == set(range(9))


def test_it_learns_where_membranes_are(store, index, tmp_path):
    model, history = train(index, store, tmp_path)
    lineage = Lineage(index)
    answer = agglomerate(model, store, MODEL)
    for task in index.loc[index["split"] == "test", "task"]:
        row = lineage.task(task)
        found = answer(row, lineage)
        assert set(np.flatnonzero(found.segments > 0.5)) == set(row.aggregate)
        assert len(np.unique(found.segment_members[:, row.aggregate[1]])) > 1
    assert history["validation_loss"].iloc[-1] < history["validation_loss"].iloc[0]
    assert history["tasks"].eq(8).all()


def test_an_interrupted_training_ends_with_the_same_weights(store, index, tmp_path):
    whole, history = train(index, store, tmp_path / "whole")
    again, resumed = interrupted(index, store, tmp_path / "again", after=1)
    for name, value in whole.state_dict().items():
        assert torch.equal(value, again.state_dict()[name]), name
    assert resumed.equals(history)


class Killed(Exception):  # noqa: N818
    """Stands for the end of the process."""


def interrupted(index, store, folder, *, after):
    """Train, be killed after some epochs, and train on."""
    validate, calls = affinity_training._validate, []

    def killed_later(*arguments):
        calls.append(arguments)
        if len(calls) > after:
            raise Killed
        return validate(*arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(affinity_training, "_validate", killed_later)
        with pytest.raises(Killed):
            train(index, store, folder)
    return train(index, store, folder)


def test_tasks_that_fill_their_volumes_are_refused(store, make_index, tmp_path):
    rows = [
        {"task": task, "volume": volume, "seed": [1], "aggregate": range(1, 9),
         "split": split}
        for task, (volume, split) in enumerate(SPLITS.items())
    ]  # fmt: skip
    with pytest.raises(ModelError, match="no two voxels are of two cells in 2 train"):
        train(make_index(*rows), store, tmp_path)


def test_both_kinds_of_evidence_are_averaged(store, index, tmp_path):
    both = replace(MODEL, evidence="both")
    cpu = torch.device("cpu")
    model, _ = train_model(
        index, store, both, replace(SETTINGS, epochs=1), tmp_path, 0,
        device=cpu, threads=1,
    )  # fmt: skip
    said = {}
    for evidence in ("both", "features", "affinities"):
        part = copy.copy(model)
        part._modules = dict(model._modules)
        if evidence != "both":
            dropped = "network" if evidence == "features" else "classifier"
            part._modules[dropped] = None
        said[evidence] = score_contacts(part, store.get(14), "unit").evidence
    np.testing.assert_allclose(
        said["both"], (said["features"] + said["affinities"]) / 2, rtol=1e-6
    )


def test_affinities_need_the_image():
    with pytest.raises(ConfigError, match="affinities are found in the image"):
        replace(MODEL, image="none")
