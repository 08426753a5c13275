"""Labelled contacts to learn from.

A task labels every contact of its object: both sides belong to it, or one does. It
labels no contact of two other segments, as they may be of one cell or of two.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from eyewire_validator.agglomeration.contacts import (
    DescribedContacts,
    describe_contacts,
)
from eyewire_validator.agglomeration.features import FEATURES
from eyewire_validator.errors import ModelError
from eyewire_validator.jobs.progress import Progress
from eyewire_validator.tasks.lineage import Lineage, Task
from eyewire_validator.volumes.store import VolumeStore


@dataclass(frozen=True)
class Examples:
    """Contacts and their labels: whether both sides belong together.

    Attributes:
        features: (n, features) float32.
        belongs: (n,) float32, 1 or 0.
        weights: (n,) float32 of mean 1, the square root of the area: an error in a
            large contact costs more, but not as much more as it is larger.
        tasks: number of tasks that label them.
    """

    features: Tensor
    belongs: Tensor
    weights: Tensor
    tasks: int

    def __len__(self) -> int:
        """Return the number of contacts."""
        return len(self.belongs)

    def __getitem__(self, rows: Tensor) -> "Examples":
        """Return some of the contacts."""
        return Examples(
            self.features[rows], self.belongs[rows], self.weights[rows], self.tasks
        )


def find_examples(
    split: pd.DataFrame,
    store: VolumeStore,
    *,
    image: str,
    max_volumes: int,
    random_seed: int,
) -> Examples:
    """Collect the contacts that the tasks of a split label.

    Args:
        split: rows of a table in the schema `TASK_INDEX`, of tasks that have
            volumes.
        store: the volumes.
        image: see `describe_contacts`.
        max_volumes: this many are looked at, drawn at random if there are more.
        random_seed: draws them.

    Raises:
        ModelError: there are no two segments that belong together, or no two that do
            not.
    """
    volumes = draw_volumes(split, max_volumes, random_seed)
    lineage = Lineage(split)
    features = [np.empty((0, len(FEATURES)), np.float32)]
    belongs, areas = [np.empty(0, np.bool_)], [np.empty(0)]
    tasks = 0
    for volume in Progress(volumes, unit="volumes"):
        of_volume = split.loc[split["volume"] == volume, "task"]
        contacts = describe_contacts(store.read(volume), image)
        rows, together = contact_labels(map(lineage.task, of_volume), contacts)
        features.append(contacts.features[rows])
        belongs.append(together)
        areas.append(contacts.area[rows])
        tasks += len(of_volume)
    weights = np.sqrt(np.concatenate(areas))
    examples = Examples(
        torch.from_numpy(np.concatenate(features)),
        torch.from_numpy(np.concatenate(belongs).astype(np.float32)),
        torch.from_numpy((weights / weights.mean()).astype(np.float32)),
        tasks,
    )
    _check(examples)
    return examples


def draw_volumes(split: pd.DataFrame, max_volumes: int, random_seed: int) -> list[int]:
    """Draw volumes of tasks, so many at most; return them ascending."""
    volumes = np.sort(split["volume"].unique().astype(np.int64))
    if len(volumes) > max_volumes:
        generator = np.random.default_rng([random_seed, 0])
        volumes = np.sort(generator.choice(volumes, max_volumes, replace=False))
    return [int(volume) for volume in volumes]


def contact_labels(
    tasks: Iterable[Task], contacts: DescribedContacts
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Label the contacts of a volume by its tasks.

    Returns:
        (n,) rows of contacts, ascending, and (n,) whether both sides belong together.
        Equal labels of several tasks count once; labels that contradict each other
        are both there.
    """
    labelled = [np.empty((0, 2), np.int64)]
    for task in tasks:
        inside = np.isin(contacts.pairs, [*task.seed, *task.aggregate])
        rows = np.flatnonzero(inside.any(axis=1))
        labelled.append(np.stack([rows, inside[rows].all(axis=1)], axis=1))
    rows, belongs = np.unique(np.concatenate(labelled), axis=0).T
    return rows, belongs.astype(np.bool_)


def _check(examples: Examples) -> None:
    contradicts = len(examples) - int(examples.belongs.sum())
    if contradicts in (0, len(examples)):
        raise ModelError(
            f"agglomeration: {contradicts} of {len(examples)} contacts of "
            f"{examples.tasks} tasks are of two cells; expected some that are and some "
            "that are not; choose a split with more tasks"
        )
