"""What trains the model of an entry."""

from collections.abc import Sequence
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
    devices: Sequence[torch.device],
    threads: int,
) -> Trained:
    """Train what the entry asks for; the arguments are those of `train_together`.

    An agglomeration takes the first of the devices.
    """
    if model_settings.kind == "agglomeration":
        from eyewire_validator.agglomeration.training import train_agglomeration

        return train_agglomeration(
            index, store, model_settings, settings, folder,
            settings.random_seed + replicate, device=devices[0], threads=threads,
        )  # fmt: skip
    from eyewire_validator.voxel_network.training import train_together

    return train_together(
        index, store, model_settings, settings, folder, replicate,
        devices=devices, threads=threads,
    )  # fmt: skip
