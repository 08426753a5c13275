"""The alarm: a volume looks unlike all that a model learned from."""

import sys
import warnings
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from torch import nn

from eyewire_validator.agglomeration.contact_model import ContactModel
from eyewire_validator.agglomeration.kept_contacts import fine_contacts_by
from eyewire_validator.models.checkpoint import CheckpointInfo, load_checkpoint
from eyewire_validator.volumes.appearance import (
    FOLDS,
    WHAT_HELPS,
    Appearance,
    Familiar,
)
from eyewire_validator.volumes.store import VolumeStore
from eyewire_validator.volumes.voxel_size import VoxelSize, relative_edges

# Volumes that are looked at, of those that a model learned from.
VOLUMES = 400

# How the tissue is called that a model learned from, where nothing else is said.
TRAINING_VOLUMES = "training volumes"

# Share of a volume's segments that may touch no other once small gaps are closed
# (docs/evaluation.md).
MOST_APART = 0.1
APART = (
    "many of its segments touch no other, even where gaps are closed (make them "
    "without borders, or grow them, such as by skimage.segmentation.expand_labels)"
)

# What a model can do by itself that answers arrays.
ADAPTING = (
    "It answers better once it is adapted, which needs no labels (--adapt, or "
    "`SegmentValidator.adapted`)"
)

# Volume id -> in what it is unlike what the model learned from; none if in nothing.
Alarm = Callable[[int], str | None]


def familiar_volumes(
    index: pd.DataFrame, store: VolumeStore, tissue: str = TRAINING_VOLUMES
) -> Familiar:
    """Note how the volumes of the training tasks look.

    Args:
        index: table in the schema `TASK_INDEX`, with tasks of the split train.
        store: the volumes, all of one tissue.
        tissue: its name.
    """
    volumes = index.loc[index["split"] == "train", "volume"].unique()
    looks = (Appearance.of(store.read(int(v))) for v in sorted(volumes)[:VOLUMES])
    return Familiar.of({tissue: looks}, {tissue: store.coarse_voxel_nm})


def warn_of(
    info: CheckpointInfo,
    seen: Appearance,
    voxel_nm: VoxelSize | None = None,
    segmentation: NDArray[np.uint16] | None = None,
) -> tuple[str, ...]:
    """Return in what a volume is unlike all that a model learned from, with a warning.

    Args:
        info: what the checkpoint says of the model.
        seen: how the volume looks.
        voxel_nm: edges of its voxels (z, y, x) in nm, if known.
        segmentation: (z, y, x) segment ids, 0 is nothing, where contacts are scored.

    Warns:
        UserWarning: in anything.
    """
    alarms = (*_apart(segmentation, voxel_nm), *_strange(info, seen, voxel_nm))
    if alarms:
        better = f". {ADAPTING}" if info.adapted else ""
        warnings.warn(
            "this volume is unlike all that the model learned from: "
            f"{'; '.join(alarms)}; do not act on its answers unseen. {WHAT_HELPS}"
            f"{better}",
            stacklevel=3,
        )
    return alarms


def _seen(
    model: nn.Module, store: VolumeStore, volume: int
) -> tuple[Appearance, VoxelSize | None]:
    """Return how a volume looks where the model sees it, and its voxels."""
    if isinstance(model, ContactModel) and (
        fine := fine_contacts_by(model, store, volume)
    ):
        return fine.looks, fine.voxel_nm
    return Appearance.of(store.get(volume)), store.coarse_voxel_nm


def _apart(
    segmentation: NDArray[np.uint16] | None, voxel_nm: VoxelSize | None
) -> Iterable[str]:
    """Find segments that do not touch: without contacts nothing joins them."""
    if segmentation is None:
        return ()
    # Trainings note how images look, and do without what this imports.
    from eyewire_validator.agglomeration.contacts import close_gaps
    from eyewire_validator.volumes.contacts import share_apart

    closed = close_gaps(segmentation, relative_edges(voxel_nm))
    return (APART,) if share_apart(closed) > MOST_APART else ()


def _strange(
    info: CheckpointInfo, seen: Appearance, voxel_nm: VoxelSize | None
) -> Iterable[str]:
    """Compare, if the model sees images, and its checkpoint says which."""
    if getattr(info.model_settings, "image", "none") == "none" or not info.familiar:
        return ()
    return info.familiar.strange(seen, voxel_nm)


def alarm_of(
    checkpoint: Path,
    store: VolumeStore,
) -> Alarm:
    """Return what tells the volumes that a model should not judge by itself.

    It says so aloud, once for each way in which volumes are strange.

    Args:
        checkpoint: of the model, with how the volumes looked that it learned from. One
            that sees no image is not alarmed.
        store: the volumes.
    """
    model, info = load_checkpoint(checkpoint)
    title = info.model_settings.title
    if not info.familiar or not info.familiar.tissues:
        print(
            f"{title}: its checkpoint does not say how the images of at least {FOLDS} "
            "volumes looked that it learned from; whether these are like them is not "
            "known"
        )
    told: set[str] = set()

    @cache
    def alarm(volume: int) -> str | None:
        is_joined = isinstance(model, ContactModel)
        segmentation = store.get(volume).segmentation if is_joined else None
        apart = _apart(segmentation, store.coarse_voxel_nm)
        looks = _strange(info, *_seen(model, store, volume))
        strange = "; ".join([*apart, *looks]) or None
        if strange and strange not in told:
            told.add(strange)
            # In the log of the job, and on the terminal.
            for stream in (sys.stdout, sys.__stderr__):
                print(
                    f"ALARM: {title}: volume {volume} is unlike all that this "
                    f"model learned from: {strange}. Nothing is decided unseen there. "
                    f"{WHAT_HELPS}.",
                    file=stream,
                )
        return strange

    return alarm
