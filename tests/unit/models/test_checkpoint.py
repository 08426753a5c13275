import os
import pickle
import random
from dataclasses import asdict, replace
from pathlib import Path

import pytest
import torch

from eyewire_validator.agglomeration.contact_classifier import unlearned_second_look
from eyewire_validator.agglomeration.contact_model import ContactModel
from eyewire_validator.agglomeration.membership import Membership
from eyewire_validator.config.families import (
    AgglomerationSettings,
    NetworkSettings,
    NetworkTraining,
)
from eyewire_validator.errors import ModelError
from eyewire_validator.evaluation.decisions import Decisions
from eyewire_validator.evaluation.operating_point import Kept, OperatingPoint
from eyewire_validator.learning.tensor_files import save_plain
from eyewire_validator.models.checkpoint import (
    EARLIER_FORMATS,
    OLD_FORMATS,
    CheckpointInfo,
    load_checkpoint,
    save_checkpoint,
)
from eyewire_validator.models.thresholds import (
    read_calibration,
    read_temperature,
    read_thresholds,
)
from eyewire_validator.volumes.appearance import Appearance, Familiar
from eyewire_validator.voxel_network.lwunet import LWUNet

SHARED = Path(__file__).resolve().parents[3].parent / "shared"
PUBLISHED = SHARED / "reference" / "published_state_dict.pth"

MODEL = NetworkSettings(
    title="m", context="ancestors", context_channels=1, loops=3, image="raw"
)
TRAINING = NetworkTraining(
    device="cpu", random_seed=0, epochs=1, batch_size=1, rotation=1,
    learning_rate=0.1, weight_decay=0, lr_step=1, lr_gamma=1, patience=1,
    validation_tasks=1, patch_size=4, symmetries=False,
    loss_on="every_loop", labels="hard",
)  # fmt: skip
INFO = CheckpointInfo(MODEL, TRAINING, {"split": "abc", "leaked": "false"})


def network():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return LWUNet(MODEL.context_channels, MODEL.loops)


@pytest.fixture
def saved(tmp_path):
    path = tmp_path / "checkpoint.pt"
    save_checkpoint(path, network(), INFO)
    return path


def test_comes_back_as_it_was_saved(saved):
    model, info = load_checkpoint(saved)
    assert info == INFO
    assert (model.context_channels, model.loops) == (1, 3)
    weights = network().state_dict()
    assert all(torch.equal(v, weights[k]) for k, v in model.state_dict().items())


POINT = OperatingPoint(
    "fly", Decisions(0.5, 0.8, 0.2, 9, 3, 99), 1.5, 5, 2, Kept(4, 0.5, 0.2, 0.9),
    Kept(0, None, None, None),
)  # fmt: skip


def test_an_operating_point_travels_with_it(tmp_path):
    path = tmp_path / "packaged.pt"
    save_checkpoint(path, network(), replace(INFO, operating_point=POINT))
    assert load_checkpoint(path)[1].operating_point == POINT
    thresholds = read_thresholds(path)
    assert read_temperature(path) == thresholds.temperature
    assert (thresholds.decisions, thresholds.temperature) == (POINT.decisions, 1.5)
    assert thresholds.source == f"checkpoint, measured on {POINT.describe()}"
    assert read_calibration(path) is None


def test_memberships_of_tissues_travel_with_it(tmp_path):
    looks = [Appearance(1.0, 100.0 + n, 5.0, -2.0, -1.0, -1.0, 0.0) for n in range(4)]
    info = CheckpointInfo(
        AgglomerationSettings(title="m", evidence="affinities"),
        familiar=Familiar.of({"fly": looks}, {"fly": None}),
        memberships={"fly": Membership(-1.0, 2.0, 0.5, -3.0)},
    )
    model = ContactModel("affinities")
    model.membership = Membership(0.0, 1.5, 0.0, 0.0)
    save_checkpoint(tmp_path / "tissues.pt", model, info)
    back, found = load_checkpoint(tmp_path / "tissues.pt")
    assert found.memberships == info.memberships
    strange = looks[0]._replace(mean=200.0)
    assert back.by_tissue.on(looks[0], None) == info.memberships["fly"]
    assert back.by_tissue.on(strange, None) == model.membership


def test_an_operating_point_of_another_form_is_refused(tmp_path):
    path = tmp_path / "packaged.pt"
    save_checkpoint(path, network(), replace(INFO, operating_point=POINT))
    content = torch.load(path, weights_only=True)
    del content["operating_point"]["accepted"]
    save_plain(path, content)
    with pytest.raises(ModelError, match=r"made by another version .*accepted"):
        load_checkpoint(path)


def test_weights_that_its_thresholds_were_not_fitted_with_are_refused(saved):
    content = torch.load(saved, weights_only=True)
    name = next(iter(content["weights"]))
    content["weights"][name] = content["weights"][name] + 1
    save_plain(saved, content)
    with pytest.raises(ModelError, match="fitted with; take the file as it was made"):
        load_checkpoint(saved)


def test_one_without_thresholds_cannot_decide(saved):
    with pytest.raises(ModelError, match="carries no thresholds"):
        read_thresholds(saved)


def test_is_plain_enough_for_torch_to_load_safely(saved):
    content = torch.load(saved, weights_only=True)
    assert content["model_settings"] == asdict(MODEL)
    assert content["provenance"]["leaked"] == "false"


def test_equal_content_gives_equal_bytes(saved, tmp_path):
    save_checkpoint(tmp_path / "other.pt", network(), INFO)
    assert (tmp_path / "other.pt").read_bytes() == saved.read_bytes()


