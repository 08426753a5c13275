"""Hashes of the settings that results rest on; their tables carry them."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from eyewire_validator.config.check import volume_geometry
from eyewire_validator.plan.models import PlannedModel
from eyewire_validator.storage.hashes import settings_hash

# What decides on segments once they have their probability.
DECISIONS = ("risk", "reject_recall")
# What decides which segments get one. Loop counts, batches and parts change nothing.
CANDIDATES = ("threshold", "dust_voxels", "dust_thickness")


def hash_of_answers(config: Mapping[str, Any], model: PlannedModel) -> str:
    """Return 12 hex digits that change with what a model's answers depend on.

    That is where the tasks come from, how they are split, the model and its training,
    and which segments are candidates.

    Args:
        config: the merged configuration.
        model: one of its models.
    """
    is_sandbox = config["source"] == "sandbox"
    # Which jobs fetch them changes neither.
    cells, volumes = (
        {key: value for key, value in config[section].items() if key != "group_span"}
        for section in ("registry", "volumes")
    )
    volumes |= volume_geometry(config).as_config()
    training = asdict(model.training) if model.is_trained and model.training else None
    return settings_hash(
        {
            "source": config["source"],
            "sandbox": config["sandbox"] if is_sandbox else None,
            **{key: config[key] for key in ("aggregate", "split", "image")},
            "registry": cells,
            "volumes": volumes,
            "model": {**model.entry, "title": None, "replicates": None},
            "training": training,
            "candidates": {key: config["evaluation"][key] for key in CANDIDATES},
        }
    )


def hash_of_decisions(config: Mapping[str, Any], model: PlannedModel) -> str:
    """Return the same of what was decided on the answers, and of its summary."""
    decisions = {key: config["evaluation"][key] for key in DECISIONS}
    return settings_hash([hash_of_answers(config, model), decisions])
