"""A trained classifier: from checkpoint to answers, alone and in the workflow."""

import numpy as np
import pytest
import torch

from eyewire_validator.agglomeration.contact_model import ContactModel
from eyewire_validator.agglomeration.membership import Membership
from eyewire_validator.answers import Resources
from eyewire_validator.config.families import AgglomerationSettings, NetworkSettings
from eyewire_validator.errors import ModelError
from eyewire_validator.models.answer import load_answerer
from eyewire_validator.models.checkpoint import (
    CheckpointInfo,
    load_checkpoint,
    save_checkpoint,
)
from eyewire_validator.models.segment_validator import load_segment_validator
from eyewire_validator.models.voxel_validator import load_validator
from eyewire_validator.volumes.dust import Dust
from eyewire_validator.voxel_network.lwunet import LWUNet

SETTINGS = AgglomerationSettings(title="contacts")


@pytest.fixture
def checkpoint(tmp_path):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = ContactModel("features")
    model.classifier.standardize_by(
        torch.randn(9, 109, generator=torch.Generator().manual_seed(0))
    )
    path = tmp_path / "checkpoint.pt"
    save_checkpoint(path, model, CheckpointInfo(SETTINGS))
    return path


@pytest.fixture
def image():
    return np.random.default_rng(0).integers(0, 256, (8, 8, 8)).astype(np.uint8)


def test_a_checkpoint_brings_back_every_weight_and_no_dropout(checkpoint):
    model, info = load_checkpoint(checkpoint)
    assert isinstance(model, ContactModel)
    assert info.model_settings == SETTINGS
    assert not model.training
    assert model.classifier.deviation.min() > 0.1
    assert not torch.equal(
        model.classifier.mean, torch.zeros_like(model.classifier.mean)
    )


def test_every_segment_but_the_seed_is_answered(checkpoint, image, octants):
    found = load_segment_validator(checkpoint).answer(image, octants, [1, 2])
    assert sorted(found["segment"]) == [3, 4, 5, 6, 7, 8]
    assert found["probability"].is_monotonic_decreasing
    assert found["probability"].between(0, 1).all()
    assert (found["deviation"] > 0).any()


def test_what_was_rejected_is_less_probable(checkpoint, image, octants):
    validator = load_segment_validator(checkpoint)
    validator.model.membership = Membership(0.0, 1.0, 0.0, -3.0)
    one, other = (
        validator.answer(image, octants, [1], rejected).set_index("segment")
        for rejected in ([], [1, 5, 99])
    )
    less = one["probability"] > other["probability"].loc[one.index]
    assert less.index[less].tolist() == [5]


def test_the_workflow_answers_as_the_model_alone(
    checkpoint, octants, make_store, make_index
):
    store = make_store({11: octants})
    index = make_index({"task": 5, "volume": 11, "seed": [1], "aggregate": [1, 2]})
    alone = load_segment_validator(checkpoint).answer(*store.get(11), [1])
    resources = Resources(store=store, dust=Dust(0))
    ((by_loop),) = load_answerer(SETTINGS, resources, checkpoint)(index)([5])
    segments = by_loop[1].segments
    np.testing.assert_array_equal(segments[alone["segment"]], alone["probability"])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"image": np.zeros((8, 8, 8), np.float32)},
            "image is float32, expected uint8",
        ),
        ({"image": np.zeros((8, 8, 4), np.uint8)}, r"shape \(8, 8, 4\)"),
        ({"segmentation": np.ones((8, 8, 8), np.int64)}, "segmentation is int64"),
        ({"seed": [1, 99]}, "seed: 99 is no segment"),
    ],
)
def test_what_it_cannot_answer_is_refused(checkpoint, image, octants, change, message):
    given = {"image": image, "segmentation": octants, "seed": [1], **change}
    with pytest.raises(ModelError, match=message):
        load_segment_validator(checkpoint).answer(**given)


def test_each_kind_of_checkpoint_names_its_own_loader(checkpoint, tmp_path):
    with pytest.raises(ModelError, match="use load_segment_validator"):
        load_validator(checkpoint)
    settings = NetworkSettings(title="net")
    save_checkpoint(tmp_path / "net.pt", LWUNet(0, 1), CheckpointInfo(settings))
    with pytest.raises(ModelError, match="use load_validator"):
        load_segment_validator(tmp_path / "net.pt")


def test_agglomeration_needs_a_checkpoint_of_its_kind(make_store, octants, tmp_path):
    resources = Resources(store=make_store({11: octants}), dust=Dust(0))
    with pytest.raises(ModelError, match="needs a checkpoint; train it first"):
        load_answerer(SETTINGS, resources)
    settings = NetworkSettings(title="net")
    save_checkpoint(tmp_path / "net.pt", LWUNet(0, 1), CheckpointInfo(settings))
    with pytest.raises(ModelError, match="is of kind lwunet, not agglomeration"):
        load_answerer(SETTINGS, resources, tmp_path / "net.pt")
