"""The entries of ``models:``, completed by the defaults of their kinds."""

from collections.abc import Mapping
from typing import Any


def leave_out_null_models(config: dict[str, Any]) -> None:
    """Take out the entries of ``models:`` that a variant names null.

    What is no mapping stays, for `check.check_config` to refuse.
    """
    models = config.get("models")
    if isinstance(models, Mapping):
        config["models"] = {
            name: entry for name, entry in models.items() if entry is not None
        }


def complete_entry(config: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return the entry of a model, over the defaults of its kind, without training."""
    entry = config["models"][name]
    whole = {**_defaults(config, entry), **entry}
    return {key: value for key, value in whole.items() if key != "training"}


def complete_training(config: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return how a model is trained: ``training:``, its kind's, and its own."""
    return _over_defaults(config, config["models"][name])


def adapts_of_evidence(config: Mapping[str, Any]) -> dict[str, int]:
    """Return to how many volumes models adapt the network of ``volumes.evidence``.

    Returns:
        ``adapt`` of each entry of ``models:`` that names this checkpoint.
    """
    scoring = config["volumes"]["evidence"]
    entries = {name: complete_entry(config, name) for name in config["models"]}
    return {
        name: entry.get("adapt", 0)
        for name, entry in entries.items()
        if scoring and entry.get("checkpoint") == scoring
    }


def tissue_training(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return how a model of ``carry_over:`` is trained, unless it learns from all."""
    own = config["carry_over"]["training"]
    return _over_defaults(config, {"kind": "agglomeration", "training": own})


def adaptation(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return how ``carry_over:`` adapts a network to a tissue that is left out."""
    own = config["carry_over"]["adaptation"]
    return _over_defaults(config, {"kind": "agglomeration", "training": own})


def tuning(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return how ``learn:`` trains a network on."""
    own = config["learn"]["training"]
    return _over_defaults(config, {"kind": "agglomeration", "training": own})


def _over_defaults(
    config: Mapping[str, Any], entry: Mapping[str, Any]
) -> dict[str, Any]:
    of_kind = _defaults(config, entry).get("training", {})
    return {**config["training"], **of_kind, **entry.get("training", {})}


def _defaults(config: Mapping[str, Any], entry: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Mapping[str, Any] = config["kinds"].get(entry["kind"], {})
    return found
