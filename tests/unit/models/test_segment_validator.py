"""A trained classifier: from checkpoint to answers, alone and in the workflow."""

import warnings
from dataclasses import replace

import numpy as np
import pytest
import torch

from eyewire_validator.agglomeration.contact_model import ContactModel
from eyewire_validator.agglomeration.membership import Membership
from eyewire_validator.agglomeration.scoring import score_contacts
from eyewire_validator.answers import Resources
from eyewire_validator.config.families import AgglomerationSettings, NetworkSettings
from eyewire_validator.errors import ModelError
from eyewire_validator.evaluation.decisions import Decisions
from eyewire_validator.evaluation.operating_point import Kept, OperatingPoint
from eyewire_validator.models import segment_validator
from eyewire_validator.models.alarm import alarm_of, familiar_volumes
from eyewire_validator.models.answer import load_answerer
from eyewire_validator.models.checkpoint import (
    CheckpointInfo,
    load_checkpoint,
    save_checkpoint,
)
from eyewire_validator.models.segment_validator import load_segment_validator
from eyewire_validator.models.voxel_validator import load_validator
from eyewire_validator.volumes.appearance import Appearance, Familiar
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


@pytest.fixture
def trained_on_bright(tmp_path, checkpoint):
    """The same model, which learned from images much brighter than these."""
    model, info = load_checkpoint(checkpoint)
    noise = np.random.default_rng(1).integers(0, 256, (8, 8, 8), np.uint8)
    bright = Appearance.of_image(noise)._replace(mean=900)
    path = tmp_path / "bright.pt"
    familiar = Familiar.of({"bright": [bright] * 3}, {})
    save_checkpoint(path, model, replace(info, familiar=familiar))
    return path


def test_an_image_unlike_all_that_was_learned_from_rings_the_alarm(
    trained_on_bright, checkpoint, image, octants
):
    with pytest.warns(UserWarning, match="unlike all .+ it is darker; do not act"):
        scored = load_segment_validator(trained_on_bright).score(image, octants)
    assert scored.alarms
    with warnings.catch_warnings(action="error"):
        assert not load_segment_validator(checkpoint).score(image, octants).alarms


def test_segments_that_do_not_touch_ring_the_alarm(
    checkpoint, make_store, image, octants
):
    apart = np.zeros_like(octants)
    apart[::7, ::7, ::7] = octants[::7, ::7, ::7]
    with pytest.warns(UserWarning, match="touch no other.+expand_labels"):
        found = load_segment_validator(checkpoint).answer(image, apart, [1])
    assert set(found["decision"]) == {"ask"}
    store = make_store({11: apart, 12: octants})
    assert "touch no other" in alarm_of(checkpoint, store)(11)
    assert alarm_of(checkpoint, store)(12) is None


def test_the_workflow_hears_the_alarm_of_a_volume(
    trained_on_bright, checkpoint, make_store, octants, capsys
):
    store = make_store({11: octants})
    assert "darker" in alarm_of(trained_on_bright, store)(11)
    assert "ALARM: contacts: volume 11" in capsys.readouterr().out
    assert alarm_of(checkpoint, store)(11) is None
    assert "is not known" in capsys.readouterr().out


def test_training_notes_how_its_volumes_look(make_store, make_index, octants):
    store = make_store(dict.fromkeys([11, 12, 13, 14], octants))
    index = make_index(
        *(
            {"task": v, "volume": v, "split": "test" if v == 14 else "train"}
            for v in store.folders
        )
    )
    noted = familiar_volumes(index, store, "noise").tissues["noise"]
    looks = [Appearance.of(store.get(volume)) for volume in (11, 12, 13)]
    np.testing.assert_allclose(noted.mean, np.mean(looks, axis=0))


def test_a_model_that_sees_no_image_is_not_alarmed(
    trained_on_bright, make_store, octants
):
    model, info = load_checkpoint(trained_on_bright)
    blind = replace(info, model_settings=replace(SETTINGS, image="none"))
    save_checkpoint(trained_on_bright, model, blind)
    assert alarm_of(trained_on_bright, make_store({11: octants}))(11) is None


def test_the_size_of_voxels_counts_where_they_are_no_cubes(checkpoint, image, octants):
    validator = load_segment_validator(checkpoint)
    plain, cubes, flat = (
        validator.answer(image, octants, [1], voxel_nm=edges)["probability"].tolist()
        for edges in (None, (7, 7, 7), (30, 6, 6))
    )
    assert plain == cubes != flat


