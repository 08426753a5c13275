import copy
from dataclasses import fields
from pathlib import Path

import pytest
import yaml
from snakemake.utils import update_config

from eyewire_validator.config.check import check_config, dust
from eyewire_validator.config.entries import (
    complete_entry,
    complete_training,
    leave_out_null_models,
)
from eyewire_validator.config.kinds import KINDS
from eyewire_validator.errors import ConfigError
from eyewire_validator.volumes.dust import Dust

CONFIG = Path(__file__).resolve().parents[3] / "config"
SCHEMA = yaml.safe_load((CONFIG / "schema.yaml").read_text())


def default_config() -> dict:
    return merged("defaults", "config")


def merged(*names: str) -> dict:
    config: dict = {}
    for name in names:
        update_config(config, yaml.safe_load((CONFIG / f"{name}.yaml").read_text()))
    return config


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
        ["volume", "studies/fib25"],
        ["studies/ablations"],
        ["volume", "studies/ablations"],
        ["studies/agglomeration"],
        ["studies/lwunet_at_scale"],
        ["studies/carry_over"],
        ["volume", "studies/fib25", "studies/agglomeration"],
    ],
)
def test_every_variant_is_accepted(variants):
    config = merged("defaults", "config", *variants)
    leave_out_null_models(config)
    check_config(config, SCHEMA)


@pytest.mark.parametrize("may_say", ["block.h5::raw", "a.hdf5::raw", "b.HDF::raw"])
def test_files_need_the_size_of_voxels_unless_one_may_say_it(may_say):
    config = merged("defaults", "config", "volume")
    config["volumes"]["voxel_nm"] = None
    with pytest.raises(ConfigError, match=r"volumes\.voxel_nm: say how large"):
        check_config(config, SCHEMA)
    config["sandbox"]["files"]["labels"] = may_say
    check_config(config, SCHEMA)


def test_config_and_defaults_have_no_key_in_common():
    both = [
        yaml.safe_load((CONFIG / f"{n}.yaml").read_text())
        for n in ("defaults", "config")
    ]
    assert not set(keys_of(both[0])) & set(keys_of(both[1]))


def keys_of(section: dict, place: str = ""):
    for key, value in section.items():
        if isinstance(value, dict) and not place.startswith("models"):
            yield from keys_of(value, f"{place}{key}.")
        else:
            yield f"{place}{key}"


