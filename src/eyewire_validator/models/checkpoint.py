"""Save and load checkpoints: weights, all settings, and what they were made from.

It holds plain types and tensors only, and is never unpickled freely.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from eyewire_validator.agglomeration.contact_classifier import (
    ContactClassifier,
    second_look_of,
    unlearned_second_look,
)
from eyewire_validator.agglomeration.contact_model import ContactModel
from eyewire_validator.agglomeration.membership import Membership
from eyewire_validator.agglomeration.tissue_memberships import TissueMemberships
from eyewire_validator.config.families import (
    AgglomerationTraining,
    ModelSettings,
    TrainingSettings,
)
from eyewire_validator.config.kinds import KINDS, function_of, kind_of, model_settings
from eyewire_validator.errors import ConfigError, ModelError, TableError
from eyewire_validator.evaluation.left_out import LeftOutScore
from eyewire_validator.evaluation.operating_point import OperatingPoint
from eyewire_validator.learning.tensor_files import (
    load_plain,
    save_plain,
    weights_hash,
)
from eyewire_validator.volumes.appearance import Familiar

FORMAT = "eyewire-validator checkpoint 4"
# Memberships were of other numbers, so no agglomeration of these is read.
EARLIER_FORMATS = ("eyewire-validator checkpoint 2", "eyewire-validator checkpoint 3")
OLD_FORMATS = ("eyewire-validator checkpoint 1",)
_EARLIER = (
    "{}: made by an earlier version, whose models were others; train it again, take "
    "models/agglomeration.pt, or use the version that made it"
)


class Adapted(NamedTuple):
    """Hold what answers by a network that was adapted to a tissue (`models.adapt`).

    Attributes:
        training: how the network is adapted, see `adapt_affinities`.
        membership: for volumes that look like no tissue that was learned from.
        memberships: by the name of a tissue.
        operating_point: thresholds and calibration.
        second_look: judges contacts again, if any.
        left_out: how good it was on each tissue left out, if that was measured.
    """

    training: AgglomerationTraining
    membership: Membership
    memberships: Mapping[str, Membership]
    operating_point: OperatingPoint
    second_look: ContactClassifier | None = None
    left_out: tuple[LeftOutScore, ...] = ()

    def as_plain(self) -> dict[str, Any]:
        """Return it as plain values, which `from_plain` takes."""
        return {
            "training": asdict(self.training),
            "membership": list(self.membership),
            "memberships": _plain(self.memberships),
            "operating_point": self.operating_point.as_plain(),
            "second_look": self.second_look and self.second_look.state_dict(),
            "left_out": [score.as_plain() for score in self.left_out],
        }

    @classmethod
    def from_plain(cls, values: Mapping[str, Any]) -> "Adapted":
        """Make it from what `as_plain` gave."""
        return cls(
            AgglomerationTraining.from_mapping(values["training"], "adapted.training"),
            Membership(*map(float, values["membership"])),
            _memberships(values["memberships"]),
            OperatingPoint.from_plain(values["operating_point"]),
            second_look_of(weights) if (weights := values.get("second_look")) else None,
            _scores(values.get("left_out", ())),
        )


@dataclass(frozen=True)
class CheckpointInfo:
    """The description that a checkpoint holds of itself.

    Attributes:
        model_settings: the model's entry.
        training_settings: how it was trained; none for foreign weights.
        provenance: what it was made from, such as hashes of config and split.
        familiar: how the volumes looked that it learned from; none if nobody noted it.
        memberships: by the name of a tissue in ``familiar``, of an agglomeration that
            learned from several.
        operating_point: thresholds and calibration, for tasks without known answers;
            none if nobody measured them.
        adapted: what answers once the network is adapted to a tissue; none if it is
            already, or nobody fitted that.
        left_out: how good the network as it is was on each tissue left out, if that
            was measured; a network that was adapted says it of adapted ones.
    """

    model_settings: ModelSettings
    training_settings: TrainingSettings | None = None
    provenance: Mapping[str, str] = field(default_factory=dict)
    familiar: Familiar | None = None
    memberships: Mapping[str, Membership] = field(default_factory=dict)
    operating_point: OperatingPoint | None = None
    adapted: Adapted | None = None
    left_out: tuple[LeftOutScore, ...] = ()


def save_checkpoint(path: Path, model: nn.Module, info: CheckpointInfo) -> None:
    """Write weights and settings to ``path``; equal content gives equal bytes."""
    training, point = info.training_settings, info.operating_point
    weights = model.state_dict()
    save_plain(
        path,
        {
            "format": FORMAT,
            "model_settings": asdict(info.model_settings),
            "training_settings": asdict(training) if training else None,
            "provenance": dict(info.provenance),
            "familiar": info.familiar.as_plain() if info.familiar else None,
            "memberships": _plain(info.memberships),
            "operating_point": point.as_plain() if point else None,
            "adapted": info.adapted.as_plain() if info.adapted else None,
            "left_out": [score.as_plain() for score in info.left_out],
            "weights": weights,
            "fitted_with": weights_hash(weights),
        },
    )


def load_checkpoint(
    path: Path,
    device: torch.device | None = None,
    settings: ModelSettings | None = None,
) -> tuple[nn.Module, CheckpointInfo]:
    """Read a checkpoint, or the bare weights that were published.

    Args:
        path: a file of `save_checkpoint`, or a state dict with the published names.
        device: where the model is put; the CPU if not given.
        settings: the entry that names the file; bare weights need it.

    Returns:
        The model, and what is known about it; ``model_settings`` are ``settings`` if
        these were given.

    Raises:
        ModelError: the file is missing, damaged, holds anything but plain data and
            tensors, does not fit the settings, or its weights were exchanged.
    """
    content = load_plain(path)
    if content.get("format") in (FORMAT, *EARLIER_FORMATS):
        info, weights = _read_info(path, content), content.get("weights", {})
        if content["format"] != FORMAT and info.model_settings.kind == "agglomeration":
            raise ModelError(_EARLIER.format(path))
        if settings is not None:
            _check_fits(path, info.model_settings, settings)
            info = replace(info, model_settings=settings)
    elif content.get("format") in OLD_FORMATS:
        raise ModelError(_EARLIER.format(path))
    elif settings is not None:
        info, weights = CheckpointInfo(settings), content
    else:
        raise ModelError(
            f"{path}: holds no settings; name it as `checkpoint` of a model's entry"
        )
    _check_weights(path, info.model_settings, weights)
    if content.get("fitted_with", weights_hash(weights)) != weights_hash(weights):
        raise ModelError(
            f"{path}: its weights are not those that memberships and thresholds were "
            "fitted with; take the file as it was made, or fit them again"
        )
    model = _module_for(info.model_settings, weights)
    model.load_state_dict(weights)
    if info.familiar and isinstance(model, ContactModel):
        model.learned_nm = info.familiar.voxel_nm
        if info.memberships:
            model.by_tissue = TissueMemberships(
                info.memberships, model.membership, info.familiar
            )
    return model.eval().to(device or torch.device("cpu")), info


def make_module(settings: ModelSettings) -> nn.Module:
    """Make the torch module of an entry, its weights drawn from torch's generator."""
    name = KINDS[settings.kind].module
    if name is None:
        raise ModelError(f"model {settings.title}: kind {settings.kind} has no weights")
    module: nn.Module = function_of(name)(settings)
    return module


