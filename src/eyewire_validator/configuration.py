"""The workflow's configuration, refused by name when it is wrong."""

import difflib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from eyewire_validator.errors import ConfigError
from eyewire_validator.geometry import VolumeGeometry


def check_config(config: Mapping[str, Any], schema: Mapping[str, Any]) -> None:
    """Refuse a configuration that the workflow could not run with.

    Args:
        config: the merged configuration.
        schema: the content of config/schema.yaml.

    Raises:
        ConfigError: lists every unknown or missing key and every wrong value, a line
            each.
    """
    problems = [
        _describe(leaf)
        for error in Draft202012Validator(schema).iter_errors(config)
        for leaf in _leaves(error)
    ]
    if not problems:
        problems = list(_contradictions(config))
    if problems:
        raise ConfigError("\n".join(dict.fromkeys(problems)))


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
    if geometry.coarse_size % 4:
        yield (
            f"config: volumes: {geometry.coarse_size} coarse voxels (size / factor) "
            "must be a multiple of 4, as the network halves a volume twice"
        )
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
    models, figures = config["models"], config["figures"]
    for name, model in models.items():
        if model["kind"] != "lwunet":
            continue
        patch = training_settings(config, name)["patch_size"]
        if patch > coarse_size:
            yield (
                f"config: patch_size {patch} of model {name} exceeds the volume's "
                f"{coarse_size} coarse voxels"
            )
        if (model["context"] == "none") != (model["context_channels"] == 0):
            yield (
                f"config: models.{name}: context {model['context']} does not go with "
                f"{model['context_channels']} context_channels"
            )
        if model.get("checkpoint") and model["replicates"] != 1:
            yield f"config: models.{name}: a given checkpoint has 1 replicate"
    if figures["model"] not in models:
        yield f"config: figures.model: {figures['model']} is not among models"
    for key in ("split", "loops"):
        if figures[key] not in config["evaluation"][f"{key.rstrip('s')}s"]:
            yield (
                f"config: figures.{key}: {figures[key]} is not among "
                f"evaluation.{key.rstrip('s')}s"
            )
