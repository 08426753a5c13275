from pathlib import Path

import pytest
import yaml

from eyewire_validator.config.settings import ModelSettings, TrainingSettings
from eyewire_validator.errors import ConfigError

CONFIG = yaml.safe_load(
    (Path(__file__).resolve().parents[3] / "config" / "config.yaml").read_text()
)
ENTRY = {"title": "m", "kind": "lwunet", "context": "ancestors", "context_channels": 2}


def test_the_shipped_config_is_accepted():
    TrainingSettings.from_config(CONFIG["training"])
    for entry in CONFIG["models"].values():
        assert ModelSettings.from_config(entry).title == entry["title"]


def test_an_entrys_training_is_not_the_models():
    assert ModelSettings.from_config({**ENTRY, "training": {"epochs": 1}}) == (
        ModelSettings.from_config(ENTRY)
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kind": "unet"}, "kind is 'unet', expected one of lwunet, agglom"),
        ({"context": "own"}, "context is 'own'"),
        ({"image": "log"}, "image is 'log', expected one of raw, unit"),
        ({"loops": 0}, "loops is 0, expected 1 or more"),
        ({"context_channels": 0}, "ancestors does not go with 0 context_channels"),
        ({"context_channels": 2**63}, "context_channels is .*, expected 16 or less"),
        ({"context": "none"}, "none does not go with 2 context_channels"),
        ({"loop": 4}, "unknown keys loop"),
        ({"uncertainty": "none"}, "uncertainty is 'none', expected one of scaled"),
        ({"dropout": 1}, "dropout is 1, expected 0 or more and below 1"),
        ({"dropout": float("nan")}, "dropout is nan"),
        ({"dropout_samples": 0}, "dropout_samples is 0"),
        ({"dropout_samples": 5}, "5 dropout_samples would all be the same"),
    ],
)
def test_a_wrong_model_entry_is_refused_by_name(change, message):
    with pytest.raises(ConfigError, match=message):
        ModelSettings.from_config({**ENTRY, **change})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"device": "gpu"}, "device is 'gpu'"),
        ({"loss_on": "first"}, "loss_on is 'first', expected one of every_loop, last"),
        ({"labels": "votes"}, "labels is 'votes', expected one of hard, soft"),
        ({"epochs": 0}, "epochs is 0"),
        ({"learning_rate": 0}, "learning_rate is 0, expected above 0"),
        ({"learning_rate": float("nan")}, "learning_rate is nan"),
        ({"weight_decay": -1}, "weight_decay is -1"),
        ({"patch_size": 30}, "patch_size is 30, expected a multiple of 4"),
    ],
)
def test_a_wrong_training_value_is_refused_by_name(change, message):
    with pytest.raises(ConfigError, match=message):
        TrainingSettings.from_config({**CONFIG["training"], **change})


def test_a_missing_key_is_named():
    section = {k: v for k, v in CONFIG["training"].items() if k != "epochs"}
    with pytest.raises(ConfigError, match=r"training: .*epochs"):
        TrainingSettings.from_config(section)
