"""Affinities of a volume, averaged over contacts under several symmetries.

Each symmetry is like a member of an ensemble: the network learned from all of them
alike, so where they disagree, it does not know (Wang et al. 2019,
doi:10.1016/j.neucom.2019.01.103).
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from eyewire_validator.agglomeration.affinity_unet import (
    AFFINITY_MULTIPLE,
    AffinityUNet,
)
from eyewire_validator.agglomeration.contact_classifier import MEMBERS
from eyewire_validator.agglomeration.contacts import close_gaps
from eyewire_validator.agglomeration.filters import standardize_image
from eyewire_validator.learning.symmetry import apply, choose
from eyewire_validator.volumes.contacts import faces_along, pairs_of
from eyewire_validator.volumes.store import CoarseVolume


def contact_affinities(
    model: AffinityUNet, volume: CoarseVolume
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]:
    """Find the contacts of a volume and average affinities over the faces of each.

    A volume of 64 voxels an edge takes about 100 MB meanwhile, and one of 256 takes
    64 times as much.

    Args:
        model: the network; it computes where its weights are.
        volume: see `CoarseVolume`.

    Returns:
        (n, 2) segment ids of each contact, the lower one first, ascending; (n,) coarse
        faces; and (members, n) the mean logit that both sides belong together.
    """
    image = torch.from_numpy(standardize_image(volume.image))
    segmentation = torch.from_numpy(close_gaps(volume.segmentation))
    evidence = []
    for symmetry in choose(MEMBERS):
        turned = apply(segmentation, symmetry).numpy()
        affinities = _next_neighbours(model, apply(image, symmetry))
        pairs, faces, means = mean_over_faces(turned, affinities)
        evidence.append(means)
    return pairs, faces, np.stack(evidence)


def mean_over_faces(
    segmentation: NDArray[np.int32], affinities: NDArray[np.float32]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]:
    """Average values over the faces of each contact.

    Args:
        segmentation: (z, y, x) segment ids, 0 is background.
        affinities: (3, z, y, x), of each voxel and the next one along z, y and x.

    Returns:
        (n, 2) segment ids, the lower one first, ascending; (n,) faces; (n,) means.
    """
    codes, values = [], []
    for axis in range(3):
        touching, found = faces_along(axis, segmentation)
        codes.append(found)
        values.append(np.moveaxis(affinities[axis], axis, 0)[:-1][touching])
    unique, contact, faces = np.unique(
        np.concatenate(codes), return_inverse=True, return_counts=True
    )
    sums = np.bincount(contact, np.concatenate(values), len(unique))
    return pairs_of(unique), faces, (sums / faces).astype(np.float32)


def _next_neighbours(model: AffinityUNet, image: Tensor) -> NDArray[np.float32]:
    """Return (3, z, y, x) logits of each voxel and the next ones of a (z, y, x) image.

    Where an edge does not divide, the last voxels are repeated beyond it.
    """
    beyond = [-size % AFFINITY_MULTIPLE for size in image.shape]
    sizes = [size for beyond_one in reversed(beyond) for size in (0, beyond_one)]
    padded = F.pad(image[None, None], sizes, mode="replicate")
    z, y, x = image.shape
    with torch.inference_mode():
        logits = model(padded.to(next(model.parameters()).device))
    found: NDArray[np.float32] = logits[0, :3, :z, :y, :x].cpu().numpy()
    return found
