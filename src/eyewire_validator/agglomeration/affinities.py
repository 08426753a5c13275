"""Affinities of a volume, averaged over contacts under several symmetries.

Each symmetry is like a member of an ensemble: the network learned from all of them
alike, so where they disagree, it does not know (Wang et al. 2019,
doi:10.1016/j.neucom.2019.01.103).
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import chain, groupby

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
from eyewire_validator.learning.symmetry import Symmetry, apply, choose
from eyewire_validator.volumes.contacts import faces_along, pairs_of
from eyewire_validator.volumes.store import CoarseVolume

# Turned images that the network sees at once. Of a single one, where it is small, torch
# does not let oneDNN compute the convolutions, and takes half as long again.
AT_ONCE = 2


def contact_affinities(
    model: AffinityUNet, volume: CoarseVolume, threads: int = 1
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]:
    """Find the contacts of a volume and average affinities over the faces of each.

    A volume of 64 voxels an edge takes about 200 MB a thread meanwhile, and one of 256
    takes 64 times as much.

    Args:
        model: the network; it computes where its weights are.
        volume: see `CoarseVolume`.
        threads: share the symmetries; on a CPU, their number changes no bit.

    Returns:
        (n, 2) segment ids of each contact, the lower one first, ascending; (n,) coarse
        faces; and (members, n) the mean logit that both sides belong together.
    """
    device = next(model.parameters()).device
    faces = ContactFaces.find(close_gaps(volume.segmentation), device)
    image = torch.from_numpy(standardize_image(volume.image)).to(device)
    members = choose(MEMBERS)
    groups = list(_of_equal_shape(members, image.shape))
    answer = partial(_mean_logits, model, image, faces)
    with ThreadPoolExecutor(threads, initializer=_compute_alone) as pool:
        found = list(pool.map(answer, groups))
    logits = dict(zip(chain(*groups), torch.cat(found), strict=True))
    evidence = torch.stack([logits[member] for member in members])
    return faces.pairs, faces.count, evidence.cpu().numpy()


@dataclass(frozen=True)
class ContactFaces:
    """The faces of all contacts of a volume.

    Attributes:
        pairs: (n, 2) int64 segment ids of each contact, the lower one first, ascending.
        count: (n,) int64 faces of each.
        contact: (faces,) int64, which contact each face is of.
        axis: (faces,) int64, along which axis its two voxels lie.
        voxels: (2, faces) int64, numbers of the two in C order.
    """

    pairs: NDArray[np.int64]
    count: NDArray[np.int64]
    contact: Tensor
    axis: Tensor
    voxels: Tensor

    @classmethod
    def find(
        cls, segmentation: NDArray[np.int32], device: torch.device
    ) -> "ContactFaces":
        """Find them in (z, y, x) segment ids, 0 is background; put them on a device."""
        numbers = np.arange(segmentation.size).reshape(segmentation.shape)
        codes, voxels = [], []
        for axis in range(3):
            touching, found = faces_along(axis, segmentation)
            along = np.moveaxis(numbers, axis, 0)
            codes.append(found)
            voxels.append(np.stack([along[:-1][touching], along[1:][touching]]))
        axes = np.repeat(np.arange(3), [len(found) for found in codes])
        unique, contact, count = np.unique(
            np.concatenate(codes), return_inverse=True, return_counts=True
        )
        on_device = (
            torch.from_numpy(array).to(device)
            for array in (contact, axes, np.concatenate(voxels, axis=1))
        )
        return cls(pairs_of(unique), count, *on_device)

    def average(self, affinities: Tensor, symmetry: Symmetry) -> Tensor:
        """Average values over the faces of each contact.

        Args:
            affinities: (3, z, y, x) of each voxel and the next one along z, y and x, of
                the volume turned by the symmetry.
            symmetry: which one.

        Returns:
            (n,) float32 means.
        """
        _, *turned = affinities.shape
        size = [turned[symmetry.axes.index(axis)] for axis in range(3)]
        ahead = torch.arange(affinities[0].numel(), device=affinities.device)
        place = torch.empty_like(ahead)
        place[apply(ahead.view(size), symmetry).flatten()] = ahead
        first = torch.minimum(*place[self.voxels])
        axis = torch.tensor(symmetry.axes, device=affinities.device).argsort()
        values = affinities.flatten(1)[axis[self.axis], first].double()
        sums = values.new_zeros(len(self.count)).index_add_(0, self.contact, values)
        count = torch.from_numpy(self.count).to(affinities.device)
        return (sums / count).float()


def _compute_alone() -> None:
    torch.set_num_threads(1)


def _of_equal_shape(
    symmetries: Sequence[Symmetry], size: Sequence[int]
) -> Iterator[list[Symmetry]]:
    """Yield a few symmetries at a time that turn ``size`` (z, y, x) into the same."""

    def turned(symmetry: Symmetry) -> list[int]:
        return [size[axis] for axis in symmetry.axes]

    for _, group in groupby(sorted(symmetries, key=turned), turned):
        same = list(group)
        for start in range(0, len(same), AT_ONCE):
            yield same[start : start + AT_ONCE]


@torch.inference_mode()
def _mean_logits(
    model: AffinityUNet,
    image: Tensor,
    faces: ContactFaces,
    symmetries: Sequence[Symmetry],
) -> Tensor:
    """Return (symmetries, contacts) mean logits of a (z, y, x) image that is turned."""
    images = torch.stack([apply(image, symmetry) for symmetry in symmetries])
    affinities = _next_neighbours(model, images)
    return torch.stack(list(map(faces.average, affinities, symmetries)))


def _next_neighbours(model: AffinityUNet, images: Tensor) -> Tensor:
    """Return (n, 3, z, y, x) logits of each voxel and the next of (n, z, y, x) images.

    Where an edge does not divide, the last voxels are repeated beyond it.
    """
    _, z, y, x = images.shape
    beyond = [-size % AFFINITY_MULTIPLE for size in (x, y, z)]
    sizes = [size for beyond_one in beyond for size in (0, beyond_one)]
    padded = F.pad(images[:, None], sizes, mode="replicate")
    logits: Tensor = model(padded)
    return logits[:, :3, :z, :y, :x]
