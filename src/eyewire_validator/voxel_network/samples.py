"""Make the samples of tasks, and the network's inputs of samples.

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

from eyewire_validator.config.families import IMAGE_SCALES, NetworkSettings
from eyewire_validator.tasks.context import context_masks
from eyewire_validator.tasks.lineage import Lineage, Task
from eyewire_validator.volumes.store import SEGMENT_IDS, VolumeStore

# The confidence channel on the seed, and on everything else: 1 is sure.
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
        self, index: pd.DataFrame, store: VolumeStore, settings: NetworkSettings
    ) -> None:
        """Read nothing yet."""
        self.lineage = Lineage(index)
        self.store = store
        self._context = settings.context
        self._channels = settings.context_channels

    def load(self, task: int, labels: str = "hard") -> Sample:
        """Return the sample of a task over its whole volume.

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
        context = context_masks(
            self._context,
            row,
            self.lineage.ancestors(row, self._channels),
            self.store,
            self._channels,
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


class Inputs(NamedTuple):
    """The inputs of a `Network`, in its order: float32, (n, channels, z, y, x) each."""

    image: Tensor
    context: Tensor
    seed: Tensor
    confidence: Tensor


def network_inputs(stack: Tensor, image: str) -> Inputs:
    """Turn samples without their truth into the network's inputs.

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
