import copy
from pathlib import Path

import pytest
import yaml
from snakemake.utils import update_config

from eyewire_validator.config.check import (
    check_config,
    leave_out_null_models,
    training_settings,
)
from eyewire_validator.errors import ConfigError

CONFIG = Path(__file__).resolve().parents[3] / "config"
SCHEMA = yaml.safe_load((CONFIG / "schema.yaml").read_text())


def default_config() -> dict:
    return yaml.safe_load((CONFIG / "config.yaml").read_text())


def changed(path: str, value: object) -> dict:
    config = copy.deepcopy(default_config())
    *parents, last = path.split(".")
    place = config
    for key in parents:
        place = place[key]
    place[last] = value
    return config


def test_the_default_is_accepted():
    check_config(default_config(), SCHEMA)


@pytest.mark.parametrize(
    "variants",
    [
        ["eyewire"],
        ["volume"],
        ["volume", "fib25"],
        ["ablations"],
        ["volume", "ablations"],
        ["agglomeration"],
        ["volume", "fib25", "agglomeration"],
    ],
)
def test_every_variant_is_accepted(variants):
    config = default_config()
    for name in variants:
        update_config(config, yaml.safe_load((CONFIG / f"{name}.yaml").read_text()))
    leave_out_null_models(config)
    check_config(config, SCHEMA)


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (
            "api.requests_per_secnd",
            3,
            "unknown key api.requests_per_secnd (did you mean",
        ),
        ("sandbo", 3, "unknown key sandbo (did you mean sandbox?)"),
        ("api.requests_per_second", -3, "api.requests_per_second: -3 is less than"),
        ("api.requests_per_second", 0, "api.requests_per_second: 0 is less than"),
        ("models.lwunet.context", "x", "models.lwunet.context: 'x' is not one of"),
        ("models.lwunet", {"kind": "lwunet"}, "missing under models.lwunet: title"),
        ("models.a/b", {"kind": "seed_only"}, "'a/b' does not match"),
        ("models.lwunet.context", "none", "context none does not go with 2"),
        (
            "models.lwunet.training",
            {"epoch": 1},
            "unknown key models.lwunet.training.ep",
        ),
        ("volumes.factor", 3, "factor 3 does not divide the size of 256"),
        (
            "volumes.size",
            264,
            "volumes is 66, expected a multiple of 4, as the network",
        ),
        ("volumes.overlap", 160, "split.buffer: with 1 layers between them"),
        ("volumes.overlap", 256, "overlap 256 must be below size 256"),
        ("training.patch_size", 128, "patch_size 128 of model lwunet exceeds"),
        (
            "models.agglomeration.training.patch_size",
            128,
            "patch_size 128 of model agglomeration exceeds",
        ),
        ("models.agglomeration.image", "none", "agglomeration.image: affinities are"),
        ("models.lwunet.loops", 9, "models.lwunet.loops: 9 is not among evaluation"),
        ("models.lwunet.dropout_samples", 8, "lwunet: dropout_samples need a dropout"),
        ("models.lwunet.levels", 3, "unknown key models.lwunet.levels"),
        ("models.lwunet.kind", "ensemble", "'ensemble' is not one of ['lwunet'"),
        ("models.lwunet.uncertainty", "x", "uncertainty: 'x' is not one of"),
        ("models.dilated_seed.dilation", 0, "dilated_seed.dilation: 0 is less than"),
        ("models.msty.dilation", 1, "unknown key models.msty.dilation"),
        ("report.model", "x", "report.model: x has no weights among models"),
        ("report.model", "msty", "report.model: msty has no weights among models"),
        ("report.split", "train", "report.split: train is not among evaluation.splits"),
        ("sandbox.made_from", "files", "sandbox.files.image: name a file"),
        ("split.rule", "random", "split.rule: 'random' is not one of"),
    ],
)
def test_a_wrong_value_is_refused_by_name(path, value, message):
    with pytest.raises(ConfigError) as refusal:
        check_config(changed(path, value), SCHEMA)
    assert message in str(refusal.value)


def test_a_models_training_overrides_the_common_one():
    config = changed("models.lwunet.training", {"epochs": 99})
    settings = training_settings(config, "lwunet")
    assert settings["epochs"] == 99
    assert settings["batch_size"] == config["training"]["batch_size"]
