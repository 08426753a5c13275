"""Answer tasks with a network, once or several times under dropout."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, cast

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from eyewire_validator.answers import Answer, MakeAnswerer, Resources
from eyewire_validator.config.families import NetworkSettings
from eyewire_validator.errors import ModelError
from eyewire_validator.volumes.store import VolumeStore
from eyewire_validator.voxel_network.gpu_samples import GpuSamples, fits
from eyewire_validator.voxel_network.loss import mixture_loss, published_loss
from eyewire_validator.voxel_network.network import Network
from eyewire_validator.voxel_network.samples import SampleLoader, inputs_and_truth
from eyewire_validator.voxel_network.uncertainty import Uncertainty


class Samples(Protocol):
    """Makes samples of tasks: a `SampleLoader`, or `GpuSamples`."""

    def stack(self, tasks: Sequence[int]) -> Tensor:
        """Return them, (n, channels, z, y, x) uint8, on any device."""
        ...


@dataclass(frozen=True)
class NetworkAnswerer:
    """Answers tasks with a network, or with several that dropout makes of it.

    Each of these members is fed its own answer; only then are the probabilities
    averaged. Which channels dropout takes from a task follows from the
    task's id alone, so it does not matter which tasks are answered beside it.

    Attributes:
        model: the network, on its device.
        samples: makes the samples.
        settings: of ``image`` and ``dropout_samples``.
        loops: those whose answers are wanted; the last of them takes the time.
    """

    model: Network
    samples: Samples
    settings: NetworkSettings
    loops: Sequence[int]

    @torch.inference_mode()
    def __call__(self, tasks: Sequence[int]) -> list[dict[int, Answer]]:
        """Answer a batch of tasks; return each one's answers by number of loops.

        Raises:
            ModelError: a network's answer is not finite.
            VolumeError: a task has no volume.
            FileError: a file of a volume is missing or damaged.
        """
        device = next(self.model.parameters()).device
        samples = self.samples.stack(tasks).to(device)
        inputs, truth = inputs_and_truth(samples, self.settings.image)
        found: list[dict[int, Answer]] = [{} for _ in tasks]
        members = [
            self.model.each_loop(*inputs, max(self.loops), dropout)
            for dropout in self._dropouts(tasks)
        ]
        for loop, outputs in enumerate(zip(*members, strict=True), start=1):
            if loop in self.loops:
                answers = _combine(self.model.uncertainty, outputs, truth)
                for by_loop, answer in zip(found, answers, strict=True):
                    by_loop[loop] = answer
        return found

    def _dropouts(self, tasks: Sequence[int]) -> list[Tensor | None]:
        """Return the dropout factors of each member; none for the whole network."""
        if self.settings.dropout_samples == 1:
            return [None]
        noises = [torch.Generator().manual_seed(task) for task in tasks]
        return [
            torch.cat([self.model.draw_dropout(1, noise) for noise in noises])
            for _ in range(self.settings.dropout_samples)
        ]


def network_answerer(settings: NetworkSettings, resources: Resources) -> MakeAnswerer:
    """Answer tasks with a trained network, whose samples are made where it is.

    Args:
        settings: those that the network was trained with.
        resources: the volumes, the network, the loops, and the tasks if they are known.
    """
    network = cast(Network, resources.module)

    def make(index: pd.DataFrame) -> NetworkAnswerer:
        samples = samples_of(
            resources.tasks,
            index,
            resources.store,
            settings,
            next(network.parameters()).device,
        )
        return NetworkAnswerer(network, samples, settings, resources.loops)

    return make


def samples_of(
    tasks: Sequence[int],
    index: pd.DataFrame,
    store: VolumeStore,
    settings: NetworkSettings,
    device: torch.device,
) -> Samples:
    """Return what makes samples: on the GPU if it holds all volumes, else on the CPU.

    Args:
        tasks: ids of those that will be answered.
        index: table in the schema `TASK_INDEX`: them, and all that may be
            ancestors.
        store: the volumes.
        settings: name the context and its channels.
        device: where the network is.
    """
    if fits(store, index["volume"].nunique(), device):
        return GpuSamples(index, store, settings, tasks, device)
    return SampleLoader(index, store, settings)


def _combine(
    method: Uncertainty, outputs: Sequence[tuple[Tensor, Tensor]], truth: Tensor
) -> list[Answer]:
    """Return the answer to each task by the members' (logits, sigma) in one loop."""
    if len(outputs) > 1:
        return _answer_together(method, outputs, truth)
    ((logits, sigma),) = outputs
    return _answer_alone(method, logits, sigma, truth)


def _answer_alone(
    method: Uncertainty, logits: Tensor, sigma: Tensor, truth: Tensor
) -> list[Answer]:
    """Return the answer of a single network to each task."""
    losses = _finite(method.loss(logits, sigma, truth))
    published: list[float | None] = [None] * len(losses)
    if method.name == "scaled_logit":
        published = published_loss(logits, sigma, truth).tolist()
    probability = method.probability(logits, sigma)
    answers = zip(_arrays(probability), _arrays(sigma), losses, published, strict=True)
    return [Answer(p, s, loss=loss, published_loss=q) for p, s, loss, q in answers]


def _answer_together(
    method: Uncertainty, outputs: Sequence[tuple[Tensor, Tensor]], truth: Tensor
) -> list[Answer]:
    """Return the mean answer of several members to each task."""
    members = torch.stack(
        [method.probability(*output) for output in outputs], 1
    )  # (n, k, 1, z, y, x)
    sigma = torch.stack([sigma for _, sigma in outputs]).mean(0)
    probability = members.mean(1)
    losses = _finite(mixture_loss(probability, truth))
    answers = zip(
        _arrays(probability), _arrays(sigma), _arrays(members), losses, strict=True
    )
    return [Answer(p, s, members=m, loss=loss) for p, s, m, loss in answers]


def _finite(losses: Tensor) -> list[float]:
    """Return the losses as a list; refuse those that are not finite."""
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
