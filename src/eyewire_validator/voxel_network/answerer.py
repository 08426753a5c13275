"""Answers of a network, of a network with dropout, or of an ensemble of networks."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from eyewire_validator.answers import Answer
from eyewire_validator.config.settings import ModelSettings
from eyewire_validator.errors import ModelError
from eyewire_validator.learning.symmetry import Symmetry, choose
from eyewire_validator.volumes.store import VolumeStore
from eyewire_validator.voxel_network.gpu_samples import ResidentSamples, fits
from eyewire_validator.voxel_network.loss import mixture_loss, published_loss
from eyewire_validator.voxel_network.network import Network
from eyewire_validator.voxel_network.samples import SampleLoader, inputs_and_truth
from eyewire_validator.voxel_network.turned import each_turned_loop

Member = tuple[Network, Tensor | None, Symmetry]


class Samples(Protocol):
    """Whoever makes samples of tasks."""

    def stack(self, tasks: Sequence[int]) -> Tensor:
        """Return them, (n, channels, z, y, x) uint8, on any device."""
        ...


@dataclass(frozen=True)
class NetworkAnswerer:
    """Answers tasks with one network, or with several members.

    A member is a network of an ensemble, one thinned by dropout, or one that sees the
    task turned. It answers by itself, and is fed its own answer; only then are the
    probabilities averaged. Which
    channels dropout takes from a task follows from the task's id alone, so it does not
    matter which tasks are answered beside it.

    Attributes:
        models: the network, or an ensemble's, all on one device.
        samples: makes the samples.
        settings: of ``image``, ``dropout_samples`` and ``test_symmetries``.
        loops: those whose answers are wanted; the last of them takes the time.
    """

    models: Sequence[Network]
    samples: Samples
    settings: ModelSettings
    loops: Sequence[int]

    @torch.inference_mode()
    def __call__(self, tasks: Sequence[int]) -> list[dict[int, Answer]]:
        """Answer some tasks at once: for each, the answer by number of loops.

        Raises:
            ModelError: a network's answer is not finite.
            VolumeError: a task has no volume.
            FileError: a file of a volume is missing or damaged.
        """
        device = next(self.models[0].parameters()).device
        samples = self.samples.stack(tasks).to(device)
        inputs, truth = inputs_and_truth(samples, self.settings.image)
        found: list[dict[int, Answer]] = [{} for _ in tasks]
        members = self._members(tasks)
        passes = zip(
            *(
                each_turned_loop(model, inputs, symmetry, max(self.loops), dropout)
                for model, dropout, symmetry in members
            ),
            strict=True,
        )
        models = [model for model, _, _ in members]
        for loop, outputs in enumerate(passes, start=1):
            if loop in self.loops:
                answers = _combine(models, outputs, truth)
                for by_loop, answer in zip(found, answers, strict=True):
                    by_loop[loop] = answer
        return found

    def _members(self, tasks: Sequence[int]) -> list[Member]:
        """Return each member's network, what dropout takes of it, and its symmetry."""
        return [
            (*thinned, symmetry)
            for thinned in self._thinned(tasks)
            for symmetry in choose(self.settings.test_symmetries)
        ]

    def _thinned(self, tasks: Sequence[int]) -> list[tuple[Network, Tensor | None]]:
        if self.settings.dropout_samples == 1:
            return [(model, None) for model in self.models]
        noises = [torch.Generator().manual_seed(task) for task in tasks]
        return [
            (model, torch.cat([model.draw_dropout(1, noise) for noise in noises]))
            for model in self.models
            for _ in range(self.settings.dropout_samples)
        ]


def samples_of(
    tasks: Sequence[int],
    index: pd.DataFrame,
    store: VolumeStore,
    settings: ModelSettings,
    device: torch.device,
) -> Samples:
    """Make samples on the device if its memory holds all volumes.

    Args:
        tasks: ids of those that will be answered.
        index: table in the schema `TASK_INDEX`: them, and all that may be
            ancestors.
        store: the volumes.
        settings: name the context and its channels.
        device: where the network is.
    """
    if fits(store, index["volume"].nunique(), settings, device):
        return ResidentSamples(index, store, settings, tasks, device)
    return SampleLoader(index, store, settings)


def _combine(
    models: Sequence[Network], outputs: Sequence[tuple[Tensor, Tensor]], truth: Tensor
) -> list[Answer]:
    """Make each task's answer of the (logits, sigma) of each member in one loop."""
    if len(models) > 1:
        return _answer_together(models, outputs, truth)
    ((logits, sigma),) = outputs
    return _answer_alone(models[0], logits, sigma, truth)


def _answer_alone(
    model: Network, logits: Tensor, sigma: Tensor, truth: Tensor
) -> list[Answer]:
    losses = _finite(model.uncertainty.loss(logits, sigma, truth))
    published: list[float | None] = [None] * len(losses)
    if model.uncertainty.name == "scaled_logit":
        published = published_loss(logits, sigma, truth).tolist()
    probability = model.uncertainty.probability(logits, sigma)
    answers = zip(_arrays(probability), _arrays(sigma), losses, published, strict=True)
    return [Answer(p, s, loss=loss, published_loss=q) for p, s, loss, q in answers]


def _answer_together(
    models: Sequence[Network], outputs: Sequence[tuple[Tensor, Tensor]], truth: Tensor
) -> list[Answer]:
    members = torch.stack(
        [
            model.uncertainty.probability(*output)
            for model, output in zip(models, outputs, strict=True)
        ],
        1,
    )  # (n, k, 1, z, y, x)
    sigma = torch.stack([sigma for _, sigma in outputs]).mean(0)
    probability = members.mean(1)
    losses = _finite(mixture_loss(probability, truth))
    answers = zip(
        _arrays(probability), _arrays(sigma), _arrays(members), losses, strict=True
    )
    return [Answer(p, s, members=m, loss=loss) for p, s, m, loss in answers]


def _finite(losses: Tensor) -> list[float]:
    if not bool(torch.isfinite(losses).all()):
        raise ModelError(
            "the network's answer is not finite; train it again with a lower "
            "learning_rate"
        )
    values: list[float] = losses.tolist()
    return values


def _arrays(tensor: Tensor) -> NDArray[np.float32]:
    """Turn (n, ..., 1, z, y, x) on any device into an array without the channel."""
    array: NDArray[np.float32] = tensor.squeeze(-4).cpu().numpy()
    return array