def test_an_entry_may_name_it_with_other_loops(saved):
    model, info = load_checkpoint(saved, settings=replace(MODEL, loops=1))
    assert (model.loops, info.model_settings.loops) == (1, 1)
    assert info.provenance == INFO.provenance


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"image": "unit"}, "trained with image raw, .* entry says unit"),
        ({"uncertainty": "sampled_logit"}, "trained with uncertainty scaled_logit"),
        ({"dropout": 0.2}, r"trained with dropout 0\.0, .* entry says 0\.2"),
    ],
)
def test_an_entry_that_does_not_fit_is_refused(saved, change, message):
    with pytest.raises(ModelError, match=message):
        load_checkpoint(saved, settings=replace(MODEL, **change))


def test_uncertainty_and_dropout_come_back(tmp_path):
    settings = replace(MODEL, uncertainty="sampled_logit", dropout=0.25)
    path = tmp_path / "checkpoint.pt"
    save_checkpoint(path, LWUNet.from_settings(settings), CheckpointInfo(settings))
    model, _ = load_checkpoint(path)
    assert (model.uncertainty.name, model.dropout) == ("sampled_logit", 0.25)


def test_one_of_an_earlier_version_is_refused(saved):
    content = torch.load(saved, weights_only=True)
    content["format"] = OLD_FORMATS[0]
    torch.save(content, saved)
    with pytest.raises(ModelError, match="made by an earlier version"):
        load_checkpoint(saved)


def test_a_second_look_travels_with_it(tmp_path):
    settings = AgglomerationSettings(title="a", evidence="affinities")
    model = ContactModel("affinities")
    model.second_look = unlearned_second_look()
    path = tmp_path / "checkpoint.pt"
    save_checkpoint(path, model, CheckpointInfo(settings))
    loaded, _ = load_checkpoint(path)
    for name, value in model.second_look.state_dict().items():
        assert torch.equal(loaded.second_look.state_dict()[name], value)
    assert loaded.scored_by == model.scored_by
    content = torch.load(path, weights_only=True)
    content["weights"]["second_look.mean"] = torch.zeros(3)
    torch.save(content, path)
    with pytest.raises(ModelError, match=r"second_look\.mean have shape \(3,\)"):
        load_checkpoint(path)


@pytest.mark.parametrize("earlier", EARLIER_FORMATS)
def test_of_an_earlier_format_only_agglomerations_are_refused(saved, tmp_path, earlier):
    settings = AgglomerationSettings(title="a", evidence="affinities")
    path = tmp_path / "agglomeration.pt"
    save_checkpoint(path, ContactModel("affinities"), CheckpointInfo(settings))
    for file in (path, saved):
        content = torch.load(file, weights_only=True)
        torch.save({**content, "format": earlier}, file)
    assert load_checkpoint(saved)[1].model_settings == MODEL
    with pytest.raises(ModelError, match="made by an earlier version"):
        load_checkpoint(path)


def test_settings_that_the_kind_does_not_have_are_refused(saved):
    content = torch.load(saved, weights_only=True)
    content["model_settings"]["boundaries"] = False
    torch.save(content, saved)
    with pytest.raises(ModelError, match=r"another version \(unknown key model"):
        load_checkpoint(saved)


def test_bare_weights_need_an_entry_that_fits(tmp_path):
    path = tmp_path / "bare.pth"
    torch.save(network().state_dict(), path)
    assert load_checkpoint(path, settings=MODEL)[1] == CheckpointInfo(MODEL)
    with pytest.raises(ModelError, match="holds no settings"):
        load_checkpoint(path)
    with pytest.raises(ModelError, match=r"c1\.weight have shape \(16, 4, 3, 3, 3\)"):
        load_checkpoint(path, settings=replace(MODEL, context_channels=2))


@pytest.mark.skipif(not PUBLISHED.exists(), reason="no published weights in shared/")
def test_the_published_weights_load():
    load_checkpoint(PUBLISHED, settings=replace(MODEL, context_channels=2))


@pytest.mark.parametrize("content", [b"", b"\0" * 99, b"PK\3\4junk", b"\x80\x02N."])
def test_a_foreign_file_is_refused_in_one_line(tmp_path, content):
    path = tmp_path / "foreign.pt"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=r"foreign\.pt: ") as caught:
        load_checkpoint(path)
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ModelError, match=r"none\.pt: No such file"):
        load_checkpoint(tmp_path / "none.pt")


def test_a_file_cut_short_is_refused(saved):
    content = saved.read_bytes()
    generator = random.Random(0)
    for length in generator.sample(range(len(content)), 20):
        saved.write_bytes(content[:length])
        with pytest.raises(ModelError):
            load_checkpoint(saved)


@pytest.mark.parametrize("container", ["pickle", "torch"])
def test_nothing_in_it_is_ever_run(tmp_path, container):
    class Payload:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "harm"),)

    path = tmp_path / "payload.pt"
    if container == "pickle":
        path.write_bytes(pickle.dumps({"weights": Payload()}))
    else:
        torch.save({"weights": Payload()}, path)
    with pytest.raises(ModelError, match=r"payload\.pt: damaged, or not"):
        load_checkpoint(path)
    assert not (tmp_path / "harm").exists()


def test_without_an_operating_point_probabilities_count_as_they_are(tmp_path, capsys):
    path = tmp_path / "checkpoint.pt"
    save_checkpoint(path, network(), INFO)
    assert read_temperature(path) == 1
    assert "carries no calibration" in capsys.readouterr().out
