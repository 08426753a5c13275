"""What trains the model of an entry."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pandas as pd
import torch

from eyewire_validator.models.checkpoint import Model
from eyewire_validator.models.settings import ModelSettings, TrainingSettings
from eyewire_validator.volume_store import VolumeStore


class Trained(NamedTuple):
    """The outcome of a training.

    Attributes:
        model: with the weights of the best epoch.
        history: table in the schema `tables.HISTORY`.
    """

    model: Model
    history: pd.DataFrame


def train_model(
    index: pd.DataFrame,
    store: VolumeStore,
    model_settings: ModelSettings,
    settings: TrainingSettings,
    folder: Path,
    replicate: int,
    *,
    devices: Sequence[torch.device],
    threads: int,
) -> Trained:
    """Train what the entry asks for; the arguments are those of `train_together`.

    A contact classifier takes a minute or so, on the CPU, and starts anew if it was
    interrupted.
    """
    if model_settings.kind == "agglomeration":
        random_seed = settings.random_seed + replicate
        return _train_classifier(index, store, model_settings, settings, random_seed)
    from eyewire_validator.training import train_together

    return train_together(
        index, store, model_settings, settings, folder, replicate,
        devices=devices, threads=threads,
    )  # fmt: skip


def _train_classifier(
    index: pd.DataFrame,
    store: VolumeStore,
    model_settings: ModelSettings,
    settings: TrainingSettings,
    random_seed: int,
) -> Trained:
    # skimage takes half a second to import.
    from eyewire_validator.agglomeration.examples import find_examples
    from eyewire_validator.agglomeration.training import (
        train_attachment,
        train_classifier,
    )

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
    model, history = train_classifier(train, validation, settings, random_seed)
    if model_settings.attachment:
        train_attachment(
            model, index, store, model_settings,
            max_tasks=settings.validation_tasks, random_seed=random_seed,
        )  # fmt: skip
    return Trained(model, history)