@pytest.mark.parametrize("kind", KINDS)
def test_the_defaults_of_a_kind_name_all_of_its_keys(kind):
    named = default_config()["kinds"].get(kind, {})
    own = {field.name for field in fields(KINDS[kind].settings)}
    # A finished segmentation has no default.
    assert own - {"title", "kind", "labels"} == set(named) - {"training"}
    if KINDS[kind].training:
        keys = {field.name for field in fields(KINDS[kind].training)}
        assert keys - {"device", "random_seed"} == set(named["training"])


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (
            "api.requests_per_secnd",
            3,
            "unknown key api.requests_per_secnd (did you mean",
        ),
        (
            "evaluation.accept_precision",
            0.95,
            "evaluation.accept_precision is replaced by evaluation.risk",
        ),
        ("evaluation.risk.false_merge", 0, "evaluation.risk.false_merge: 0 is less"),
        ("sandbo", 3, "unknown key sandbo (did you mean sandbox?)"),
        (
            "review.webknossos",
            {"dataset_id": "5f00"},
            "missing under review.webknossos: task_type_id, project, experience_domain",
        ),
        (
            "review.webknossos",
            {"project": "one, two"},
            "review.webknossos.project: 'one, two' does not match",
        ),
        ("api.requests_per_second", -3, "api.requests_per_second: -3 is less than"),
        ("api.requests_per_second", 0, "api.requests_per_second: 0 is less than"),
        ("models.lwunet.context", "x", "models.lwunet.context: 'x' is not one of"),
        ("models.lwunet", {"kind": "lwunet"}, "missing under models.lwunet: title"),
        ("models.lwunet", {"title": "x"}, "missing under models.lwunet: kind"),
        ("models.lwunet.kind", "unet", "models.lwunet.kind: 'unet' is not one of lw"),
        ("models.lwunet.title", "\x1b", "models.lwunet.title: "),
        ("models.a/b", {"kind": "seed_only"}, "'a/b' does not match"),
        ("models.lwunet.context", "none", "2 does not go with context none"),
        (
            "models.lwunet.training",
            {"epoch": 1},
            "unknown key models.lwunet.training.epoch (did you mean epochs?)",
        ),
        ("models.msty.training", {"epochs": 1}, "unknown key models.msty.training"),
        (
            "models.agglomeration.training",
            {"loss_on": "last_loop"},
            "unknown key models.agglomeration.training.loss_on",
        ),
        (
            "models.ready_made.training",
            {"epochs": 1},
            "models.ready_made.training: models/agglomeration.pt is not trained",
        ),
        (
            "models.agglomeration",
            {
                "title": "a",
                "kind": "agglomeration",
                "evidence": "features",
                "training": {"patch_size": 32},
            },
            "models.agglomeration.training.patch_size: nothing reads it here",
        ),
        ("kinds.unet", {}, "unknown key kinds.unet (did you mean lwunet?)"),
        ("kinds.lwunet.loop", 4, "unknown key kinds.lwunet.loop (did you mean loops?)"),
        ("kinds.lwunet.training.epochs", 0, "kinds.lwunet.training.epochs: 0 is less"),
        ("kinds.agglomeration.training.labels", "soft", "unknown key kinds.agglom"),
        ("volumes.factor", 3, "factor 3 does not divide the size of 256"),
        (
            "volumes.size",
            264,
            "volumes is 66, expected a multiple of 4, as the network",
        ),
        ("volumes.overlap", 160, "split.buffer: with 1 layers between them"),
        ("volumes.overlap", 256, "overlap 256 must be below size 256"),
        (
            "kinds.lwunet.training.patch_size",
            128,
            "patch_size 128 of model lwunet exceeds",
        ),
        (
            "models.agglomeration.training",
            {"patch_size": 128},
            "patch_size 128 of model agglomeration exceeds",
        ),
        ("models.agglomeration.image", "none", "agglomeration.image: none, but affin"),
        ("models.lwunet.loops", 9, "models.lwunet.loops: 9 is not among evaluation"),
        ("models.lwunet.dropout_samples", 8, "lwunet.dropout_samples: 8 passes would"),
        ("models.lwunet.width", 8, "unknown key models.lwunet.width"),
        ("models.lwunet.uncertainty", "x", "uncertainty: 'x' is not one of"),
        ("models.dilated_seed.dilation", 0, "dilated_seed.dilation: 0 is less than"),
        ("models.msty.dilation", 1, "unknown key models.msty.dilation"),
        ("report.model", "x", "report.model: x has no weights among models"),
        ("report.model", "msty", "report.model: msty has no weights among models"),
        ("report.split", "train", "report.split: train is not among evaluation.splits"),
        ("sandbox.made_from", "files", "sandbox.files.image: name a file"),
        ("volumes.size", [256, 256], "volumes.size: [256, 256] is too short"),
        ("volumes.size", [256, 0, 256], "volumes.size.1: 0 is less than"),
        ("volumes.size", [256, 264, 256], "volumes is (64, 66, 64), expected a mult"),
        ("volumes.overlap", [0, 32, 32], "volumes.overlap: in [0, 32, 32] voxels no"),
        ("volumes.overlap", [32, 32, 160], "a stride of (224, 224, 96); use more"),
        ("volumes.factor", [4, 4, 16], "patch_size 32 of model lwunet exceeds"),
        ("volumes.overlap", 0, "volumes.overlap: in 0 voxels no answer spawns a task"),
        ("split.rule", "random", "split.rule: 'random' is not one of"),
    ],
)
def test_a_wrong_value_is_refused_by_name(path, value, message):
    with pytest.raises(ConfigError) as refusal:
        check_config(changed(path, value), SCHEMA)
    assert message in str(refusal.value)


WITHOUT_LABELS = {"image": "i.npy", "supervoxels": "s.npy", "seeds": "all"}


def without_labels(**changes: dict) -> dict:
    """The default, on a block of files of which no answer is known."""
    config = copy.deepcopy(default_config())
    config["sandbox"] |= {"made_from": "files"}
    config["sandbox"]["files"] |= WITHOUT_LABELS
    config["volumes"]["voxel_nm"] = [10, 10, 10]
    for section, keys in changes.items():
        update_config(config[section], keys)
    return config


