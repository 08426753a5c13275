"""Let a model answer tasks, and count how its answers meet the aggregates."""

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor
from tqdm import tqdm

from eyewire_validator.devices import torch_threads
from eyewire_validator.errors import ModelError
from eyewire_validator.models.loss import published_loss, scaled_logit_loss
from eyewire_validator.models.lwunet import LWUNet
from eyewire_validator.models.settings import ModelSettings
from eyewire_validator.samples import Sample, SampleLoader, inputs_and_truth
from eyewire_validator.tables import TASK_METRICS
from eyewire_validator.volume_store import VolumeStore


@dataclass(frozen=True)
class Answer:
    """What a model says about the voxels of a task.

    Attributes:
        probability: (z, y, x) float32 that a voxel belongs to the answer.
        sigma: (z, y, x) float32, at least 1, logit units; none without a network.
        loss: `scaled_logit_loss` of the task, in nats; none without a network.
        published_loss: `published_loss` of the task; none without a network.
    """

    probability: NDArray[np.float32]
    sigma: NDArray[np.float32] | None = None
    loss: float | None = None
    published_loss: float | None = None


# Answers a stack of samples (n, channels, z, y, x) uint8.
Answerer = Callable[[NDArray[np.uint8]], list[Answer]]


def answer_with_seed(samples: NDArray[np.uint8]) -> list[Answer]:
    """Answer each task with its seed: the floor that a model must beat."""
    return [Answer(sample[-2].astype(np.float32)) for sample in samples]


@dataclass(frozen=True)
class NetworkAnswerer:
    """Answers tasks with a network.

    Attributes:
        model: on its device.
        image: how grey values were scaled in training.
        loops: how often the network sees its own answer.
    """

    model: LWUNet
    image: str
    loops: int

    @torch.inference_mode()
    def __call__(self, samples: NDArray[np.uint8]) -> list[Answer]:
        """Answer a stack of samples (n, channels, z, y, x) uint8.

        Raises:
            ModelError: the network's answer is not finite.
        """
        device = next(self.model.parameters()).device
        inputs, truth = inputs_and_truth(
            torch.from_numpy(samples).to(device), self.image
        )
        logits, sigma = self.model(*inputs, loops=self.loops)
        losses = scaled_logit_loss(logits, sigma, truth)
        if not bool(torch.isfinite(losses).all()):
            raise ModelError(
                "the network's answer is not finite; train it again with a lower "
                "learning_rate"
            )
        return [
            Answer(*answer)
            for answer in zip(
                _arrays(torch.sigmoid(logits / sigma)),
                _arrays(sigma),
                losses.tolist(),
                published_loss(logits, sigma, truth).tolist(),
                strict=True,
            )
        ]


def choose_answerer(
    settings: ModelSettings, model: LWUNet | None, loops: int
) -> Answerer:
    """Return what answers tasks for a model entry; only a network needs ``model``."""
    if settings.kind == "seed_only":
        return answer_with_seed
    if model is None:
        raise ModelError(f"model {settings.title}: its checkpoint is needed to answer")
    return NetworkAnswerer(model, settings.image, loops)


def evaluate(
    tasks: Sequence[int],
    index: pd.DataFrame,
    store: VolumeStore,
    settings: ModelSettings,
    model: LWUNet | None,
    *,
    loops: int,
    threshold: float = 0.5,
    batch_size: int = 4,
    threads: int = 1,
) -> pd.DataFrame:
    """Answer tasks over their whole volumes and count voxels.

    Args:
        tasks: ids, such as those of a split.
        index: table in the schema `tables.TASK_INDEX`: these tasks, and all that may
            be ancestors.
        store: the volumes.
        settings: the model's entry.
        model: the network, on the device to use; none for kind ``seed_only``.
        loops: how often the network sees its own answer.
        threshold: a voxel is answered where its probability is above this.
        batch_size: tasks at a time. A single one takes three times as long a task on
            a CPU, as torch then chooses another convolution.
        threads: CPU threads.

    Returns:
        A table in the schema `tables.TASK_METRICS`, in the order of ``tasks``.
    """
    loader = SampleLoader(index, store, settings)
    answerer = choose_answerer(settings, model, loops)
    rows = measure(tasks, loader, answerer, threshold, batch_size)
    with torch_threads(threads):
        progress = tqdm(
            rows, settings.title, len(tasks), disable=None, file=sys.__stderr__
        )
        return pd.DataFrame(list(progress), columns=TASK_METRICS.names)


