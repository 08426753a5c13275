from pathlib import Path

import pytest
import yaml

from eyewire_validator.config.families import AgglomerationTraining, NetworkTraining
from eyewire_validator.config.kinds import KINDS, function_of, model_settings
from eyewire_validator.errors import ConfigError

DEFAULTS = yaml.safe_load(
    (Path(__file__).resolve().parents[3] / "config" / "defaults.yaml").read_text()
)
NETWORK = {
    "title": "m",
    "kind": "lwunet",
    "context": "ancestors",
    "context_channels": 2,
}
AGGLOMERATION = {"title": "m", "kind": "agglomeration"}
TRAINING = {**DEFAULTS["training"], **DEFAULTS["kinds"]["lwunet"]["training"]}


@pytest.mark.parametrize("name", KINDS)
def test_the_functions_of_a_kind_are_there(name):
    kind = KINDS[name]
    for function in filter(None, (kind.answerer, kind.trainer, kind.module)):
        assert callable(function_of(function))
    assert (kind.training is None) == (kind.trainer is None) == (kind.module is None)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kind": "unet"}, "model.kind: 'unet' is not one of lwunet, agglom"),
        ({"context": "own"}, "model.context: 'own' is not one of none, ancestors"),
        ({"image": "log"}, "image: 'log' is not one of raw, unit, none"),
        ({"loops": 0}, "loops: 0 is less than the minimum of 1"),
        ({"loops": 2.0}, "loops: 2.0 is a float, expected int"),
        ({"loops": True}, "loops: True is a bool, expected int"),
        ({"context_channels": 0}, "context_channels: 0 does not go with context anc"),
        ({"context_channels": 2**63}, "is greater than the maximum of 16"),
        ({"context": "none"}, "2 does not go with context none"),
        ({"loop": 4}, r"unknown key model.loop \(did you mean loops"),
        ({"evidence": "both"}, "unknown key model.evidence"),
        ({"uncertainty": "none"}, "uncertainty: 'none' is not one of scaled"),
        ({"dropout": 1}, "dropout: 1, expected below 1"),
        ({"dropout": float("nan")}, "dropout: nan is a float, expected float"),
        ({"dropout_samples": 0}, "dropout_samples: 0 is less"),
        ({"dropout_samples": 5}, "5 passes would all be the same"),
        ({"checkpoint": "a.pt", "replicates": 3}, "a given checkpoint has 1"),
    ],
)
def test_a_wrong_entry_of_a_network_is_refused_by_name(change, message):
    with pytest.raises(ConfigError, match=message):
        model_settings({**NETWORK, **change})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"context": "published"}, "context: 'published' is not one of none, anc"),
        ({"context_channels": 2}, "unknown key model.context_channels"),
        ({"loops": 4}, "unknown key model.loops"),
        ({"uncertainty": "scaled_logit"}, "unknown key model.uncertainty"),
        ({"image": "raw"}, "image: 'raw' is not one of unit, none"),
        ({"image": "none", "evidence": "both"}, "affinities are found in the image"),
    ],
)
def test_a_wrong_entry_of_an_agglomeration_is_refused_by_name(change, message):
    with pytest.raises(ConfigError, match=message):
        model_settings({**AGGLOMERATION, **change})


def test_everything_wrong_is_said_a_line_each():
    with pytest.raises(ConfigError) as refusal:
        model_settings({**NETWORK, "loops": 0, "image": "log"})
    assert len(str(refusal.value).splitlines()) == 2


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"device": "gpu"}, "training.device: 'gpu' is not one of"),
        ({"loss_on": "first"}, "loss_on: 'first' is not one of every_loop, last"),
        ({"labels": "votes"}, "labels: 'votes' is not one of hard, soft"),
        ({"symmetries": 1}, "symmetries: 1 is a int, expected bool"),
        ({"epochs": 0}, "epochs: 0 is less"),
        ({"learning_rate": 0}, "learning_rate: 0, expected above 0"),
        ({"weight_decay": -1}, "weight_decay: -1 is less"),
        ({"patch_size": 30}, "patch_size: 30 is not a multiple of 4"),
        ({"max_volumes": 3}, "unknown key training.max_volumes"),
    ],
)
def test_a_wrong_training_value_is_refused_by_name(change, message):
    with pytest.raises(ConfigError, match=message):
        NetworkTraining.from_mapping({**TRAINING, **change}, "training")


def test_a_missing_key_is_named():
    section = {key: value for key, value in TRAINING.items() if key != "epochs"}
    with pytest.raises(ConfigError, match="missing under training: epochs"):
        NetworkTraining.from_mapping(section, "training")


@pytest.mark.parametrize("key", ["rotation", "symmetries", "loss_on", "labels"])
def test_an_agglomeration_knows_no_key_of_a_networks_training(key):
    with pytest.raises(ConfigError, match=f"unknown key training.{key}"):
        AgglomerationTraining.from_mapping({key: TRAINING[key]}, "training")
