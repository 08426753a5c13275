"""Count the coarse voxels that answers and aggregates share."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eyewire_validator.answers import Answer, Answerer
from eyewire_validator.tasks.lineage import Lineage, Task
from eyewire_validator.volumes.store import VolumeStore


@dataclass(frozen=True, eq=False)
class TaskVoxels:
    """A task's coarse voxels, to count those of answers against.

    Attributes:
        about: the columns of `TASK_METRICS` that do not depend on an answer.
        truth: (z, y, x) bool, the aggregate's voxels; none of an open task.
        beyond_seed: (z, y, x) bool, all voxels but the seed's.
        is_open: whether no loss can be known.
    """

    about: dict[str, Any]
    truth: NDArray[np.bool_]
    beyond_seed: NDArray[np.bool_]
    is_open: bool

    @classmethod
    def of(cls, task: Task, store: VolumeStore) -> "TaskVoxels":
        """Read a task's voxels.

        Raises:
            VolumeError: it has no volume.
        """
        volume = store.get(task.volume_id)
        about = {
            "task": task.task,
            "cell": task.cell,
            "volume": task.volume,
            "image_mean": float(volume.image.mean()),
        }
        truth, seed = volume.mask(task.aggregate), volume.mask(task.seed)
        return cls(about, truth, ~seed, task.is_open)

    def measure(self, answer: Answer, threshold: float) -> dict[str, Any]:
        """Return the columns of `TASK_METRICS` that count the voxels of an answer."""
        guess, sigma = answer.probability > threshold, answer.sigma
        beyond = self.beyond_seed
        return {
            **self.about,
            **count_voxels(guess, self.truth),
            **count_voxels(guess & beyond, self.truth & beyond, "_seedless"),
            "loss": None if self.is_open else answer.loss,
            "published_loss": None if self.is_open else answer.published_loss,
            "sigma_mean": None
            if sigma is None
            else float(sigma.mean(dtype=np.float64)),
            "sigma_max": None if sigma is None else float(sigma.max()),
        }


def measure(
    tasks: Sequence[int],
    lineage: Lineage,
    store: VolumeStore,
    answerer: Answerer,
    loops: int,
    threshold: float,
    batch_size: int,
) -> Iterator[dict[str, Any]]:
    """Yield the columns of `TASK_METRICS` that count voxels, one row per task.

    Args:
        tasks: ids.
        lineage: knows these tasks.
        store: the volumes.
        answerer: answers the tasks.
        loops: the number of loops whose answers are counted.
        threshold: a voxel is answered where its probability is above this.
        batch_size: tasks at a time. A single one takes three times as long a task on
            a CPU, as torch then chooses another convolution.
    """
    for task, answers in answer_in_batches(tasks, answerer, batch_size):
        voxels = TaskVoxels.of(lineage.task(task), store)
        yield voxels.measure(answers[loops], threshold)


def count_voxels(
    guess: NDArray[np.bool_], truth: NDArray[np.bool_], suffix: str = ""
) -> dict[str, int]:
    """Count the voxels of two masks of the same shape, in each, in both, in either."""
    return {
        f"guess{suffix}": int(np.count_nonzero(guess)),
        f"truth{suffix}": int(np.count_nonzero(truth)),
        f"intersection{suffix}": int(np.count_nonzero(guess & truth)),
        f"union{suffix}": int(np.count_nonzero(guess | truth)),
    }


def part_of_batches(
    tasks: Sequence[int], batch_size: int, part: int, parts: int
) -> Sequence[int]:
    """Return one of several nearly equal parts of tasks, cut between batches.

    So parts are answered in the same batches as the whole: on a CPU, torch chooses
    another convolution for a single task, with other last bits.

    Args:
        tasks: ids, in their order.
        batch_size: tasks a batch, as for `answer_in_batches`.
        part: which part, from 0 on.
        parts: their number.
    """
    batches = -(-len(tasks) // batch_size)
    start, stop = (batches * n // parts * batch_size for n in (part, part + 1))
    return tasks[start:stop]


def answer_in_batches(
    tasks: Sequence[int], answerer: Answerer, batch_size: int
) -> Iterator[tuple[int, dict[int, Answer]]]:
    """Yield each task with its answers by number of loops, in order."""
    for start in range(0, len(tasks), batch_size):
        batch = tasks[start : start + batch_size]
        yield from zip(batch, answerer(batch), strict=True)
