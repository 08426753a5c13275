"""Train an agglomeration: contact classifier, affinity U-Net and membership."""

import copy
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from eyewire_validator.agglomeration.affinity_training import train_affinities
from eyewire_validator.agglomeration.contact_classifier import ContactClassifier
from eyewire_validator.agglomeration.contact_model import ContactModel
from eyewire_validator.agglomeration.examples import Examples, find_examples
from eyewire_validator.agglomeration.membership import Joined, fit_membership
from eyewire_validator.agglomeration.scoring import linker
from eyewire_validator.config.families import (
    AgglomerationSettings,
    AgglomerationTraining,
)
from eyewire_validator.learning.devices import torch_threads
from eyewire_validator.learning.outcome import Trained
from eyewire_validator.storage.schemas.training import HISTORY
from eyewire_validator.tasks.lineage import Lineage
from eyewire_validator.volumes.store import VolumeStore

# How the classifier is trained beside a network, whose settings are others.
CLASSIFIER: Mapping[str, Any] = {
    "epochs": 30,
    "batch_size": 128,
    "learning_rate": 0.003,
    "weight_decay": 0.01,
    "lr_step": 10,
    "lr_gamma": 0.3,
    "patience": 10,
}


def train_agglomeration(
    index: pd.DataFrame,
    store: VolumeStore,
    model_settings: AgglomerationSettings,
    settings: AgglomerationTraining,
    folder: Path,
    random_seed: int,
    *,
    device: torch.device,
    threads: int,
) -> Trained:
    """Train the classifier, the U-Net and the membership of an agglomeration.

    The classifier takes a minute or so, on the CPU, and starts again if it was
    interrupted.

    Args:
        index: table in the schema `TASK_INDEX`.
        store: the volumes.
        model_settings: the model's entry.
        settings: the training section, with the entry's overrides; epochs, batch_size,
            learning_rate and the like are of the network, if there is one, and of the
            classifier otherwise.
        folder: where the network's training is resumed from.
        random_seed: of everything.
        device: where the network computes.
        threads: CPU threads of it.

    Returns:
        The model, and the history of the network, if there is one, or the classifier.

    Raises:
        ModelError: tasks label no two segments as of one cell, or none as of two.
    """
    model = ContactModel.from_settings(model_settings)
    if model.classifier:
        train, validation = (
            find_examples(
                index.loc[index["split"] == split],
                store,
                image=model_settings.image,
                max_volumes=settings.max_volumes,
                random_seed=random_seed,
            )
            for split in ("train", "validation")
        )
        own = replace(settings, **CLASSIFIER) if model.network else settings
        model.classifier, history = train_classifier(
            train, validation, own, random_seed
        )
    if model.network:
        model.network, history = train_affinities(
            index, store, model_settings, settings, folder, random_seed,
            device=device, threads=threads,
        )  # fmt: skip
    model.learned_nm = store.coarse_voxel_nm
    train_membership(
        model, index, store, model_settings,
        max_tasks=settings.validation_tasks, random_seed=random_seed,
    )  # fmt: skip
    return Trained(model.cpu().eval(), history)


def train_classifier(
    train: Examples,
    validation: Examples,
    settings: AgglomerationTraining,
    random_seed: int,
) -> tuple[ContactClassifier, pd.DataFrame]:
    """Train the contact classifier, and choose its epoch by validation examples.

    Args:
        train: contacts to learn from.
        validation: contacts to choose the epoch by.
        settings: epochs, batch_size (contacts), learning_rate, weight_decay, lr_step,
            lr_gamma and patience.
        random_seed: of weights, dropout and the order of the contacts.

    Returns:
        The classifier with the weights of the epoch of the lowest validation loss, and
        the history in the schema `HISTORY`.
    """
    with torch_threads(1), torch.random.fork_rng(devices=[]):
        torch.manual_seed(random_seed)
        model = ContactClassifier(train.features.shape[1])
        model.standardize_by(train.features)
        history = _fit(model, train, validation, settings)
    return model.eval(), pd.DataFrame(history, columns=HISTORY.names)


def train_membership(
    model: ContactModel,
    index: pd.DataFrame,
    store: VolumeStore,
    settings: AgglomerationSettings,
    *,
    max_tasks: int,
    random_seed: int,
) -> None:
    """Fit the membership of a model to validation tasks.

    The tasks that the model learned from would not do: it is too sure of these.

    Args:
        model: scores contacts; its `membership` is set.
        index: table in the schema `TASK_INDEX`.
        store: the volumes.
        settings: the model's entry: image and context.
        max_tasks: this many are looked at, drawn at random if there are more.
        random_seed: draws them.
    """
    lineage = Lineage(index)
    link_task = linker(model, store, settings)
    rows = []
    for task in map(lineage.task, _draw(index, max_tasks, random_seed)):
        linked = link_task(task, lineage)
        joined, of_each = linked.joined.of_members()
        rows.append((*joined, np.isin(linked.segments, task.aggregate)[of_each]))
    *every, belongs = map(np.concatenate, zip(*rows, strict=True))
    model.membership = fit_membership(Joined(*every), belongs)


def _draw(index: pd.DataFrame, max_tasks: int, random_seed: int) -> list[int]:
    tasks = np.sort(index.loc[index["split"] == "validation", "task"])
    if len(tasks) > max_tasks:
        generator = np.random.default_rng([random_seed, 1])
        tasks = np.sort(generator.choice(tasks, max_tasks, replace=False))
    return [int(task) for task in tasks]


def _fit(
    model: ContactClassifier,
    train: Examples,
    validation: Examples,
    settings: AgglomerationTraining,
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
                "tasks": train.tasks,
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
    """Train on every contact once; return the mean loss."""
    model.train()
    losses = []
    order = torch.randperm(len(examples))
    for rows in torch.split(order, batch_size):
        loss = _loss(model, examples[rows])
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