def test_a_model_knows_the_voxels_that_it_learned_from(checkpoint, tmp_path):
    model, info = load_checkpoint(checkpoint)
    familiar = Familiar({}, voxel_nm=(30.0, 6.0, 6.0))
    path = tmp_path / "flat.pt"
    save_checkpoint(path, model, replace(info, familiar=familiar))
    assert load_segment_validator(path).model.learned_nm == (30, 6, 6)
    assert load_segment_validator(checkpoint).model.learned_nm is None


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
    image, segmentation, _ = store.get(11)
    alone = load_segment_validator(checkpoint).answer(image, segmentation, [1])
    resources = Resources(store=store, dust=Dust(0))
    ((by_loop),) = load_answerer(SETTINGS, resources, checkpoint)(index)([5])
    segments = by_loop[1].segments
    np.testing.assert_array_equal(segments[alone["segment"]], alone["probability"])


def blocks(ids, dtype):
    """Return eight segments (8, 8, 8) of these ids."""
    return np.array(ids, dtype).reshape(2, 2, 2).repeat(4, 0).repeat(4, 1).repeat(4, 2)


@pytest.mark.parametrize(
    ("dtype", "first"),
    [
        ("u1", 1),
        ("<u2", 65528),
        (">u2", 9),
        ("<i8", 65533),
        (">i4", 1),
        ("<u8", 2**64 - 9),
    ],
)
def test_any_whole_ids_are_answered_and_come_back(
    checkpoint, image, octants, dtype, first
):
    validator = load_segment_validator(checkpoint)
    plain = validator.answer(image, octants, [1, 2], [5])
    ids = [first + number for number in range(8)]
    found = validator.answer(image, blocks(ids, dtype), [first, first + 1], [first + 4])
    assert found["segment"].dtype == np.dtype(dtype).newbyteorder("=")
    assert [int(one) - first + 1 for one in found["segment"]] == plain[
        "segment"
    ].tolist()
    assert found["probability"].equals(plain["probability"])


def test_ids_that_uint16_would_join_stay_apart(checkpoint, image):
    segmentation = blocks([5, 65541, 9, 131077, 70000, 80000, 90000, 99999], np.uint64)
    found = load_segment_validator(checkpoint).answer(image, segmentation, [65541])
    assert sorted(found["segment"]) == [5, 9, 70000, 80000, 90000, 99999, 131077]


@pytest.mark.parametrize("dtype", [">u2", "<i4"])
def test_grey_values_of_any_whole_dtype_are_taken(checkpoint, image, octants, dtype):
    validator = load_segment_validator(checkpoint)
    plain = validator.answer(image, octants, [1])
    assert validator.answer(image.astype(dtype), octants, [1]).equals(plain)


@pytest.fixture
def scorings(monkeypatch):
    """Count how often the contacts of a volume are scored."""
    scored = []

    def count(*given):
        scored.append(given)
        return score_contacts(*given)

    monkeypatch.setattr(segment_validator, "score_contacts", count)
    return scored


def test_a_volume_is_scored_once_for_all_its_seeds(
    checkpoint, image, octants, scorings
):
    validator = load_segment_validator(checkpoint)
    one = validator.answer(image, octants, [1])
    other = validator.answer(image.copy(), octants.copy(), [2])
    assert len(scorings) == 1
    scored = validator.score(image, octants)
    assert scored.answer([1]).equals(one)
    assert scored.answer([2]).equals(other)


def test_arrays_that_were_changed_in_place_are_scored_again(
    checkpoint, image, octants, scorings
):
    validator = load_segment_validator(checkpoint)
    before = validator.answer(image, octants, [1])
    image[:] = np.flip(image)
    after = validator.answer(image, octants, [1])
    assert len(scorings) == 2
    assert not after.equals(before)


