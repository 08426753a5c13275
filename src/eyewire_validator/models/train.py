"""What trains the model of an entry."""

from pathlib import Path

import pandas as pd
import torch

from eyewire_validator.config.settings import ModelSettings, TrainingSettings
from eyewire_validator.learning.outcome import Trained
from eyewire_validator.volumes.store import VolumeStore


def train_model(
    index: pd.DataFrame,
    store: VolumeStore,
    model_settings: ModelSettings,
    settings: TrainingSettings,
    folder: Path,
    replicate: int,
    *,
    device: torch.device,
    threads: int,
) -> Trained:
    """Train the model of an entry; the arguments are those of `voxel_network.train`."""
    if model_settings.kind == "agglomeration":
        from eyewire_validator.agglomeration.training import train_agglomeration

        return train_agglomeration(
            index, store, model_settings, settings, folder,
            settings.random_seed + replicate, device=device, threads=threads,
        )  # fmt: skip
    from eyewire_validator.voxel_network.training import train

    return train(
        index, store, model_settings, settings, folder, replicate,
        device=device, threads=threads,
    )  # fmt: skip
