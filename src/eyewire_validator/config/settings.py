"""What a model entry and the training section of the configuration say."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, TypeVar

from eyewire_validator.errors import ConfigError

# Those that answer in voxels, loop by loop.
NETWORKS = ("lwunet",)
# Those that training makes.
TRAINED = (*NETWORKS, "agglomeration")
BASELINES = (
    "empty", "seed_only", "copy_previous", "dilated_seed", "contact_greedy", "msty",
    "geometry",
)  # fmt: skip
# Who knows the truth, is a person, or was made elsewhere: no models of this workflow.
REFERENCES = ("msty_oracle", "perfect_mask", "labels", "player", "crowd")
KINDS = (*TRAINED, *BASELINES, *REFERENCES)

# What a network is told about the ancestors of a task; see tasks/context.py.
LEAKED_CONTEXT = "published"
CONTEXTS = ("none", "ancestors", "ancestors_registered", LEAKED_CONTEXT)

# What grey values are multiplied with for the network: raw (0 to 255, as published),
# unit (0 to 1), or none (all 0), which shows what the image is worth.
IMAGE_SCALES = {"raw": 1.0, "unit": 1 / 255, "none": 0.0}

# What an agglomeration is told of ancestors, without any channels.
SEGMENT_CONTEXTS = ("none", "ancestors_registered")

# What an agglomeration judges contacts by: numbers that describe them (features), what
# a U-Net says of the voxels on both sides (affinities), or both.
EVIDENCE = ("features", "affinities", "both")
# Those that train the U-Net.
CONVOLVING = ("affinities", "both")
# How many judge: perceptrons, and turns of the volume that the U-Net is shown.
MEMBERS = 8

# What sigma means, and so how the network is trained; see models/uncertainty.py.
UNCERTAINTIES = ("scaled_logit", "sampled_logit", "sampled_logit_monte_carlo")

DEVICES = ("auto", "cpu", "cuda")

# The loops whose answers training looks at. Published: the last one alone. That leaves
# the network to find out by itself that the first loop must hand on the seed, which it
# does not within a short training, unless a context repeats the answer in every loop.
LOSS_ON = ("every_loop", "last_loop")

# What training holds to be true of a segment of the aggregate: 1 (hard), or the
# fraction of the players who agreed on it (soft). Validation always takes hard labels.
LABELS = ("hard", "soft")

# What convolutions of a training compute in: float32, or bf16 (bfloat16), half the
# memory and time where a device has it. auto: bf16 on a GPU, float32 on a CPU, where a
# training then ends with the same weights on every CPU of a kind.
PRECISIONS = ("auto", "float32", "bf16")

# Context channels of a network at most: far more ancestors than help.
MOST_CHANNELS = 16

# lwunet halves a volume twice, so its edges must divide by this.
SIZE_MULTIPLE = 4


@dataclass(frozen=True)
class ModelSettings:
    """One entry of ``models:``; config.yaml says what each key means.

    Raises:
        ConfigError: a value is out of range, by its key.
    """

    title: str
    kind: str
    context: str = "none"
    context_channels: int = 0
    loops: int = 1
    image: str = "unit"
    replicates: int = 1
    checkpoint: str | None = None
    uncertainty: str = "scaled_logit"
    dropout: float = 0.0
    dropout_samples: int = 1
    dilation: int = 0
    labels: str | None = None
    evidence: str = "features"
    trained_on: str | None = None

    def __post_init__(self) -> None:
        """Refuse values that no model could be made from."""
        _check_choice("model: kind", self.kind, KINDS)
        _check_choice("model: context", self.context, CONTEXTS)
        _check_choice("model: image", self.image, tuple(IMAGE_SCALES))
        _check_choice("model: evidence", self.evidence, EVIDENCE)
        if self.evidence in CONVOLVING and self.image != "unit":
            raise ConfigError(
                f"model: image is {self.image!r}, but affinities are found in the "
                "image; expected unit, or evidence features"
            )
        _check_choice("model: uncertainty", self.uncertainty, UNCERTAINTIES)
        _check_least("model: context_channels", self.context_channels, 0)
        if self.context_channels > MOST_CHANNELS:
            raise ConfigError(
                f"model: context_channels is {self.context_channels}, expected "
                f"{MOST_CHANNELS} or less"
            )
        _check_least("model: loops", self.loops, 1)
        _check_least("model: replicates", self.replicates, 1)
        _check_least("model: dropout_samples", self.dropout_samples, 1)
        _check_share("model: dropout", self.dropout)
        if self.dropout_samples > 1 and not self.dropout:
            raise ConfigError(
                f"model: {self.dropout_samples} dropout_samples would all be the same "
                "with dropout 0; set dropout above 0, or dropout_samples to 1"
            )
        if self.kind == "agglomeration":
            _check_choice("model: context", self.context, SEGMENT_CONTEXTS)
        elif (self.context == "none") != (self.context_channels == 0):
            raise ConfigError(
                f"model: context {self.context} does not go with "
                f"{self.context_channels} context_channels; expected 0 for none, "
                "1 or more for others"
            )

    @classmethod
    def from_config(cls, entry: Mapping[str, Any]) -> "ModelSettings":
        """Make the settings from a model's entry; its ``training`` is left aside."""
        own = {key: value for key, value in entry.items() if key != "training"}
        return _from_mapping(cls, "model", own)


