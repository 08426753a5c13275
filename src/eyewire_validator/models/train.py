"""Train a model, whatever its kind."""

from pathlib import Path

import pandas as pd
import torch

from eyewire_validator.config.families import ModelSettings, TrainingSettings
from eyewire_validator.config.kinds import KINDS, function_of
from eyewire_validator.errors import ModelError
from eyewire_validator.learning.outcome import Trained
from eyewire_validator.volumes.store import VolumeStore


def train_model(
    index: pd.DataFrame,
    store: VolumeStore,
    settings: ModelSettings,
    training: TrainingSettings,
    folder: Path,
    replicate: int,
    *,
    device: torch.device,
    threads: int,
) -> Trained:
    """Train a replicate of a model from scratch, or continue an interrupted training.

    Args:
        index: table in the schema `TASK_INDEX`.
        store: the volumes.
        settings: the entry of the model.
        training: the settings of its training.
        folder: where the state of a training that can be resumed is kept.
        replicate: which one: the random seed is that of the training, plus this.
        device: where to compute.
        threads: CPU threads.

    Raises:
        ModelError: the kind is not trained, or there is nothing to learn from.
    """
    trainer = KINDS[settings.kind].trainer
    if trainer is None:
        raise ModelError(f"model {settings.title}: kind {settings.kind} is not trained")
    trained: Trained = function_of(trainer)(
        index,
        store,
        settings,
        training,
        folder,
        training.random_seed + replicate,
        device=device,
        threads=threads,
    )
    return trained
