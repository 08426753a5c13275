"""Train a contact classifier on what the tasks of an index say about contacts.

A task tells of every contact of its object: both sides belong to it, or one does. A
contact of two segments outside tells nothing, as they may be of one cell or of two.
"""

import copy
import logging
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from eyewire_validator.agglomeration.contacts import Contacts, describe_contacts
from eyewire_validator.agglomeration.features import FEATURES
from eyewire_validator.devices import torch_threads
from eyewire_validator.errors import ModelError
from eyewire_validator.lineage import Lineage, Task
from eyewire_validator.models.contact_classifier import ContactClassifier
from eyewire_validator.models.settings import ModelSettings, TrainingSettings
from eyewire_validator.tables import HISTORY
from eyewire_validator.volume_store import VolumeStore

log = logging.getLogger(__name__)


class Examples(NamedTuple):
    """Contacts of which it is known whether both sides belong together.

    Attributes:
        features: (n, features) float32.
        belongs: (n,) float32, 1 or 0.
        weights: (n,) float32 of mean 1, the square root of the faces: an error in a
            large contact costs more, but not as much more as it is larger.
    """

    features: Tensor
    belongs: Tensor
    weights: Tensor


def train_classifier(
    index: pd.DataFrame,
    store: VolumeStore,
    model_settings: ModelSettings,
    settings: TrainingSettings,
    random_seed: int,
) -> tuple[ContactClassifier, pd.DataFrame]:
    """Train on the tasks of the split train, and stop by those of validation.

    Args:
        index: table in the schema `tables.TASK_INDEX`.
        store: the volumes.
        model_settings: the model's entry, of its image.
        settings: max_volumes, epochs, batch_size, learning_rate, weight_decay,
            lr_step, lr_gamma and patience; a batch is of contacts.
        random_seed: of weights, dropout, volumes and the order of the contacts.

    Returns:
        The classifier with the weights of the epoch of the lowest validation loss, and
        the history in the schema `tables.HISTORY`.

    Raises:
        ModelError: the tasks of a split show no two segments that belong together, or
            no two that do not.
    """
    train, validation = (
        _examples_of(
            index.loc[index["split"] == split],
            store,
            model_settings.image,
            settings.max_volumes,
            random_seed,
        )
        for split in ("train", "validation")
    )
    tasks = int((index["split"] == "train").sum())
    with torch_threads(1), torch.random.fork_rng(devices=[]):
        torch.manual_seed(random_seed)
        model = ContactClassifier()
        model.standardize_by(train.features)
        history = _fit(model, train, validation, settings, tasks)
    return model.eval(), pd.DataFrame(history, columns=HISTORY.names)


def find_examples(
    tasks: Iterable[Task], contacts: Mapping[int, Contacts]
) -> Iterator[tuple[int, NDArray[np.int64], NDArray[np.bool_]]]:
    """Say what tasks tell about the contacts of their volumes.

    What several tasks of a volume tell alike is told once.

    Args:
        tasks: each of a volume of ``contacts``.
        contacts: by volume.

    Yields:
        A volume, the rows of its contacts, and whether both sides belong together.
    """
    told: dict[int, list[NDArray[np.int64]]] = {}
    for task in tasks:
        inside = np.isin(contacts[task.place].pairs, [*task.seed, *task.aggregate])
        rows = np.flatnonzero(inside.any(axis=1))
        answers = np.stack([rows, inside[rows].all(axis=1)], axis=1)
        told.setdefault(task.place, []).append(answers.astype(np.int64))
    for volume, found in told.items():
        rows, belongs = np.unique(np.concatenate(found), axis=0).T
        yield volume, rows, belongs.astype(np.bool_)


