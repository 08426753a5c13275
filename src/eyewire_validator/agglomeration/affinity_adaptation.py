"""Adapt the affinity U-Net of a model to a tissue of which nothing is labelled.

Whoever made the supervoxels of a tissue cut along its membranes, and more often than
need be. So a supervoxel shows what the inside of a cell looks like here; and of its
contacts, those that look least like the inside of a cell to the network show membranes.
It takes them for labels, and the other contacts for unknown. That some are wrong does
little harm (Rolnick et al. 2017, "Deep learning is robust to massive label noise"; for
training where one is asked: Sun et al. 2020, "Test-time training"). What it brings is
in docs/log/adaptation.md.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from eyewire_validator.agglomeration.affinities import contact_affinities
from eyewire_validator.agglomeration.affinity_patches import LabelledVolume
from eyewire_validator.agglomeration.affinity_training import fit_affinities, pair_keys
from eyewire_validator.agglomeration.affinity_tuning import PATCHES, with_patches_in
from eyewire_validator.agglomeration.affinity_unet import AffinityUNet
from eyewire_validator.agglomeration.cube_grid import shown_symmetries
from eyewire_validator.config.families import AgglomerationTraining
from eyewire_validator.jobs.progress import Progress
from eyewire_validator.learning.tensor_files import weights_hash
from eyewire_validator.storage.hashes import settings_hash
from eyewire_validator.volumes.store import SEGMENT_IDS, CoarseVolume
from eyewire_validator.volumes.voxel_size import VoxelSize

# The share of all contacts, those that look least like one cell, that are taken for
# membranes. In truth they are two of five in the fly, and two of three in the mouse; a
# half serves both (docs/log/adaptation.md).
APART = 0.5


def adapt_affinities(
    network: AffinityUNet,
    learned_nm: VoxelSize | None,
    volumes: Sequence[CoarseVolume],
    settings: AgglomerationTraining,
    file: Path | None = None,
    *,
    device: torch.device,
    threads: int,
) -> AffinityUNet:
    """Train a network on, on the supervoxels of volumes, or go on where it stopped.

    Args:
        network: what it goes on from; stays as it is.
        learned_nm: edges of the voxels (z, y, x) in nm that it learned from.
        volumes: of one tissue and voxel size; 6 MB of memory each of 64³ voxels.
        settings: epochs of `PATCHES` patches, and the other keys that
            `tune_affinities` reads.
        file: where the state is kept after each epoch, if anywhere.
        device: where to compute.
        threads: CPU threads.

    Returns:
        The adapted network, on the CPU; the same one if there are no volumes.
    """
    if not volumes:
        return network
    labelled = [
        LabelledVolume.of_segments(volume, learned_nm, number * SEGMENT_IDS)
        for number, volume in enumerate(volumes)
    ]
    adapted, _ = fit_affinities(
        [labelled],
        with_patches_in(labelled, settings),
        file,
        _fingerprint(network, volumes, settings),
        settings.random_seed,
        patches=PATCHES,
        symmetries=shown_symmetries(volumes[0].voxel_nm, learned_nm),
        start=network,
        doubtful=_doubtful(network, learned_nm, volumes, threads),
        device=device,
        threads=threads,
    )
    return adapted.cpu()


def _doubtful(
    network: AffinityUNet,
    learned_nm: VoxelSize | None,
    volumes: Sequence[CoarseVolume],
    threads: int,
) -> Tensor | None:
    """Find the contacts that look most like one cell, of all volumes together.

    Returns:
        (n,) int64, ascending: `pair_keys` of the numbers of `LabelledVolume`; none if
        there are no contacts.
    """
    pairs: list[NDArray[np.int64]] = []
    evidence: list[NDArray[np.float32]] = []
    for number, volume in enumerate(Progress(volumes, unit="volumes")):
        touching, _, found = contact_affinities(network, volume, threads, learned_nm, 1)
        pairs.append(touching + number * SEGMENT_IDS)
        evidence.append(found.mean(axis=0))
    every = np.concatenate(evidence)
    if not len(every):
        return None
    likely = np.concatenate(pairs)[every >= np.quantile(every, APART)]
    return pair_keys(*torch.from_numpy(likely).unbind(1)).sort().values


def _fingerprint(
    network: AffinityUNet,
    volumes: Sequence[CoarseVolume],
    settings: AgglomerationTraining,
) -> str:
    """Return a hash of all that the outcome depends on."""
    content = hashlib.sha256()
    for volume in volumes:
        content.update(repr((volume.image.shape, volume.voxel_nm)).encode())
        content.update(volume.image.tobytes())
        content.update(volume.segmentation.tobytes())
    return settings_hash(
        {
            "network": weights_hash(network.state_dict()),
            "volumes": content.hexdigest(),
            "training": asdict(settings),
        }
    )
