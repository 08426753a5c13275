"""The workflow's configuration, refused by name when it is wrong."""

import difflib
import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from jsonschema.protocols import Validator
from jsonschema.validators import extend

from eyewire_validator.config.settings import (
    CONVOLVING,
    NETWORKS,
    SIZE_MULTIPLE,
    TRAINED,
)
from eyewire_validator.errors import ConfigError
from eyewire_validator.volumes.geometry import VolumeGeometry


def _is_whole(_: Any, value: Any) -> bool:
    """2.0 is no count: nothing can be repeated 2.0 times."""
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(_: Any, value: Any) -> bool:
    """NaN is neither below nor above any bound, and infinity is no amount."""
    return _is_whole(_, value) or (isinstance(value, float) and math.isfinite(value))


_Validator: type[Validator] = extend(  # type: ignore[no-untyped-call]
    Draft202012Validator,
    type_checker=Draft202012Validator.TYPE_CHECKER.redefine_many(
        {"integer": _is_whole, "number": _is_number}
    ),
)


def check_config(config: Mapping[str, Any], schema: Mapping[str, Any]) -> None:
    """Refuse a configuration that the workflow could not run with.

    Args:
        config: the merged configuration.
        schema: the content of config/schema.yaml.

    Raises:
        ConfigError: lists every unknown or missing key and every wrong value, a line
            each.
    """
    try:
        problems = [
            _describe(leaf)
            for error in _Validator(schema).iter_errors(config)
            for leaf in _leaves(error)
        ]
    except RecursionError:
        problems = ["config: is nested too deep"]
    if not problems:
        problems = list(_contradictions(config))
    if problems:
        raise ConfigError("\n".join(dict.fromkeys(problems)))


def leave_out_null_models(config: dict[str, Any]) -> None:
    """Take out the entries of ``models:`` that a variant names null.

    What is no mapping stays, for `check_config` to refuse.
    """
    models = config.get("models")
    if isinstance(models, Mapping):
        config["models"] = {
            name: entry for name, entry in models.items() if entry is not None
        }


def volume_geometry(config: Mapping[str, Any]) -> VolumeGeometry:
    """Return the geometry that ``volumes:`` describes."""
    volumes = config["volumes"]
    return VolumeGeometry(
        **{key: volumes[key] for key in ("size", "overlap", "factor")}
    )


def training_settings(config: Mapping[str, Any], model: str) -> dict[str, Any]:
    """Return ``training:`` as overridden by the model's own entry."""
    return {**config["training"], **config["models"][model].get("training", {})}


def _leaves(error: ValidationError) -> Iterator[ValidationError]:
    if not error.context:
        yield error
    for inner in error.context or []:
        yield from _leaves(inner)


def _describe(error: ValidationError) -> str:
    place = ".".join(str(part) for part in error.absolute_path)
    prefix = f"{place}." if place else ""
    found: Any = error.instance
    rule: Any = error.schema
    if error.validator == "additionalProperties":
        known = rule["properties"]
        return "; ".join(
            f"config: unknown key {prefix}{key}{_suggestion(key, known)}"
            for key in sorted(map(str, set(found) - set(known)))
        )
    if error.validator == "required":
        missing = [key for key in rule["required"] if key not in found]
        return f"config: missing under {place or 'the top'}: {', '.join(missing)}"
    return f"config: {place}: {error.message}"


def _suggestion(key: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(key, known, 1)
    if close:
        return f" (did you mean {close[0]}?)"
    return f" (known: {', '.join(known)})"


def _contradictions(config: Mapping[str, Any]) -> Iterator[str]:
    """Yield what the schema cannot see: values that do not fit each other."""
    try:
        geometry = volume_geometry(config)
    except ConfigError as error:
        yield f"config: {error}"
        return
    if (config["split"]["buffer"] + 1) * geometry.stride < geometry.size:
        yield (
            f"config: split.buffer: with {config['split']['buffer']} layers between "
            f"them, volumes still overlap at a stride of {geometry.stride}; use more"
        )
    yield from _sandbox_contradictions(config)
    yield from _model_contradictions(config, geometry.coarse_size)


def _sandbox_contradictions(config: Mapping[str, Any]) -> Iterator[str]:
    files = config["sandbox"]["files"]
    if config["source"] == "sandbox" and config["sandbox"]["made_from"] == "files":
        for key in ("image", "supervoxels", "labels"):
            if files[key] is None:
                yield f"config: sandbox.files.{key}: name a file (made_from is files)"


def _model_contradictions(config: Mapping[str, Any], coarse_size: int) -> Iterator[str]:
    models, report = config["models"], config["report"]
    for name, model in models.items():
        if model["kind"] in NETWORKS:
            yield from _network_contradictions(config, name, coarse_size)
        if model.get("evidence") in CONVOLVING:
            if "checkpoint" not in model:
                yield from _edge_contradictions(config, name, coarse_size)
            if model.get("image") == "none":
                yield (
                    f"config: models.{name}.image: affinities are found in the image; "
                    "expected unit, or evidence features"
                )
    if models.get(report["model"], {}).get("kind") not in TRAINED:
        yield f"config: report.model: {report['model']} has no weights among models"
    if report["split"] not in config["evaluation"]["splits"]:
        yield (
            f"config: report.split: {report['split']} is not among evaluation.splits"
        )


def _edge_contradictions(
    config: Mapping[str, Any], name: str, coarse_size: int
) -> Iterator[str]:
    patch = training_settings(config, name)["patch_size"]
    if patch > coarse_size:
        yield (
            f"config: patch_size {patch} of model {name} exceeds the volume's "
            f"{coarse_size} coarse voxels"
        )
    if coarse_size % SIZE_MULTIPLE:
        yield (
            f"config: size / factor of volumes is {coarse_size}, expected a multiple "
            f"of {SIZE_MULTIPLE}, as the network of model {name} halves a volume twice"
        )


def _network_contradictions(
    config: Mapping[str, Any], name: str, coarse_size: int
) -> Iterator[str]:
    model = config["models"][name]
    yield from _edge_contradictions(config, name, coarse_size)
    if (model["context"] == "none") != (model["context_channels"] == 0):
        yield (
            f"config: models.{name}: context {model['context']} does not go with "
            f"{model['context_channels']} context_channels"
        )
    if model.get("checkpoint") and model["replicates"] != 1:
        yield f"config: models.{name}: a given checkpoint has 1 replicate"
    if model["loops"] not in config["evaluation"]["loops"]:
        yield (
            f"config: models.{name}.loops: {model['loops']} is not among "
            "evaluation.loops"
        )
    if model.get("dropout_samples", 1) > 1 and not model.get("dropout"):
        yield f"config: models.{name}: dropout_samples need a dropout above 0"