def _module_for(settings: ModelSettings, weights: Any) -> nn.Module:
    """Make the module of an entry, with a second look where weights are of one."""
    module = make_module(settings)
    if isinstance(module, ContactModel) and any(
        str(name).startswith("second_look.") for name in weights
    ):
        module.second_look = unlearned_second_look()
    return module


def _read_info(path: Path, content: Mapping[str, Any]) -> CheckpointInfo:
    try:
        entry, training = content["model_settings"], content["training_settings"]
        trained_by = kind_of(entry).training
        return CheckpointInfo(
            model_settings(entry),
            trained_by.from_mapping(training, "training")
            if trained_by and training
            else None,
            {str(name): str(value) for name, value in content["provenance"].items()},
            Familiar.from_plain(familiar)
            if (familiar := content.get("familiar"))
            else None,
            _memberships(content.get("memberships", {})),
            OperatingPoint.from_plain(point)
            if (point := content.get("operating_point"))
            else None,
            Adapted.from_plain(adapted)
            if (adapted := content.get("adapted"))
            else None,
            _scores(content.get("left_out", ())),
        )
    except (
        *(KeyError, ConfigError, AttributeError, TypeError, ValueError),
        TableError,
    ) as error:
        reason = " ".join(str(error).splitlines())
        raise ModelError(f"{path}: made by another version ({reason})") from None


def _plain(memberships: Mapping[str, Membership]) -> dict[str, list[float]]:
    return {name: list(one) for name, one in memberships.items()}


def _memberships(plain: Mapping[str, Any]) -> dict[str, Membership]:
    return {
        str(name): Membership(*map(float, numbers)) for name, numbers in plain.items()
    }


def _scores(plain: Iterable[Mapping[str, Any]]) -> tuple[LeftOutScore, ...]:
    return tuple(map(LeftOutScore.from_plain, plain))


def _check_fits(path: Path, trained: ModelSettings, wanted: ModelSettings) -> None:
    for name in ("kind", *wanted.built_from):
        found, expected = getattr(trained, name), getattr(wanted, name)
        if found != expected:
            raise ModelError(
                f"{path}: was trained with {name} {found}, but the model's entry says "
                f"{expected}; change the entry"
            )


def _check_weights(path: Path, settings: ModelSettings, weights: Any) -> None:
    """Refuse weights of another form before the model takes any memory."""
    with torch.device("meta"):
        own = _module_for(settings, weights).state_dict()
    expected = _shapes(own)
    found = _shapes(weights)
    if found != expected:
        name = next(n for n in {**expected, **found} if found.get(n) != expected.get(n))
        built = (f"{key} {getattr(settings, key)}" for key in settings.built_from)
        raise ModelError(
            f"{path}: weights {name} have shape {found.get(name)}, expected "
            f"{expected.get(name)} for {', '.join((settings.kind, *built))}"
        )
    for name, value in weights.items():
        if value.dtype != own[name].dtype or value.layout != torch.strided:
            raise ModelError(
                f"{path}: weights {name} are {value.dtype}, {value.layout}; expected "
                f"{own[name].dtype}, torch.strided"
            )
        if value.nbytes > value.untyped_storage().nbytes():
            raise ModelError(f"{path}: weights {name} repeat what they hold")
        if not value.isfinite().all():
            raise ModelError(
                f"{path}: weights {name} are not all finite numbers; train again"
            )


def _shapes(weights: Any) -> dict[str, tuple[int, ...] | str]:
    """Return the shape of each tensor, and the type of what is none."""
    if not isinstance(weights, Mapping):
        return {}
    return {
        str(name): tuple(value.shape) if isinstance(value, Tensor) else str(type(value))
        for name, value in weights.items()
    }
