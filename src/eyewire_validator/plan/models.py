"""The models of a configuration, and what the workflow has to do for each."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from eyewire_validator.config.entries import complete_entry, complete_training
from eyewire_validator.config.families import (
    ModelSettings,
    NetworkSettings,
    ReplicatedSettings,
    TrainedSettings,
    TrainingSettings,
)
from eyewire_validator.config.kinds import KINDS, Kind, model_settings
from eyewire_validator.config.source import has_people

# What a model that learned a tissue is made as.
LEARNED = "results/learn/agglomeration.pt"


@dataclass(frozen=True)
class PlannedModel:
    """A model of the configuration.

    Attributes:
        name: its key in ``models:``.
        settings: its entry.
        training: how it is trained; none if its kind is not.
    """

    name: str
    settings: ModelSettings
    training: TrainingSettings | None

    @classmethod
    def from_config(cls, config: Mapping[str, Any], name: str) -> "PlannedModel":
        """Read the entry of a configuration that `check_config` accepts."""
        settings = model_settings(complete_entry(config, name))
        kind = KINDS[settings.kind]
        if kind.training is None:
            return cls(name, settings, None)
        training = complete_training(config, name)
        return cls(name, settings, kind.training.from_mapping(training, "training"))

    @property
    def kind(self) -> Kind:
        """Return what the table of kinds says of it."""
        return KINDS[self.settings.kind]

    @property
    def entry(self) -> dict[str, Any]:
        """Return the entry as plain values; `kinds.model_settings` reads it again."""
        return asdict(self.settings)

    @property
    def is_network(self) -> bool:
        """Return whether it answers in voxels, loop by loop."""
        return isinstance(self.settings, NetworkSettings)

    @property
    def has_weights(self) -> bool:
        """Return whether it has weights, unlike a rule such as seed_only."""
        return isinstance(self.settings, TrainedSettings)

    @property
    def given_checkpoint(self) -> str | None:
        """Return the checkpoint that the entry names instead of a training."""
        return getattr(self.settings, "checkpoint", None)

    @property
    def is_adapted(self) -> bool:
        """Return whether the network of its checkpoint is adapted to the tissue."""
        return getattr(self.settings, "adapt", 0) > 0

    @property
    def is_trained(self) -> bool:
        """Return whether the workflow trains it."""
        return self.has_weights and self.given_checkpoint is None

    @property
    def convolves(self) -> bool:
        """Return whether training it convolves, and so takes a GPU if there is one."""
        return isinstance(self.settings, TrainedSettings) and self.settings.convolves

    @property
    def is_leaked(self) -> bool:
        """Return whether its input holds the answer."""
        return isinstance(self.settings, TrainedSettings) and self.settings.is_leaked

    @property
    def standing(self) -> str:
        """Return what its numbers are worth: a result, a reference, or leaked."""
        if self.is_leaked:
            return "leaked"
        return "reference" if self.kind.is_reference else "result"

    @property
    def replicates(self) -> range:
        """Return the numbers of its replicates."""
        settings = self.settings
        return range(
            settings.replicates if isinstance(settings, ReplicatedSettings) else 1
        )

    @property
    def loops(self) -> int:
        """Return the number of loops that it is trained and shown with."""
        return self.settings.loops if isinstance(self.settings, NetworkSettings) else 1

    @property
    def checkpoints(self) -> range:
        """Return the replicates that have a checkpoint."""
        return self.replicates if self.has_weights else range(0)


def plan_models(config: Mapping[str, Any]) -> dict[str, PlannedModel]:
    """Return the models that can be run: people only where they are known."""
    models = {name: PlannedModel.from_config(config, name) for name in config["models"]}
    people_are_known = has_people(config)
    return {
        name: model
        for name, model in models.items()
        if people_are_known or not model.kind.knows_people
    }


def answering_models(
    config: Mapping[str, Any], models: Mapping[str, PlannedModel]
) -> list[str]:
    """Return the models that answer open tasks.

    They are those that ``answers.models`` names; or those that name a checkpoint; or,
    if none does, the one of the report.
    """
    given = [name for name, model in models.items() if model.given_checkpoint]
    return config["answers"]["models"] or given or [config["report"]["model"]]


def learning_model(
    models: Mapping[str, PlannedModel], answering: Sequence[str]
) -> str | None:
    """Return the model that learns a tissue; none if no one can.

    It is the first agglomeration that answers, or else the first of all; not one that
    is made by this learning.
    """
    able = [
        name
        for name in [*answering, *models]
        if models[name].settings.kind == "agglomeration"
        and models[name].given_checkpoint != LEARNED
    ]
    return next(iter(able), None)


def growing_model(
    config: Mapping[str, Any], models: Mapping[str, PlannedModel]
) -> str | None:
    """Return the agglomeration that cells grow by; none if there is no agglomeration.

    It is what ``growth.model`` names, or the first that answers open tasks, or else the
    first of all.
    """
    wanted: str | None = config["growth"]["model"]
    if wanted:
        return wanted
    answering = answering_models(config, models)
    in_turn = [*answering, *(name for name in models if name not in answering)]
    kinds = {name: model.settings.kind for name, model in models.items()}
    return next((n for n in in_turn if kinds.get(n) == "agglomeration"), None)


def audited_models(models: Mapping[str, PlannedModel]) -> dict[str, dict[str, Any]]:
    """Return the models that are audited for leaks, and their numbers of checkpoints.

    References are not: they may know the answer.
    """
    return {
        name: {
            "entry": model.entry,
            "leaked": model.is_leaked,
            "trained_on": getattr(model.settings, "trained_on", None),
            "checkpoints": len(model.checkpoints),
        }
        for name, model in models.items()
        if not model.kind.is_reference
    }
