"""From a task to the tensors that the network sees.

A sample is one uint8 array (channels, z, y, x): the image (0 to 255), the context masks
(0 or 1), the seed (0 or 1) and, last, the truth (0 to `CERTAIN`, above 0 in the
aggregate). What is done to one channel (cropping, turning) is thus done to all.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from eyewire_validator.config.settings import IMAGE_SCALES, ModelSettings
from eyewire_validator.errors import ConfigError
from eyewire_validator.tasks.context import context_masks
from eyewire_validator.tasks.lineage import Lineage, Task
from eyewire_validator.volumes.store import SEGMENT_IDS, VolumeStore

# What the network is told about the seed, and about everything else: 1 is sure.
SEED_CONFIDENCE = 1.0
OTHER_CONFIDENCE = 10.0

# The truth of a voxel that certainly belongs to the answer.
CERTAIN = 255

Sample = NDArray[np.uint8]


class SampleLoader:
    """Makes samples of an index's tasks.

    Args:
        index: table in the schema `TASK_INDEX`; tasks and their ancestors.
        store: the volumes.
        settings: name the context and its channels.

    Attributes:
        lineage: the tasks.
        store: the volumes.
    """

    def __init__(
        self, index: pd.DataFrame, store: VolumeStore, settings: ModelSettings
    ) -> None:
        """Read nothing yet."""
        self.lineage = Lineage(index)
        self.store = store
        self._settings = settings

    def load(self, task: int, labels: str = "hard") -> Sample:
        """Return the sample of a task, over the whole volume.

        The truth is the aggregate as it is; the seed is not added to it.

        Args:
            task: its id.
            labels: whether every segment of the aggregate is certain (``hard``), or as
                certain as its agreed fraction of the players (``soft``).

        Raises:
            VolumeError: the task has no volume.
            FileError: a file of a volume is missing or damaged.
        """
        row = self.lineage.task(task)
        volume = self.store.get(row.volume_id)
        channels = self._settings.context_channels
        context = context_masks(
            self._settings.context,
            row,
            self.lineage.ancestors(row, channels),
            self.store,
            channels,
        )
        truth = _certainty(row, labels)[volume.segmentation]
        return np.stack([volume.image, *context, volume.mask(row.seed), truth])

    def stack(self, tasks: Sequence[int]) -> Tensor:
        """Return the samples of tasks, (n, channels, z, y, x) uint8, hard labels."""
        return torch.from_numpy(np.stack([self.load(task) for task in tasks]))


def certainty_levels(agreed: NDArray[np.float64], labels: str) -> NDArray[np.uint8]:
    """Return how certain segments of an aggregate are, 1 to `CERTAIN`, as uint8.

    Args:
        agreed: their agreed fractions of the players.
        labels: see `SampleLoader.load`.
    """
    if labels != "soft":
        return np.full(agreed.shape, CERTAIN, np.uint8)
    return np.rint(agreed * CERTAIN).clip(1, CERTAIN).astype(np.uint8)


def _certainty(task: Task, labels: str) -> NDArray[np.uint8]:
    """Return the truth of each segment id: (65536,) uint8, above 0 in the aggregate."""
    certainty = np.zeros(SEGMENT_IDS, np.uint8)
    known = (task.aggregate > 0) & (task.aggregate < SEGMENT_IDS)
    levels = certainty_levels(task.aggregate_weights, labels)
    certainty[task.aggregate[known]] = levels[known]
    return certainty


def crop_around_seed(
    sample: Sample, patch_size: int, generator: np.random.Generator
) -> Sample:
    """Cut a random cube that holds a random voxel of the seed.

    Args:
        sample: (channels, z, y, x) with a seed.
        patch_size: edge of the cube, voxels.
        generator: chooses the voxel, then where it lies in the cube.

    Returns:
        (channels, patch_size, patch_size, patch_size), a view of ``sample``.

    Raises:
        ConfigError: the cube is larger than the sample.
    """
    shape = sample.shape[1:]
    if patch_size > min(shape):
        raise ConfigError(
            f"training: patch_size is {patch_size}, expected at most the volume's "
            f"{min(shape)} coarse voxels"
        )
    seed_voxels = np.flatnonzero(sample[-2])
    voxel = np.unravel_index(generator.choice(seed_voxels), shape)
    cut = [slice(None)]
    for position, size in zip(voxel, shape, strict=True):
        lowest = max(0, int(position) - patch_size + 1)
        highest = min(int(position), size - patch_size)
        start = int(generator.integers(lowest, highest + 1))
        cut.append(slice(start, start + patch_size))
    return sample[tuple(cut)]


class Inputs(NamedTuple):
    """What a `Network` takes, in its order; float32 tensors (n, channels, z, y, x)."""

    image: Tensor
    context: Tensor
    seed: Tensor
    confidence: Tensor


def network_inputs(stack: Tensor, image: str) -> Inputs:
    """Turn samples, or samples without their truth, into the network's inputs.

    Args:
        stack: (n, 2 + context channels, z, y, x) uint8: image, context, seed.
        image: how grey values are scaled, a key of `IMAGE_SCALES`.
    """
    values = stack.float()
    seed = values[:, -1:]
    return Inputs(
        image=values[:, :1] * IMAGE_SCALES[image],
        context=values[:, 1:-1],
        seed=seed,
        confidence=torch.where(seed > 0, SEED_CONFIDENCE, OTHER_CONFIDENCE),
    )


def inputs_and_truth(samples: Tensor, image: str) -> tuple[Inputs, Tensor]:
    """Turn stacked samples (n, channels, z, y, x) uint8 into inputs and truth.

    The truth is (n, 1, z, y, x) float32, 0 to 1.
    """
    return network_inputs(samples[:, :-1], image), samples[:, -1:].float() / CERTAIN
