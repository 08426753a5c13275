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

# This share of the patches of a block is of voxels that are longer by this factor.
COARSER_SHARE, COARSER = 1 / 3, 1.6


def train_tissue(
    blocks: Mapping[str, LabelledBlock],
    settings: AgglomerationTraining,
    folder: Path,
    random_seed: int,
    *,
    patches: int,
    start: AffinityUNet | None = None,
    device: torch.device,
    threads: int,
) -> tuple[AffinityUNet, pd.DataFrame]:
    """Train an affinity U-Net on blocks, each of which counts the same.

    Some of the patches of a block are of coarser voxels, so that the network does not
    take the size of what it sees for granted.

    Args:
        blocks: by name.
        settings: epochs, batch_size, patch_size, learning_rate,
            weight_decay, lr_step and lr_gamma; the last epoch's weights are kept, as
            no labels are held out.
        folder: where the training is resumed from.
        random_seed: of weights, patches and noise.
        patches: of an epoch, of all blocks together.
        start: whose weights are trained on; none to draw them.
        device: where to compute.
        threads: CPU threads.

    Returns:
        The network, and the history in the schema `HISTORY`.
    """
    labelled: list[LabelledVolume] = []
    shares: list[float] = []
    for block in blocks.values():
        coarser = _coarser(block, settings.patch_size)
        for scale, share in ((1.0, 1 - COARSER_SHARE), (coarser, COARSER_SHARE)):
            cubes = label_cubes(block, scale)
            labelled += cubes
            shares += [share / len(cubes)] * len(cubes)
    return fit_affinities(
        labelled,
        settings,
        folder / RESUME_FILE,
        _fingerprint(blocks, settings, random_seed, patches, start),
        random_seed,
        patches=patches,
        shares=np.array(shares) / sum(shares),
        start=start,
        device=device,
        threads=threads,
    )


def _coarser(block: LabelledBlock, patch_size: int) -> float:
    """Return the factor of the coarser voxels, less where a patch would not fit."""
    shape, edges = np.array(block.image.shape), np.array(block.voxel_nm)
    shortest = (shape * edges).min() / edges.min()
    if shortest < patch_size:
        raise ModelError(
            f"a block of {block.image.shape} voxels of {block.voxel_nm} nm is too thin "
            f"for patches of {patch_size}; leave it out, or set patch_size lower"
        )
    return min(COARSER, float(shortest / patch_size))


def _fingerprint(
    blocks: Mapping[str, LabelledBlock],
    settings: AgglomerationTraining,
    random_seed: int,
    patches: int,
    start: AffinityUNet | None,
) -> str:
    """Return a hash of all that the outcome depends on."""
    content = hashlib.sha256()
    for weights in start.state_dict().values() if start else ():
        content.update(weights.numpy().tobytes())
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
