"""The settings of each family of models, and of its training.

A family's class has the keys that its models read, and no others. What each means, its
unit and its default stand in config/defaults.yaml.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import ClassVar

from eyewire_validator.config.settings import Settings, number, one_of

# The context channels of a network; see tasks/context.py. The last holds the answer.
LEAKED_CONTEXT = "published"
CONTEXTS = ("none", "ancestors", "ancestors_registered", LEAKED_CONTEXT)
# What an agglomeration is told about ancestors, without any channels.
SEGMENT_CONTEXTS = ("none", "ancestors_registered")
# Volumes that a network is adapted to, all of them in memory.
MOST_VOLUMES = 1000
# Far more ancestors than help.
MOST_CHANNELS = 16

# What a network multiplies grey values with: raw (0 to 255, as published), unit (0 to
# 1), or none (all 0), which shows what the image is worth.
IMAGE_SCALES = {"raw": 1.0, "unit": 1 / 255, "none": 0.0}

# The meaning of sigma, and with it the loss; see voxel_network/uncertainty.py.
UNCERTAINTIES = ("scaled_logit", "sampled_logit", "sampled_logit_monte_carlo")

# The evidence that contacts are scored by: numbers that describe them (features), the
# affinities that a U-Net finds in the voxels on both sides, or both.
EVIDENCE = ("features", "affinities", "both")

DEVICES = ("auto", "cpu", "cuda")
PRECISIONS = ("auto", "float32", "bf16")
# The loops whose answers are trained. Published: the last one alone. That leaves the
# network to find out by itself that the first loop must hand on the seed, which it does
# not within a short training, unless a context repeats the answer in every loop.
LOSS_ON = ("every_loop", "last_loop")
# The truth that a segment of the aggregate is trained towards: 1 (hard), or the
# fraction of the players who agreed on it (soft).
LABELS = ("hard", "soft")

# Both U-Nets halve a volume twice, so edges must divide by this.
SIZE_MULTIPLE = 4


@dataclass(frozen=True, kw_only=True)
class ModelSettings(Settings):
    """An entry of ``models:``, of a kind that has no keys of its own.

    Attributes:
        title: names the model in tables and figures.
        kind: a key of `kinds.KINDS`.
        built_from: keys that a checkpoint and the entry that names it must agree on.
    """

    title: str
    kind: str
    built_from: ClassVar[tuple[str, ...]] = ()


@dataclass(frozen=True, kw_only=True)
class ReplicatedSettings(ModelSettings):
    """An entry that answers several times over: trainings, or players."""

    replicates: int = number(1, default=1)


@dataclass(frozen=True, kw_only=True)
class PlayerSettings(ReplicatedSettings):
    """A single player of each task, another one in each replicate."""


@dataclass(frozen=True, kw_only=True)
class DilatedSeedSettings(ModelSettings):
    """The seed, dilated by so many coarse voxels."""

    dilation: int = number(1)


@dataclass(frozen=True, kw_only=True)
class LabelsSettings(ModelSettings):
    """A finished segmentation in a file, ``file.npz::name``."""

    labels: str


@dataclass(frozen=True, kw_only=True)
class TrainedSettings(ReplicatedSettings):
    """An entry with weights, from training or from a given checkpoint."""

    checkpoint: str | None = None
    trained_on: str | None = None
    context: str = one_of(CONTEXTS, default="none")

    @property
    def convolves(self) -> bool:
        """Return whether training takes convolutions, and so a GPU if there is one."""
        return True

    def unread_training(self) -> Iterable[str]:
        """Return the keys of its training that do nothing with these settings."""
        return ()

    @property
    def is_leaked(self) -> bool:
        """Return whether the context holds the task's own answer."""
        return self.context == LEAKED_CONTEXT

    def contradictions(self) -> Iterator[str]:
        """Yield what does not fit."""
        if self.checkpoint and self.replicates != 1:
            yield f"replicates: {self.replicates}, but a given checkpoint has 1"


@dataclass(frozen=True, kw_only=True)
class NetworkSettings(TrainedSettings):
    """A recurrent network that answers in voxels, loop by loop."""

    built_from = ("context_channels", "image", "uncertainty", "dropout")

    kind: str = "lwunet"
    context_channels: int = number(0, MOST_CHANNELS, default=0)
    loops: int = number(1, default=1)
    image: str = one_of(IMAGE_SCALES, default="unit")
    uncertainty: str = one_of(UNCERTAINTIES, default="scaled_logit")
    dropout: float = number(0, below=1, default=0.0)
    dropout_samples: int = number(1, default=1)

    def contradictions(self) -> Iterator[str]:
        """Yield what does not fit."""
        yield from super().contradictions()
        if (self.context == "none") != (self.context_channels == 0):
            yield (
                f"context_channels: {self.context_channels} does not go with context "
                f"{self.context}; expected 0 for none, 1 or more for others"
            )
        if self.dropout_samples > 1 and not self.dropout:
            yield (
                f"dropout_samples: {self.dropout_samples} passes would all be the same "
                "without a dropout above 0"
            )


@dataclass(frozen=True, kw_only=True)
class AgglomerationSettings(TrainedSettings):
    """A model that scores contacts and links segments to the seed."""

    built_from = ("evidence", "image")

    kind: str = "agglomeration"
    context: str = one_of(SEGMENT_CONTEXTS, default="none")
    evidence: str = one_of(EVIDENCE, default="features")
    image: str = one_of(("unit", "none"), default="unit")
    adapt: int = number(0, MOST_VOLUMES, default=0)

    @property
    def convolves(self) -> bool:
        """Return whether a U-Net of affinities is part of it."""
        return self.evidence != "features"

    def unread_training(self) -> Iterable[str]:
        """Return the keys of its training that do nothing with these settings."""
        return () if self.convolves else ("patch_size",)

    def contradictions(self) -> Iterator[str]:
        """Yield what does not fit."""
        yield from super().contradictions()
        if self.convolves and self.image == "none":
            yield (
                "image: none, but affinities are found in the image; expected unit, "
                "or evidence features"
            )
        if self.adapt and not (self.checkpoint and self.evidence == "affinities"):
            yield (
                f"adapt: {self.adapt}, but only the network of a given checkpoint is "
                "adapted, whose evidence is affinities; expected 0"
            )


@dataclass(frozen=True, kw_only=True)
class TrainingSettings(Settings):
    """The keys that all trainings by gradient descent have in common."""

    device: str = one_of(DEVICES)
    random_seed: int = number(0)
    epochs: int = number(1)
    batch_size: int = number(1)
    patch_size: int = number(SIZE_MULTIPLE, multiple_of=SIZE_MULTIPLE)
    learning_rate: float = number(above=0)
    weight_decay: float = number(0)
    lr_step: int = number(1)
    lr_gamma: float = number(above=0)
    patience: int = number(1)
    validation_tasks: int = number(1)


@dataclass(frozen=True, kw_only=True)
class NetworkTraining(TrainingSettings):
    """The training of a network that answers in voxels."""

    rotation: int = number(1)
    symmetries: bool
    loss_on: str = one_of(LOSS_ON)
    labels: str = one_of(LABELS)
    precision: str = one_of(PRECISIONS, default="float32")


@dataclass(frozen=True, kw_only=True)
class AgglomerationTraining(TrainingSettings):
    """The training of an agglomeration: of its U-Net, or else of its perceptrons."""

    max_volumes: int = number(1, default=400)
