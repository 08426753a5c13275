"""The plan of a small configuration."""

from pathlib import Path

import pytest
import yaml
from snakemake.utils import update_config

from eyewire_validator.plan.evaluations import Evaluations
from eyewire_validator.plan.figures import FigurePlan
from eyewire_validator.plan.models import plan_models

CONFIG = Path(__file__).resolve().parents[3] / "config"

MODELS = {
    "given": {"kind": "agglomeration", "title": "given", "checkpoint": "a.pt"},
    "focus": {"kind": "agglomeration", "title": "focus", "replicates": 2},
    "little": {
        "kind": "agglomeration",
        "title": "little",
        "training": {"max_volumes": 1},
    },
    "net": {"kind": "lwunet", "title": "net"},
    "leaky": {"kind": "lwunet", "title": "leaky", "context": "published"},
    "seed_only": {"kind": "seed_only", "title": "the seed"},
    "player": {"kind": "player", "title": "a player"},
    "perfect_mask": {"kind": "perfect_mask", "title": "the ceiling"},
}


@pytest.fixture
def config():
    config: dict = {}
    for name in ("defaults", "config"):
        update_config(config, yaml.safe_load((CONFIG / f"{name}.yaml").read_text()))
    config["models"] = MODELS
    config["evaluation"] |= {"splits": ["validation", "test"], "loops": [4, 2]}
    config["report"] |= {"model": "focus", "split": "test", "worst_tasks": 2}
    return config


@pytest.fixture
def models(config):
    return plan_models(config)


@pytest.fixture
def evaluations(config, models):
    return Evaluations.plan(config, models)


@pytest.fixture
def figures(config, evaluations):
    return FigurePlan.plan(config, evaluations)