def measure(
    tasks: Sequence[int],
    loader: SampleLoader,
    answerer: Answerer,
    threshold: float,
    batch_size: int,
) -> Iterator[dict[str, Any]]:
    """Yield the `tables.TASK_METRICS` row of each task, in order."""
    for start in range(0, len(tasks), batch_size):
        batch = tasks[start : start + batch_size]
        samples = np.stack([loader.load(task) for task in batch])
        for task, sample, answer in zip(batch, samples, answerer(samples), strict=True):
            row = loader.task(task)
            yield {
                "task": row.task,
                "cell": row.cell,
                "volume": row.volume,
                **_metrics(sample, answer, threshold),
            }


def count_voxels(
    guess: NDArray[np.bool_], truth: NDArray[np.bool_], suffix: str = ""
) -> dict[str, int]:
    """Count the voxels of two masks of the same shape, of both and of either."""
    return {
        f"guess{suffix}": int(np.count_nonzero(guess)),
        f"truth{suffix}": int(np.count_nonzero(truth)),
        f"intersection{suffix}": int(np.count_nonzero(guess & truth)),
        f"union{suffix}": int(np.count_nonzero(guess | truth)),
    }


@dataclass(frozen=True)
class TaskPicture:
    """Everything about one answered task, for a picture of it; arrays (z, y, x).

    Attributes:
        image: uint8 grey values.
        context: (channels, z, y, x) bool.
        seed: bool.
        truth: bool, the aggregate.
        probability: float32.
        sigma: float32, at least 1, logit units; none without a network.
    """

    image: NDArray[np.uint8]
    context: NDArray[np.bool_]
    seed: NDArray[np.bool_]
    truth: NDArray[np.bool_]
    probability: NDArray[np.float32]
    sigma: NDArray[np.float32] | None


def answer_task(
    task: int,
    index: pd.DataFrame,
    store: VolumeStore,
    settings: ModelSettings,
    model: LWUNet | None,
    *,
    loops: int,
    threads: int = 1,
) -> TaskPicture:
    """Answer one task over its whole volume; the arguments are those of `evaluate`."""
    sample = SampleLoader(index, store, settings).load(task)
    with torch_threads(threads):
        (answer,) = choose_answerer(settings, model, loops)(sample[np.newaxis])
    masks = sample[1:].astype(np.bool_)
    return TaskPicture(
        image=sample[0],
        context=masks[:-2],
        seed=masks[-2],
        truth=masks[-1],
        probability=answer.probability,
        sigma=answer.sigma,
    )


def _arrays(tensor: Tensor) -> NDArray[np.float32]:
    """Turn (n, 1, z, y, x) on any device into an array (n, z, y, x)."""
    array: NDArray[np.float32] = tensor[:, 0].cpu().numpy()
    return array


def _metrics(sample: Sample, answer: Answer, threshold: float) -> dict[str, Any]:
    seed, truth = sample[-2].astype(np.bool_), sample[-1].astype(np.bool_)
    guess, sigma = answer.probability > threshold, answer.sigma
    return {
        **count_voxels(guess, truth),
        **count_voxels(guess & ~seed, truth & ~seed, "_seedless"),
        "loss": answer.loss,
        "published_loss": answer.published_loss,
        "sigma_mean": None if sigma is None else float(sigma.mean(dtype=np.float64)),
        "sigma_max": None if sigma is None else float(sigma.max()),
        "image_mean": float(sample[0].mean()),
    }
