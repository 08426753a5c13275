"""The kinds of models: one table that says what each is, and which functions serve it.

Functions are named, not imported: this table is below all models, and whoever reads the
configuration needs none of their libraries. Docs: docs/add-a-model.md.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from eyewire_validator.config.families import (
    AgglomerationSettings,
    AgglomerationTraining,
    DilatedSeedSettings,
    LabelsSettings,
    ModelSettings,
    NetworkSettings,
    NetworkTraining,
    PlayerSettings,
    TrainingSettings,
)
from eyewire_validator.errors import ConfigError

PACKAGE = "eyewire_validator"


@dataclass(frozen=True)
class Kind:
    """A kind of model.

    Attributes:
        settings: the class of its entries.
        answerer: ``module:function`` that makes its answerer, see
            `answers.MakeAnswerer`.
        training: the class of its training's settings, if it is trained.
        trainer: ``module:function`` that trains it, called as
            `models.train.train_model` does.
        module: ``module:function`` that makes its torch module from its settings, with
            untrained weights.
        is_reference: whether it is no model of ours: it knows the truth, or people or
            others made it.
        knows_people: whether it answers with people, known for the synthetic retina
            only.
    """

    settings: type[ModelSettings]
    answerer: str
    training: type[TrainingSettings] | None = None
    trainer: str | None = None
    module: str | None = None
    is_reference: bool = False
    knows_people: bool = False

    def modules(self, *functions: str) -> tuple[str, ...]:
        """Return the modules of functions: ``answerer``, ``trainer`` or ``module``."""
        named = filter(None, (getattr(self, function) for function in functions))
        return tuple(name.partition(":")[0] for name in named)


KINDS: Mapping[str, Kind] = {
    "lwunet": Kind(
        NetworkSettings,
        answerer="voxel_network.answerer:network_answerer",
        training=NetworkTraining,
        trainer="voxel_network.training:train_network",
        module="voxel_network.lwunet:LWUNet.from_settings",
    ),
    "agglomeration": Kind(
        AgglomerationSettings,
        answerer="agglomeration.answerer:agglomeration_answerer",
        training=AgglomerationTraining,
        trainer="agglomeration.training:train_agglomeration",
        module="agglomeration.contact_model:ContactModel.from_settings",
    ),
    "geometry": Kind(ModelSettings, "baselines.boosted_trees:geometry"),
    "msty": Kind(ModelSettings, "baselines.floods:msty"),
    "contact_greedy": Kind(ModelSettings, "baselines.floods:contact_greedy"),
    "dilated_seed": Kind(DilatedSeedSettings, "baselines.masks:dilated_seed"),
    "copy_previous": Kind(ModelSettings, "baselines.masks:copy_previous"),
    "seed_only": Kind(ModelSettings, "baselines.masks:seed_only"),
    "empty": Kind(ModelSettings, "baselines.masks:empty"),
    "labels": Kind(LabelsSettings, "baselines.labels:labels", is_reference=True),
    "player": Kind(
        PlayerSettings, "baselines.people:player", is_reference=True, knows_people=True
    ),
    "crowd": Kind(
        ModelSettings, "baselines.people:crowd", is_reference=True, knows_people=True
    ),
    "msty_oracle": Kind(
        ModelSettings, "baselines.floods:msty_oracle", is_reference=True
    ),
    "perfect_mask": Kind(
        ModelSettings, "baselines.masks:perfect_mask", is_reference=True
    ),
}


def kind_of(entry: Mapping[str, Any], place: str = "model") -> Kind:
    """Return the kind of an entry of ``models:``.

    Raises:
        ConfigError: it has none, or one that is not known.
    """
    kind = entry.get("kind")
    if not isinstance(kind, str) or kind not in KINDS:
        raise ConfigError(f"{place}.kind: {kind!r} is not one of {', '.join(KINDS)}")
    return KINDS[kind]


def model_settings(entry: Mapping[str, Any], place: str = "model") -> ModelSettings:
    """Make the settings of an entry of ``models:``; its ``training`` is left aside.

    Raises:
        ConfigError: the kind is not known, or a key or value not one of the kind.
    """
    own = {key: value for key, value in entry.items() if key != "training"}
    return kind_of(entry, place).settings.from_mapping(own, place)


def function_of(name: str) -> Callable[..., Any]:
    """Import the function, or the method, that ``module:function`` names."""
    module, _, path = name.partition(":")
    found: Any = import_module(f"{PACKAGE}.{module}")
    for part in path.split("."):
        found = getattr(found, part)
    return found  # type: ignore[no-any-return]
