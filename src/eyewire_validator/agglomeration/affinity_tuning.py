"""Tune the affinity U-Net of a model to a tissue of which a few tasks are labelled.

Membranes of another animal look another way. A network that learned a lot elsewhere
needs little of a new tissue to tell them (Yosinski et al. 2014, "How transferable are
features in deep neural networks?"): ten labelled tasks bring half of what a whole
labelled block would (docs/log/tuning.md).
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from eyewire_validator.agglomeration.affinity_patches import LabelledVolume
from eyewire_validator.agglomeration.affinity_training import fit_affinities
from eyewire_validator.agglomeration.affinity_unet import (
    AFFINITY_MULTIPLE,
    AffinityUNet,
)
from eyewire_validator.agglomeration.cube_grid import shown_symmetries
from eyewire_validator.config.families import AgglomerationTraining
from eyewire_validator.errors import ModelError
from eyewire_validator.learning.tensor_files import weights_hash
from eyewire_validator.storage.hashes import settings_hash
from eyewire_validator.volumes.store import VolumeStore
from eyewire_validator.volumes.voxel_size import VoxelSize

# Patches of an epoch, of all volumes together.
PATCHES = 250


def tune_affinities(
    network: AffinityUNet,
    learned_nm: VoxelSize | None,
    answers: Mapping[int, Sequence[NDArray[np.int64]]],
    store: VolumeStore,
    settings: AgglomerationTraining,
    file: Path,
    *,
    device: torch.device,
    threads: int,
) -> AffinityUNet:
    """Train a network on, on volumes of a tissue, or go on where that was interrupted.

    Args:
        network: what it goes on from; stays as it is.
        learned_nm: edges of the voxels (z, y, x) in nm that it learned from.
        answers: by volume, the segments of each known answer, its seed included.
        store: the volumes.
        settings: epochs of `PATCHES` patches, batch_size, patch_size (smaller where
            volumes are), learning_rate, weight_decay, lr_step, lr_gamma and
            random_seed; the last epoch's weights are kept.
        file: where the state is kept after each epoch.
        device: where to compute.
        threads: CPU threads.

    Returns:
        The tuned network; the same one if there are no answers.
    """
    if not answers:
        return network
    labelled = [
        LabelledVolume.of(store.read(volume), known, learned_nm)
        for volume, known in answers.items()
    ]
    tuned, _ = fit_affinities(
        [labelled],
        with_patches_in(labelled, settings),
        file,
        _fingerprint(network, answers, settings),
        settings.random_seed,
        patches=PATCHES,
        symmetries=shown_symmetries(store.coarse_voxel_nm, learned_nm),
        start=network,
        device=device,
        threads=threads,
    )
    return tuned.cpu()


def with_patches_in(
    volumes: Sequence[LabelledVolume], settings: AgglomerationTraining
) -> AgglomerationTraining:
    """Return settings by whose size a patch fits into each of the volumes.

    Raises:
        ModelError: one is too thin for any patch.
    """
    shortest = min(min(one.image.shape) for one in volumes)
    if shortest < AFFINITY_MULTIPLE:
        raise ModelError(
            f"a volume of {shortest} voxels along an axis is too thin to learn from, "
            f"expected {AFFINITY_MULTIPLE} or more; name larger ones, or answer with "
            "the network as it is (adapt: 0, or without --adapt)"
        )
    fits = shortest // AFFINITY_MULTIPLE * AFFINITY_MULTIPLE
    return replace(settings, patch_size=min(settings.patch_size, fits))


def _fingerprint(
    network: AffinityUNet,
    answers: Mapping[int, Sequence[NDArray[np.int64]]],
    settings: AgglomerationTraining,
) -> str:
    """Return a hash of all that the outcome depends on, but the volumes themselves."""
    content = hashlib.sha256()
    for volume, known in answers.items():
        content.update(repr((volume, [one.tolist() for one in known])).encode())
    return settings_hash(
        {
            "network": weights_hash(network.state_dict()),
            "answers": content.hexdigest(),
            "training": asdict(settings),
        }
    )
