"""The workflow's configuration, refused by name when it is wrong."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from jsonschema.protocols import Validator
from jsonschema.validators import extend

from eyewire_validator.config.entries import (
    adaptation,
    adapts_of_evidence,
    complete_entry,
    complete_training,
    tissue_training,
    tuning,
)
from eyewire_validator.config.families import (
    SIZE_MULTIPLE,
    AgglomerationTraining,
    ModelSettings,
    NetworkSettings,
    TrainedSettings,
    TrainingSettings,
)
from eyewire_validator.config.kinds import KINDS, kind_of, model_settings
from eyewire_validator.config.settings import Settings, suggestion
from eyewire_validator.config.source import MAKE, has_files, has_labels
from eyewire_validator.errors import ConfigError
from eyewire_validator.storage.array_files import may_say_resolution
from eyewire_validator.volumes.dust import Dust
from eyewire_validator.volumes.geometry import (
    Edges,
    VolumeGeometry,
    as_config,
    by_axis,
)


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


# Keys of before, and what they have become.
_REPLACED = {
    "evaluation.accept_precision": (
        "evaluation.risk: {false_merge: 0.05, confidence: 0.95}, where it was 0.95: "
        "the share of false merges that may be accepted, and how surely"
    ),
    "carry_over.leave_out": (
        "carry_over.tissues.NAME.teaches: all for those that it named, else network"
    ),
}

# The spawner leaves out the outermost voxel on either side of what two volumes share.
LEAST_OVERLAP = 3
# One to answer, one to choose thresholds on, one to learn from.
LEAST_TISSUES = 3


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


def volume_geometry(config: Mapping[str, Any]) -> VolumeGeometry:
    """Return the geometry that ``volumes:`` describes."""
    volumes = config["volumes"]
    return VolumeGeometry(
        **{key: volumes[key] for key in ("size", "overlap", "factor")}
    )


def dust(config: Mapping[str, Any]) -> Dust:
    """Return what is dust by ``evaluation:``, in the volumes of ``volumes:``."""
    evaluation = config["evaluation"]
    return Dust.of(
        evaluation["dust_voxels"],
        evaluation["dust_thickness"],
        by_axis(config["volumes"]["size"]),
    )


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
            _describe_unknown(f"{prefix}{key}", suggestion(key, known))
            for key in sorted(map(str, set(found) - set(known)))
        )
    if error.validator == "required":
        missing = [key for key in rule["required"] if key not in found]
        return f"config: missing under {place or 'the top'}: {', '.join(missing)}"
    return f"config: {place}: {error.message}"


def _describe_unknown(key: str, hint: str) -> str:
    if key in _REPLACED:
        return f"config: {key} is replaced by {_REPLACED[key]}"
    return f"config: unknown key {key}{hint}"


def _contradictions(config: Mapping[str, Any]) -> Iterator[str]:
    """Yield what the schema cannot see: values that do not fit each other."""
    try:
        geometry = volume_geometry(config)
    except ConfigError as error:
        yield f"config: {error}"
        return
    layers = config["split"]["buffer"]
    if any(
        (layers + 1) * stride < size
        for stride, size in zip(geometry.stride, geometry.size, strict=True)
    ):
        yield (
            f"config: split.buffer: with {layers} layers between them, volumes still "
            f"overlap at a stride of {as_config(geometry.stride)}; use more"
        )
    yield from _sandbox_contradictions(config)
    yield from _tissue_problems(config)
    yield from _refusals(AgglomerationTraining, tuning(config), "learn.training")
    yield from _model_contradictions(config, geometry.coarse_shape)


def _sandbox_contradictions(config: Mapping[str, Any]) -> Iterator[str]:
    files, overlap = config["sandbox"]["files"], config["volumes"]["overlap"]
    if config["source"] == "sandbox" and min(by_axis(overlap)) < LEAST_OVERLAP:
        yield (
            f"config: volumes.overlap: in {overlap} voxels no answer spawns a task in "
            f"the next volume of a sandbox; use at least {LEAST_OVERLAP}"
        )
    if not has_files(config):
        return
    for key in ("image", "supervoxels"):
        if files[key] is None:
            yield f"config: sandbox.files.{key}: name a file (made_from is files)"
    if files["labels"] is None and files["seeds"] is None:
        yield (
            "config: sandbox.files: name labels, if answers are known, or seeds, to "
            "ask from: a CSV, or `all`"
        )
    named = (files[key] for key in ("image", "supervoxels", "labels"))
    if not config["volumes"]["voxel_nm"] and not any(
        may_say_resolution(source) for source in named if source
    ):
        yield (
            "config: volumes.voxel_nm: say how large the voxels of sandbox.files are, "
            "in nm (z, y, x), such as [30, 6, 6]; files of this form do not"
        )


def _tissue_problems(config: Mapping[str, Any]) -> Iterator[str]:
    """Yield why no tissue could be left out."""
    place, tissues = "carry_over", config["carry_over"]["tissues"]
    teachers = sum(tissue["teaches"] == "all" for tissue in tissues.values())
    teaching = {n for n, tissue in tissues.items() if tissue["teaches"] != "nothing"}
    if tissues and teachers < LEAST_TISSUES:
        yield (
            f"config: {place}.tissues: {teachers} teach all, expected {LEAST_TISSUES} "
            "or more: one is answered, on one thresholds are chosen, and the rest "
            "teach the second look"
        )
    for name, tissue in tissues.items():
        yield from _teaching_problems(tissue, f"{place}.tissues.{name}")
        if tissue["part_of"] not in {None, *teaching}:
            yield (
                f"config: {place}.tissues.{name}.part_of: {tissue['part_of']} is no "
                "tissue that teaches; use null, or one that does"
            )
    whole = tissue_training(config)
    yield from _refusals(AgglomerationTraining, whole, f"{place}.training")
    of_all = whole | config[place]["training_of_all"]
    yield from _refusals(AgglomerationTraining, of_all, f"{place}.training_of_all")
    adapting = adaptation(config)
    yield from _refusals(AgglomerationTraining, adapting, f"{place}.adaptation")


def _teaching_problems(tissue: Mapping[str, Any], where: str) -> Iterator[str]:
    """Yield why a tissue could not teach what it is said to."""
    sandbox, teaches = tissue["run"]["sandbox"], tissue["teaches"]
    is_drawn = sandbox["made_from"] != "files"
    if not is_drawn and "files" not in sandbox:
        yield f"config: {where}.run.sandbox.files: name image, supervoxels and labels"
    if is_drawn and teaches != "nothing":
        yield (
            f"config: {where}.teaches: {teaches}, but a {sandbox['made_from']} has no "
            "files to learn from; use nothing"
        )
    if tissue["part_of"] and teaches != "nothing":
        yield (
            f"config: {where}.teaches: {teaches}, but {tissue['part_of']}, of which it "
            "is a part, teaches that already; use nothing"
        )
    if tissue["labels"] and teaches == "nothing":
        yield (
            f"config: {where}.labels: {tissue['labels']} would teach nobody, as "
            f"{where}.teaches is nothing; use null"
        )


def _cannot_make_supervoxels(config: Mapping[str, Any]) -> bool:
    """Return whether supervoxels would have to be made by a model not trained yet."""
    models, named = config["models"], config["answers"]["models"]
    given = [name for name, entry in models.items() if entry.get("checkpoint")]
    first = (named or given)[:1]
    wanted = has_files(config) and config["sandbox"]["files"]["supervoxels"] == MAKE
    return wanted and not set(first) & set(given)


def _model_contradictions(
    config: Mapping[str, Any], coarse_shape: Edges
) -> Iterator[str]:
    """Yield what is wrong with kinds and models, or else between them and the rest."""
    problems = [
        *(p for kind in config["kinds"] for p in _kind_problems(config, kind)),
        *(p for model in config["models"] for p in _entry_problems(config, model)),
    ]
    yield from problems
    if not problems:
        for name in config["models"]:
            yield from _misfits(config, name, coarse_shape)
        yield from _answers_contradictions(config)
        yield from _growth_contradictions(config)
        if _cannot_make_supervoxels(config):
            yield (
                "config: sandbox.files.supervoxels: make needs a model with a "
                "checkpoint as the first that answers; keep ready_made"
            )
        if has_labels(config):
            yield from _report_contradictions(config)


def _growth_contradictions(config: Mapping[str, Any]) -> Iterator[str]:
    """Yield why the model that is named cannot grow cells."""
    name = config["growth"]["model"]
    if name is None:
        return
    kind = config["models"].get(name, {}).get("kind", "not among models")
    if kind != "agglomeration":
        yield (
            f"config: growth.model: {name} is {kind}, expected a model of kind "
            "agglomeration"
        )


def _kind_problems(config: Mapping[str, Any], name: str) -> Iterator[str]:
    """Yield what is wrong with the defaults of a kind."""
    if name not in KINDS:
        yield f"config: unknown key kinds.{name}{suggestion(name, KINDS)}"
        return
    kind, defaults = KINDS[name], dict(config["kinds"][name])
    training = defaults.pop("training", {})
    entry = {"title": name, "kind": name, **defaults}
    yield from _refusals(kind.settings, entry, f"kinds.{name}")
    if kind.training:
        whole = {**config["training"], **training}
        yield from _refusals(kind.training, whole, f"kinds.{name}.training")


def _entry_problems(config: Mapping[str, Any], name: str) -> Iterator[str]:
    """Yield what is wrong with an entry of ``models:``."""
    place, entry = f"models.{name}", config["models"][name]
    try:
        kind = kind_of(entry, place)
    except ConfigError as error:
        yield f"config: {error}"
        return
    whole = complete_entry(config, name)
    refusals = list(_refusals(kind.settings, whole, place))
    yield from refusals
    if kind.training is None and "training" in entry:
        yield f"config: unknown key {place}.training (kind {entry['kind']} has none)"
    elif kind.training and not refusals:
        settings = kind.settings.from_mapping(whole, place)
        yield from _training_problems(config, name, kind.training, settings)


def _training_problems(
    config: Mapping[str, Any],
    name: str,
    training: type[TrainingSettings],
    settings: ModelSettings,
) -> Iterator[str]:
    """Yield what is wrong with the training of a model, or what of it nothing reads."""
    place, own = f"models.{name}.training", config["models"][name].get("training", {})
    yield from _refusals(training, complete_training(config, name), place)
    if isinstance(settings, TrainedSettings):
        if settings.checkpoint and own:
            yield f"config: {place}: {settings.checkpoint} is not trained; leave it out"
        for key in sorted(set(own) & set(settings.unread_training())):
            yield f"config: {place}.{key}: nothing reads it here; leave it out"


def _refusals(
    settings: type[Settings], mapping: Mapping[str, Any], place: str
) -> Iterator[str]:
    """Yield what settings refuse of a mapping, a line each."""
    try:
        settings.from_mapping(mapping, place)
    except ConfigError as error:
        yield from (f"config: {line}" for line in str(error).splitlines())


def _misfits(
    config: Mapping[str, Any], name: str, coarse_shape: Edges
) -> Iterator[str]:
    """Yield where a model does not fit the volumes, or the loops that are evaluated."""
    settings = model_settings(complete_entry(config, name))
    if not isinstance(settings, TrainedSettings) or not settings.convolves:
        return
    if not has_labels(config) and not settings.checkpoint:
        return
    is_network = isinstance(settings, NetworkSettings)
    divides = not any(edge % SIZE_MULTIPLE for edge in coarse_shape)
    if not divides and (is_network or not settings.checkpoint):
        yield (
            f"config: size / factor of volumes is {as_config(coarse_shape)}, expected "
            f"a multiple of {SIZE_MULTIPLE}, as the network of model {name} halves it "
            "twice"
        )
    patch = complete_training(config, name)["patch_size"]
    if patch > min(coarse_shape) and not settings.checkpoint:
        yield (
            f"config: patch_size {patch} of model {name} exceeds the volume's "
            f"{as_config(coarse_shape)} coarse voxels"
        )
    loops = config["evaluation"]["loops"]
    if isinstance(settings, NetworkSettings) and settings.loops not in loops:
        yield (
            f"config: models.{name}.loops: {settings.loops} is not among "
            "evaluation.loops"
        )


def _report_contradictions(config: Mapping[str, Any]) -> Iterator[str]:
    models, report = config["models"], config["report"]
    model = report["model"]
    known = model in models and kind_of(models[model]).training
    if not known:
        yield f"config: report.model: {model} has no weights among models"
    if report["split"] not in config["evaluation"]["splits"]:
        yield (
            f"config: report.split: {report['split']} is not among evaluation.splits"
        )


def _answers_contradictions(config: Mapping[str, Any]) -> Iterator[str]:
    """Yield why models cannot answer open tasks, or that there are none."""
    models, named = config["models"], config["answers"]["models"]
    if not config["registry"]["csvs"] and not config["answers"]["tasks"]:
        yield (
            "config: registry.csvs: name a list of cells, or answers.tasks a list of "
            "tasks"
        )
    for name in named or []:
        if name not in models or not kind_of(models[name]).training:
            yield f"config: answers.models: {name} has no weights among models"
        elif not has_labels(config) and not models[name].get("checkpoint"):
            yield (
                f"config: answers.models: {name} would have to be trained, but no "
                "answer is known here; name models with a checkpoint"
            )
    adapts = adapts_of_evidence(config)
    if len(set(adapts.values())) > 1:
        each = ", ".join(f"{name} {volumes}" for name, volumes in adapts.items())
        yield (
            f"config: models: their adapt differs ({each}), but all name the "
            "checkpoint of volumes.evidence, by which contacts are scored once; "
            "expected the same"
        )
    given = [name for name, entry in models.items() if entry.get("checkpoint")]
    if not has_labels(config) and not named and not given:
        yield (
            "config: models: none has a checkpoint, and none can be trained, as no "
            "answer is known here; keep ready_made"
        )
