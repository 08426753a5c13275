"""Tests for the hashes of settings that results carry."""

from copy import deepcopy

import pytest

from eyewire_validator.plan.models import plan_models
from eyewire_validator.plan.settings_hashes import hash_of_answers, hash_of_decisions


def hashes(config, name="focus"):
    model = plan_models(config)[name]
    return hash_of_answers(config, model), hash_of_decisions(config, model)


@pytest.mark.parametrize(
    ("section", "key", "value"),
    [
        ("evaluation", "dust_voxels", 7),
        ("aggregate", "threshold", 0.5),
        ("split", "buffer", 2),
        ("registry", "min_size", 9),
        ("volumes", "overlap", 64),
        ("sandbox", "random_seed", 1),
    ],
)
def test_what_answers_depend_on_changes_both(config, section, key, value):
    changed = deepcopy(config)
    changed[section][key] = value
    assert all(a != b for a, b in zip(hashes(config), hashes(changed), strict=True))


@pytest.mark.parametrize(
    ("key", "value"),
    [("reject_recall", 0.9), ("risk", {"false_merge": 0.1, "confidence": 0.95})],
)
def test_thresholds_change_decisions_alone(config, key, value):
    changed = deepcopy(config)
    changed["evaluation"][key] = value
    assert hashes(config)[0] == hashes(changed)[0]
    assert hashes(config)[1] != hashes(changed)[1]


@pytest.mark.parametrize(
    ("section", "key", "value"),
    [
        ("volumes", "group_span", 9),
        ("registry", "group_span", 9),
        ("evaluation", "parts", 9),
        ("api", "tries", 9),
        ("report", "resamples", 9),
    ],
)
def test_what_changes_no_answer_changes_neither(config, section, key, value):
    changed = deepcopy(config)
    changed[section][key] = value
    assert hashes(config) == hashes(changed)


def test_another_model_changes_neither(config):
    before = hashes(config)
    config["models"] = {**config["models"], "more": {"kind": "empty", "title": "more"}}
    assert hashes(config) == before
    assert hashes(config, "net") != before
