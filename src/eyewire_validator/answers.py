"""Answers to tasks, and the rule by which a crowd agrees on one."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from eyewire_validator.volumes.dust import Dust
from eyewire_validator.volumes.store import SEGMENT_IDS, VolumeStore

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class Answer:
    """An answer to a task: probabilities of its voxels, and of its segments.

    Attributes:
        probability: (z, y, x) float32 that a coarse voxel belongs to the answer.
        sigma: (z, y, x) float32, above 0, logit units; none without a network.
        members: (k, z, y, x) float32, the probabilities whose mean `probability` is;
            none where a single network, or none, answers.
        segments: (65536,) float32, the probability of each segment by its id, of
            models that answer in segments; otherwise it follows from the voxels.
        segment_members: (k, 65536) float32, those whose mean `segments` is; none where
            a single one answers.
        loss: mean over the task's voxels, in nats; none without a network.
        published_loss: `voxel_network.loss.published_loss`; none without a network.
    """

    probability: NDArray[np.float32]
    sigma: NDArray[np.float32] | None = None
    members: NDArray[np.float32] | None = None
    segments: NDArray[np.float32] | None = None
    segment_members: NDArray[np.float32] | None = None
    loss: float | None = None
    published_loss: float | None = None


# Answers some tasks, given by their ids: for each, the answer by number of loops. A
# model that does not loop answers as loop 1.
Answerer = Callable[[Sequence[int]], list[dict[int, Answer]]]
# Makes the answerer of an index, a table in the schema `TASK_INDEX`: the tasks to
# answer, their ancestors, and, for what learns by itself, those of the split train.
MakeAnswerer = Callable[[pd.DataFrame], Answerer]


@dataclass(frozen=True, kw_only=True)
class Resources:
    """The resources that a model answers with, besides the index.

    Attributes:
        store: the volumes.
        dust: segments that are no candidates.
        people: truth/tasks.json of the sandbox, where its players are known.
        replicate: which replicate answers.
        module: the torch module, with its weights, of a model that has one.
        tasks: ids of the tasks that will be answered, to make ready for; empty if that
            is not known.
        loops: the loop counts whose answers are wanted.
    """

    store: VolumeStore
    dust: Dust
    people: Path | None = None
    replicate: int = 0
    module: "nn.Module | None" = None
    tasks: Sequence[int] = ()
    loops: Sequence[int] = (1,)


def answer_in_segments(
    segmentation: NDArray[np.uint16],
    seed: NDArray[np.int64],
    probability: NDArray[np.float32],
    members: NDArray[np.float32] | None = None,
) -> Answer:
    """Make an answer from probabilities of segments.

    Args:
        segmentation: (z, y, x) uint16, coarse.
        seed: (n,) segment ids that are given; their voxels are answered.
        probability: (65536,) float32 of each segment, by its id.
        members: (k, 65536) float32 whose mean that is, if it is one.
    """
    painted = probability.copy()
    painted[seed] = 1
    painted[0] = 0
    return Answer(painted[segmentation], segments=probability, segment_members=members)


def no_segments() -> NDArray[np.float32]:
    """Return a probability of 0 for every segment id: (65536,) float32."""
    return np.zeros(SEGMENT_IDS, np.float32)


def consensus_threshold(weight: ArrayLike) -> NDArray[np.float64]:
    """Return the agreed fraction above which a segment is in Eyewire's consensus.

    min(0.99, exp(-0.16 w) + 0.2) for a total player weight of w (eyewire.accuracy,
    get_celltype_threshold.m); NaN where the weight is.
    """
    return np.minimum(0.99, np.exp(-0.16 * np.asarray(weight, np.float64)) + 0.2)