@dataclass(frozen=True)
class TrainingSettings:
    """The section ``training:``; config.yaml says what each key means.

    Raises:
        ConfigError: a value is out of range, by its key.
    """

    device: str
    random_seed: int
    epochs: int
    batch_size: int
    rotation: int
    learning_rate: float
    weight_decay: float
    lr_step: int
    lr_gamma: float
    patience: int
    validation_tasks: int
    patch_size: int
    symmetries: bool
    loss_on: str
    labels: str
    precision: str = "float32"
    max_volumes: int = 400

    def __post_init__(self) -> None:
        """Refuse values that no training could run with."""
        _check_choice("training: device", self.device, DEVICES)
        _check_choice("training: loss_on", self.loss_on, LOSS_ON)
        _check_choice("training: labels", self.labels, LABELS)
        _check_choice("training: precision", self.precision, PRECISIONS)
        _check_least("training: random_seed", self.random_seed, 0)
        for name in ("epochs", "batch_size", "rotation", "lr_step", "patience"):
            _check_least(f"training: {name}", getattr(self, name), 1)
        _check_least("training: max_volumes", self.max_volumes, 1)
        _check_least("training: validation_tasks", self.validation_tasks, 1)
        _check_least("training: weight_decay", self.weight_decay, 0)
        for name in ("learning_rate", "lr_gamma"):
            if not getattr(self, name) > 0:
                raise ConfigError(
                    f"training: {name} is {getattr(self, name)}, expected above 0"
                )
        if self.patch_size < SIZE_MULTIPLE or self.patch_size % SIZE_MULTIPLE:
            raise ConfigError(
                f"training: patch_size is {self.patch_size}, expected a multiple of "
                f"{SIZE_MULTIPLE}, as the network halves a volume twice"
            )

    @classmethod
    def from_config(cls, section: Mapping[str, Any]) -> "TrainingSettings":
        """Make the settings from the section (with a model's overrides merged in)."""
        return _from_mapping(cls, "training", section)


Settings = TypeVar("Settings", ModelSettings, TrainingSettings)


def _from_mapping(
    cls: type[Settings], what: str, mapping: Mapping[str, Any]
) -> Settings:
    known = {field.name: field.type for field in fields(cls)}
    if unknown := sorted(map(str, set(mapping) - set(known))):
        raise ConfigError(
            f"{what}: unknown keys {', '.join(unknown)}; known: "
            f"{', '.join(sorted(known))}"
        )
    for name, value in mapping.items():
        _check_type(f"{what}: {name}", value, known[name])
    try:
        return cls(**mapping)
    except TypeError as error:
        raise ConfigError(f"{what}: {error}") from None


def _check_type(name: str, value: Any, expected: Any) -> None:
    """Refuse a value of another type than the field's."""
    fits = isinstance(value, int | float if expected is float else expected)
    if not fits or (isinstance(value, bool) and expected is not bool):
        kind = getattr(expected, "__name__", expected)
        raise ConfigError(f"{name} is a {type(value).__name__}, expected {kind}")


def _check_choice(name: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise ConfigError(f"{name} is {value!r}, expected one of {', '.join(choices)}")


def _check_least(name: str, value: float, least: float) -> None:
    if not value >= least:
        raise ConfigError(f"{name} is {value}, expected {least} or more")


def _check_share(name: str, value: float) -> None:
    if not 0 <= value < 1:
        raise ConfigError(f"{name} is {value}, expected 0 or more and below 1")
