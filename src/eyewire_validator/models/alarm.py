"""The alarm: a volume looks unlike all that a model learned from."""

import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pandas as pd

from eyewire_validator.config.families import ModelSettings
from eyewire_validator.models.checkpoint import load_checkpoint
from eyewire_validator.volumes.appearance import Appearance, Familiar
from eyewire_validator.volumes.store import VolumeStore
from eyewire_validator.volumes.voxel_size import VoxelSize

# Volumes that are looked at, of those that a model learned from.
VOLUMES = 400

# Volume id -> in what it is unlike what the model learned from; none if in nothing.
Alarm = Callable[[int], str | None]


def familiar_volumes(
    index: pd.DataFrame, store: VolumeStore, voxel_nm: VoxelSize | None
) -> Familiar:
    """Note how the volumes of the training tasks look.

    Args:
        index: table in the schema `TASK_INDEX`, with tasks of the split train.
        store: the volumes.
        voxel_nm: edges of their coarse voxels (z, y, x) in nm, if known.
    """
    volumes = index.loc[index["split"] == "train", "volume"].unique()
    looks = (Appearance.of(store.read(int(v))) for v in sorted(volumes)[:VOLUMES])
    return Familiar.of(looks, voxel_nm)


def alarm_of(
    settings: ModelSettings,
    checkpoint: Path,
    store: VolumeStore,
    voxel_nm: VoxelSize | None = None,
) -> Alarm:
    """Return what tells the volumes that a model should not judge by itself.

    It says so aloud, once for each way in which volumes are strange.

    Args:
        settings: the entry of the model; one that sees no image is not alarmed.
        checkpoint: its weights, with how the volumes looked that it learned from.
        store: the volumes.
        voxel_nm: edges of their coarse voxels (z, y, x) in nm, if known.
    """
    familiar = load_checkpoint(checkpoint)[1].familiar
    if getattr(settings, "image", "none") == "none":
        return lambda volume: None
    if familiar is None:
        print(
            f"{settings.title}: its checkpoint does not say how the images looked that "
            "it learned from; whether these are like them is not known"
        )
        return lambda volume: None
    told: set[str] = set()

    @cache
    def alarm(volume: int) -> str | None:
        seen = Appearance.of(store.get(volume))
        strange = "; ".join(familiar.strange(seen, voxel_nm)) or None
        if strange and strange not in told:
            told.add(strange)
            # In the log of the job, and on the terminal.
            for stream in (sys.stdout, sys.__stderr__):
                print(
                    f"ALARM: {settings.title}: volume {volume} is unlike all that this "
                    f"model learned from: {strange}. Nothing is decided unseen there.",
                    file=stream,
                )
        return strange

    return alarm