def test_only_the_last_volumes_stay_scored(checkpoint, image, octants, scorings):
    validator = load_segment_validator(checkpoint)
    for grey in range(segment_validator.KEPT + 1):
        validator.answer(np.full_like(image, grey), octants, [1])
    validator.answer(np.full_like(image, 1), octants, [1])
    assert len(scorings) == segment_validator.KEPT + 1
    validator.answer(np.full_like(image, 0), octants, [1])
    assert len(scorings) == segment_validator.KEPT + 2


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"image": np.full((8, 8, 8), 0.5, np.float32)},
            r"float32 with values 0.5 to 0.5, expected .* 0 to 255 .*np\.interp",
        ),
        ({"image": np.full((8, 8, 8), 4095, np.uint16)}, "4095 to 4095.*scale all"),
        ({"image": np.full((8, 8, 8), -1, np.int8)}, "int8 with values -1 to -1"),
        ({"image": np.zeros((8, 8, 4), np.uint8)}, r"shape \(8, 8, 4\)"),
        ({"image": np.zeros((0, 8, 8), np.uint8)}, r"shape \(0, 8, 8\).*none empty"),
        ({"segmentation": np.ones((8, 8, 8))}, "segmentation is float64.*integer"),
        ({"segmentation": np.ones((8, 8, 8), bool)}, "segmentation is bool.*integer"),
        ({"segmentation": blocks(range(-1, 7), np.int64)}, "the id -1.*to 0"),
        ({"seed": [1, 99]}, "seed: 99 is no segment"),
        ({"seed": [0]}, "seed: 0 is no segment"),
        ({"seed": [1.0]}, r"\[1.0\]: expected ids of segments"),
        ({"seed": 1}, "^1: expected ids of segments"),
        ({"seed": []}, "seed: holds no id"),
        ({"voxel_nm": (0, 18, 18)}, r"\(0, 18, 18\), expected three lengths above 0"),
        ({"voxel_nm": (np.nan, 18, 18)}, "nan, 18, 18.*three lengths"),
        ({"voxel_nm": 30}, "are 30, expected three lengths"),
        ({"seed": np.ones((8, 8, 8), bool)}, "those in a mask"),
    ],
)
def test_what_it_cannot_answer_is_refused(checkpoint, image, octants, change, message):
    given = {"image": image, "segmentation": octants, "seed": [1], **change}
    with pytest.raises(ModelError, match=message):
        load_segment_validator(checkpoint).answer(**given)


def test_ids_and_edges_may_come_in_any_holder(checkpoint, image, octants):
    validator = load_segment_validator(checkpoint)
    plain = validator.answer(image, octants, [1, 2], voxel_nm=(30, 6, 6))
    for seed in (np.array([1, 2]), torch.tensor([1, 2]), iter([1, 2])):
        found = validator.answer(image, octants, seed, voxel_nm=np.array([30, 6, 6]))
        assert found.equals(plain)


def test_nothing_is_adapted_to_nothing(checkpoint, image, octants):
    validator = load_segment_validator(checkpoint)
    for volumes in ([], [(image, octants * 0)]):
        with pytest.raises(ModelError, match="hold no segment"):
            validator.adapted(volumes)
    with pytest.raises(ModelError, match=r"expected pairs, such as \[\(image"):
        validator.adapted((image, octants))


def test_more_segments_than_it_can_count_are_refused(checkpoint):
    segmentation = np.arange(41**3).reshape(41, 41, 41) + 1
    image = np.zeros(segmentation.shape, np.uint8)
    with pytest.raises(ModelError, match=r"68921 segments, expected 65535.*smaller"):
        load_segment_validator(checkpoint).answer(image, segmentation, [1])


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


def test_segments_are_decided_by_what_the_checkpoint_carries(checkpoint, image):
    blocks = np.arange(1, 9, dtype=np.uint16).reshape(2, 2, 2)
    segmentation = np.kron(blocks, np.ones((4, 4, 4), np.uint16))
    model, info = load_checkpoint(checkpoint)
    answer = load_segment_validator(checkpoint).answer
    found = answer(image, segmentation, [1])
    assert set(found["decision"]) == {"ask"}
    middle = float(found["probability"].median())
    point = OperatingPoint(
        "fly", Decisions(middle, middle, middle, 9, 3, 99), 1.0, 5, 2,
        Kept(0, None, None, None), Kept(0, None, None, None),
    )  # fmt: skip
    save_checkpoint(checkpoint, model, replace(info, operating_point=point))
    found = load_segment_validator(checkpoint).answer(image, segmentation, [1])
    expected = np.where(found["probability"] >= np.float32(middle), "accept", "reject")
    assert found["decision"].tolist() == expected.tolist()
    assert set(expected) == {"accept", "reject"}
