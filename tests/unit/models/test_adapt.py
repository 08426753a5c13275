"""A model that is adapted to a tissue of which nothing is labelled."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from eyewire_validator.agglomeration.contact_classifier import unlearned_second_look
from eyewire_validator.agglomeration.contact_model import ContactModel
from eyewire_validator.agglomeration.membership import Membership
from eyewire_validator.config.families import (
    AgglomerationSettings,
    AgglomerationTraining,
)
from eyewire_validator.errors import ModelError
from eyewire_validator.evaluation.decisions import Decisions
from eyewire_validator.evaluation.left_out import LeftOutScore, Measured
from eyewire_validator.evaluation.operating_point import Kept, OperatingPoint
from eyewire_validator.learning.tensor_files import save_plain
from eyewire_validator.models.adapt import adapt_model
from eyewire_validator.models.checkpoint import (
    Adapted,
    CheckpointInfo,
    load_checkpoint,
    save_checkpoint,
)
from eyewire_validator.models.segment_validator import load_segment_validator
from eyewire_validator.models.thresholds import describe_left_out, describe_thresholds
from eyewire_validator.volumes.appearance import Appearance, Familiar
from eyewire_validator.volumes.store import CoarseVolume

NOTHING = Kept(0, None, None, None)


def point(tissue, threshold):
    decisions = Decisions(threshold, None, None, 9, 3, 99)
    return OperatingPoint(tissue, decisions, 1.0, 5, 2, NOTHING, NOTHING)


def left_out(edits):
    unknown = Measured(None, None, None)
    return LeftOutScore(
        "mouse", 9, 3, 2, Measured(edits, 0.5, 3.0), 4.0, unknown, unknown, 0.5
    )


GIVEN, ADAPTED = point("as it is", 0.5), point("adapted", 0.25)
LOOKS = [Appearance(1.0, 100.0 + n, 5.0, -2.0, -1.0, -1.0, 0.0) for n in range(4)]
INFO = CheckpointInfo(
    AgglomerationSettings(title="m", evidence="affinities"),
    familiar=Familiar.of({"fly": LOOKS}, {"fly": (10.0, 10.0, 10.0)}),
    memberships={"fly": Membership(-1.0, 2.0, 0.5, -3.0)},
    operating_point=GIVEN,
    adapted=Adapted(
        AgglomerationTraining(
            device="cpu", random_seed=0, epochs=1, batch_size=2, patch_size=8,
            learning_rate=0.01, weight_decay=0.0, lr_step=21, lr_gamma=1.0,
            patience=36, validation_tasks=1,
        ),
        Membership(0.5, 1.0, 0.0, 0.0),
        {"fly": Membership(-0.5, 1.0, 0.0, 0.0)},
        ADAPTED,
        unlearned_second_look(),
        (left_out(1.0),),
    ),
    left_out=(left_out(2.0),),
)  # fmt: skip


@pytest.fixture
def checkpoint(tmp_path):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = ContactModel("affinities")
    model.membership = Membership(0.0, 1.5, 0.0, 0.0)
    save_checkpoint(tmp_path / "model.pt", model, INFO)
    return tmp_path / "model.pt"


@pytest.fixture
def block():
    ids = np.kron(np.arange(1, 9).reshape(2, 2, 2), np.ones((8, 8, 8), int))
    image = np.random.default_rng(0).integers(0, 256, ids.shape).astype(np.uint8)
    return image, ids.astype(np.uint16)


def test_what_was_fitted_to_adapted_networks_goes_with_the_adapted_one(
    checkpoint, block, tmp_path
):
    model, info = load_checkpoint(checkpoint)
    second_look = info.adapted.second_look
    assert info.adapted._replace(second_look=None) == INFO.adapted._replace(
        second_look=None
    )
    assert info.left_out == INFO.left_out
    volume = CoarseVolume(*block, (10.0, 10.0, 10.0))
    device = torch.device("cpu")
    adapted, about = adapt_model(model, info, [volume], device=device, threads=1)
    assert adapted.scored_by != model.scored_by
    assert adapted.membership == INFO.adapted.membership
    assert adapted.second_look is second_look
    assert about.operating_point == ADAPTED
    assert about.left_out == INFO.adapted.left_out
    # The alarm rings as before, and nobody adapts it twice.
    assert about.familiar is info.familiar
    with pytest.raises(ModelError, match=r"nothing was fitted .*adapt: 0"):
        adapt_model(adapted, about, [volume], device=device, threads=1)
    save_checkpoint(tmp_path / "adapted.pt", adapted, about)
    back, found = load_checkpoint(tmp_path / "adapted.pt")
    assert found.left_out == about.left_out
    assert back.by_tissue.of_tissue == INFO.adapted.memberships
    assert back.learned_nm == model.learned_nm


@pytest.mark.filterwarnings("ignore:this volume is unlike all")
def test_a_validator_adapts_and_stays_as_it_is(checkpoint, block):
    validator = load_segment_validator(checkpoint)
    before = validator.answer(*block, [1], voxel_nm=(10, 10, 10))
    adapted = validator.adapted([block], (10, 10, 10))
    after = adapted.answer(*block, [1], voxel_nm=(10, 10, 10))
    assert not np.array_equal(before["probability"], after["probability"])
    again = validator.answer(*block, [1], voxel_nm=(10, 10, 10))
    assert again.equals(before)
    assert adapted.info.operating_point == ADAPTED


def test_a_warning_says_that_it_can_adapt_as_long_as_it_can(checkpoint, block):
    validator = load_segment_validator(checkpoint)
    with pytest.warns(UserWarning, match="answers better once it is adapted"):
        validator.score(*block, (10, 10, 10))
    with pytest.warns(UserWarning, match="unlike all") as said:
        validator.adapted([block], (10, 10, 10)).score(*block, (10, 10, 10))
    assert "once it is adapted" not in str(said[0].message)


def test_thresholds_are_described_of_what_answers(checkpoint):
    assert "measured on as it is" in describe_thresholds(checkpoint)
    assert "measured on adapted" in describe_thresholds(checkpoint, is_adapted=True)
    model, info = load_checkpoint(checkpoint)
    save_checkpoint(checkpoint, model, replace(info, adapted=None))
    assert "measured on as it is" in describe_thresholds(checkpoint, is_adapted=True)


def test_what_is_saved_on_tissue_left_out_is_said_of_what_answers(checkpoint):
    assert "saves 50 % of the edits in mouse" in describe_left_out(checkpoint)
    assert "saves 75 %" in describe_left_out(checkpoint, is_adapted=True)
    model, info = load_checkpoint(checkpoint)
    save_checkpoint(checkpoint, model, replace(info, left_out=()))
    assert describe_left_out(checkpoint) is None


def test_checkpoints_of_before_are_read(checkpoint):
    content = torch.load(checkpoint, weights_only=True)
    del content["left_out"], content["adapted"]["left_out"]
    save_plain(checkpoint, content)
    _, info = load_checkpoint(checkpoint)
    assert info.left_out == info.adapted.left_out == ()
    assert info.adapted.operating_point == ADAPTED
    content["left_out"] = [{"tissue": "mouse"}]
    save_plain(checkpoint, content)
    with pytest.raises(ModelError, match=r"another version .*tissue left out"):
        load_checkpoint(checkpoint)