def test_a_block_without_labels_is_accepted_if_something_is_asked():
    check_config(without_labels(), SCHEMA)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sandbox": {"files": {"seeds": None}}}, "sandbox.files: name labels, if"),
        ({"answers": {"models": ["agglomeration"]}}, "would have to be trained"),
        (
            {"models": {"ready_made": {"checkpoint": None, "adapt": 0}}},
            "none has a checkpoint",
        ),
        (
            {
                "volumes": {"evidence": "models/agglomeration.pt"},
                "models": {
                    "agglomeration": {
                        "evidence": "affinities",
                        "checkpoint": "models/agglomeration.pt",
                    }
                },
            },
            r"their adapt differs \(ready_made 24, agglomeration 0\), but all name the",
        ),
        ({"models": {"agglomeration": {"adapt": 3}}}, "network of a given checkpoint"),
        ({"models": {"ready_made": {"adapt": 1001}}}, "adapt: 1001"),
    ],
)
def test_what_cannot_be_answered_is_refused(changes, message):
    with pytest.raises(ConfigError, match=message):
        check_config(without_labels(**changes), SCHEMA)


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("answers.models", ["x"], "answers.models: x has no weights among models"),
        ("answers.models", ["msty"], "answers.models: msty has no weights"),
        ("registry.csvs", [], "registry.csvs: name a list of cells, or answers.tasks"),
        ("growth.model", "msty", "growth.model: msty is msty, expected a model of"),
        ("growth.model", "x", "growth.model: x is not among models"),
        ("growth.path_risk", 1.5, "growth.path_risk: 1.5 is greater than the maximum"),
    ],
)
def test_answers_need_a_model_and_tasks(path, value, message):
    with pytest.raises(ConfigError, match=message):
        check_config(changed(path, value), SCHEMA)


STUDY = merged("studies/carry_over")["carry_over"]["tissues"]


def study_with(name, **changes):
    """Return the tissues of the study, one of them changed."""
    return STUDY | {name: STUDY[name] | changes}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"tissues": study_with("mouse", teaches="network")},
            r"carry_over.tissues: 2 teach all, expected 3 or more",
        ),
        (
            {"tissues": study_with("retina", teaches="all")},
            r"tissues.retina.teaches: all, but a synthetic_retina has no files",
        ),
        (
            {"tissues": study_with("snemi_mini", labels="gt.npy")},
            r"tissues.snemi_mini.labels: gt.npy would teach nobody",
        ),
        (
            {
                "tissues": study_with(
                    "retina",
                    run=STUDY["retina"]["run"] | {"sandbox": {"made_from": "files"}},
                )
            },
            r"tissues.retina.run.sandbox.files: name image, supervoxels and labels",
        ),
        (
            {"tissues": study_with("snemi_mini", part_of="rat")},
            r"tissues.snemi_mini.part_of: rat is no tissue that teaches",
        ),
        (
            {"tissues": study_with("retina", part_of="snemi_mini")},
            r"tissues.retina.part_of: snemi_mini is no tissue that teaches",
        ),
        (
            {"tissues": study_with("snemi_mini", teaches="network")},
            r"tissues.snemi_mini.teaches: network, but mouse, of which it is a part",
        ),
        ({"leave_out": ["mouse"]}, "carry_over.leave_out is replaced by .*teaches"),
        ({"training": {"epoch": 3}}, "unknown key carry_over.training.epoch"),
    ],
)
def test_a_study_in_which_no_tissue_can_be_left_out_is_refused(changes, message):
    config = default_config()
    config["carry_over"] |= changes
    with pytest.raises(ConfigError, match=message):
        check_config(config, SCHEMA)


def test_a_config_without_the_kind_that_learns_from_tissue_is_refused():
    config = default_config()
    del config["kinds"]["agglomeration"]
    with pytest.raises(ConfigError, match=r"missing under carry_over.training: .*lr_"):
        check_config(config, SCHEMA)


def test_supervoxels_are_made_by_a_model_that_is_there():
    files = {**WITHOUT_LABELS, "supervoxels": "make", "labels": "l.npy"}
    config = without_labels(sandbox={"files": files})
    check_config(config, SCHEMA)
    config["answers"]["models"] = ["agglomeration"]
    with pytest.raises(ConfigError, match="supervoxels: make needs a model with a"):
        check_config(config, SCHEMA)


def test_a_models_keys_override_those_of_its_kind():
    config = changed("models.lwunet.loops", 2)
    assert complete_entry(config, "lwunet")["loops"] == 2
    assert complete_entry(config, "lwunet")["context_channels"] == 2


def test_a_models_training_overrides_that_of_its_kind():
    config = changed("models.lwunet.training", {"epochs": 99})
    training = complete_training(config, "lwunet")
    assert training["epochs"] == 99
    assert training["batch_size"] == config["kinds"]["lwunet"]["training"]["batch_size"]
    assert training["device"] == config["training"]["device"]


@pytest.mark.parametrize(
    ("variants", "expected"),
    [([], Dust(100, 1)), (["volume"], Dust(6, 1))],
)
def test_dust_is_scaled_to_the_volumes_where_no_number_is_given(variants, expected):
    config = merged("defaults", "config", *variants)
    assert dust(config) == expected
    config["evaluation"] |= {"dust_voxels": 100, "dust_thickness": 0}
    assert dust(config) == Dust(100, 0)