def _examples_of(
    split: pd.DataFrame,
    store: VolumeStore,
    image: str,
    max_volumes: int,
    random_seed: int,
) -> Examples:
    """Describe the contacts that the tasks of a split tell about."""
    volumes = np.sort(split["volume"].unique().astype(np.int64))
    if len(volumes) > max_volumes:
        generator = np.random.default_rng([random_seed, 0])
        volumes = np.sort(generator.choice(volumes, max_volumes, replace=False))
    contacts = {int(v): describe_contacts(store.read(int(v)), image) for v in volumes}
    lineage = Lineage(split)
    chosen = split.loc[split["volume"].isin(volumes), "task"]
    tasks = [lineage.task(int(task)) for task in chosen]
    examples = _gather(find_examples(tasks, contacts), contacts)
    contradicts = len(examples.belongs) - int(examples.belongs.sum())
    if contradicts in (0, len(examples.belongs)):
        raise ModelError(
            f"agglomeration: {contradicts} of {len(examples.belongs)} contacts of "
            f"{len(tasks)} {split['split'].max()} tasks are of two cells; expected "
            "some that are and some that are not; choose a split with more tasks"
        )
    log.info("%s contacts of %s tasks", len(examples.belongs), len(tasks))
    return examples


def _gather(
    found: Iterable[tuple[int, NDArray[np.int64], NDArray[np.bool_]]],
    contacts: Mapping[int, Contacts],
) -> Examples:
    features = [np.empty((0, len(FEATURES)), np.float32)]
    belongs, faces = [np.empty(0, np.bool_)], [np.empty(0, np.int64)]
    for volume, rows, together in found:
        features.append(contacts[volume].features[rows])
        belongs.append(together)
        faces.append(contacts[volume].faces[rows])
    weights = np.sqrt(np.concatenate(faces))
    return Examples(
        torch.from_numpy(np.concatenate(features)),
        torch.from_numpy(np.concatenate(belongs).astype(np.float32)),
        torch.from_numpy((weights / weights.mean()).astype(np.float32)),
    )


def _fit(
    model: ContactClassifier,
    train: Examples,
    validation: Examples,
    settings: TrainingSettings,
    tasks: int,
) -> list[dict[str, Any]]:
    """Train until the epochs or the patience run out; keep the best weights."""
    optimizer = torch.optim.AdamW(
        model.parameters(), settings.learning_rate, weight_decay=settings.weight_decay
    )
    scheduler = torch.optim.lr_scheduler.StepLR(
        optimizer, settings.lr_step, settings.lr_gamma
    )
    history: list[dict[str, Any]] = []
    best, best_weights = 0, copy.deepcopy(model.state_dict())
    while len(history) < settings.epochs and len(history) - best < settings.patience:
        rate = float(scheduler.get_last_lr()[0])
        train_loss = _take_epoch(model, optimizer, train, settings.batch_size)
        validation_loss = float(_loss(model.eval(), validation).mean().detach())
        if all(validation_loss < row["validation_loss"] for row in history):
            best, best_weights = len(history) + 1, copy.deepcopy(model.state_dict())
        history.append(
            {
                "epoch": len(history) + 1,
                "learning_rate": rate,
                "tasks": tasks,
                "train_loss": train_loss,
                "validation_loss": validation_loss,
                "validation_iou": None,
            }
        )
        scheduler.step()
    model.load_state_dict(best_weights)
    return history


def _take_epoch(
    model: ContactClassifier,
    optimizer: torch.optim.Optimizer,
    examples: Examples,
    batch_size: int,
) -> float:
    """Show every contact once; return the mean loss."""
    model.train()
    losses = []
    order = torch.randperm(len(examples.belongs))
    for rows in torch.split(order, batch_size):
        loss = _loss(model, Examples(*(part[rows] for part in examples)))
        optimizer.zero_grad()
        torch.autograd.backward(loss.mean())
        optimizer.step()
        losses.append(loss.detach().mean(0))
    return float(torch.cat(losses).mean())


def _loss(model: ContactClassifier, examples: Examples) -> Tensor:
    """Return the weighted cross-entropy of each member, (members, n), in nats."""
    logits = model(examples.features)
    truth = examples.belongs.expand_as(logits)
    return (
        binary_cross_entropy_with_logits(logits, truth, reduction="none")
        * examples.weights
    )
