"""Train the affinity U-Net on labelled tissue: whole blocks, several at a time."""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from eyewire_validator.agglomeration.affinity_patches import LabelledVolume
from eyewire_validator.agglomeration.affinity_training import fit_affinities
from eyewire_validator.agglomeration.affinity_unet import AffinityUNet
from eyewire_validator.agglomeration.labelled_tissue import LabelledBlock, label_cubes
from eyewire_validator.config.families import AgglomerationTraining
from eyewire_validator.errors import ModelError
from eyewire_validator.learning.epochs import RESUME_FILE
from eyewire_validator.storage.hashes import settings_hash

# How many times as long as they are the voxels of a patch are made, each as often.
SCALES = (1.0, 1.6, 2.3)


def train_tissue(
    blocks: Mapping[str, LabelledBlock],
    settings: AgglomerationTraining,
    folder: Path,
    random_seed: int,
    *,
    patches: int,
    device: torch.device,
    threads: int,
) -> tuple[AffinityUNet, pd.DataFrame]:
    """Train an affinity U-Net on blocks, each of which counts the same.

    Most of the patches of a block are of coarser voxels, so that the network does not
    take the size of what it sees for granted.

    Args:
        blocks: by name.
        settings: epochs, batch_size, patch_size, learning_rate,
            weight_decay, lr_step and lr_gamma; the last epoch's weights are kept, as
            no labels are held out.
        folder: where the training is resumed from.
        random_seed: of weights, patches and noise.
        patches: of an epoch, of all blocks together.
        device: where to compute.
        threads: CPU threads.

    Returns:
        The network, and the history in the schema `HISTORY`.
    """
    labelled: list[list[LabelledVolume]] = []
    for block in blocks.values():
        most = _coarsest(block, settings.patch_size)
        labelled += [label_cubes(block, min(scale, most)) for scale in SCALES]
    return fit_affinities(
        labelled,
        settings,
        folder / RESUME_FILE,
        _fingerprint(blocks, settings, random_seed, patches),
        random_seed,
        patches=patches,
        device=device,
        threads=threads,
    )


def _coarsest(block: LabelledBlock, patch_size: int) -> float:
    """Return how many times as long voxels may be for a patch to fit in still."""
    shape, edges = np.array(block.image.shape), np.array(block.voxel_nm)
    shortest = (shape * edges).min() / edges.min()
    if shortest < patch_size:
        raise ModelError(
            f"a block of {block.image.shape} voxels of {block.voxel_nm} nm is too thin "
            f"for patches of {patch_size}; leave it out, or set patch_size lower"
        )
    return float(shortest / patch_size)


def _fingerprint(
    blocks: Mapping[str, LabelledBlock],
    settings: AgglomerationTraining,
    random_seed: int,
    patches: int,
) -> str:
    """Return a hash of all that the outcome depends on."""
    content = hashlib.sha256()
    for name, block in blocks.items():
        content.update(repr((name, block.voxel_nm)).encode())
        for array in (block.image, block.labels, block.supervoxels):
            if array is not None:
                content.update(np.ascontiguousarray(array).data)
    return settings_hash(
        {
            "blocks": content.hexdigest(),
            "training": asdict(settings),
            "random_seed": random_seed,
            "patches": patches,
        }
    )
