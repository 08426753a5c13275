"""Affinities of a volume, averaged over contacts under several symmetries.

Each symmetry is like a member of an ensemble: the network learned from all of them
alike, so where they disagree, it does not know (Wang et al. 2019,
doi:10.1016/j.neucom.2019.01.103).
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
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
from eyewire_validator.agglomeration.cube_grid import (
    cube_edge,
    onto_faces,
    resample_image,
)
from eyewire_validator.agglomeration.filters import standardize_image
from eyewire_validator.agglomeration.tiles import tiles_of
from eyewire_validator.learning.symmetry import (
    SYMMETRIES,
    Symmetry,
    apply,
    choose,
    symmetries_of,
    turned,
)
from eyewire_validator.volumes.contacts import mean_over_faces
from eyewire_validator.volumes.store import CoarseVolume
from eyewire_validator.volumes.voxel_size import (
    VoxelSize,
    relative_areas,
    relative_edges,
)

# Turned images that the network sees at once. Of a single one, where it is small, torch
# does not let oneDNN compute the convolutions, and takes half as long again.
AT_ONCE = 2
# Edge of the largest image that the network sees at once, and alone; one that is larger
# it sees in tiles, with so much around them.
LARGE, TILE, MARGIN = 128, 96, 8


def contact_affinities(
    model: AffinityUNet,
    volume: CoarseVolume,
    threads: int = 1,
    learned_nm: VoxelSize | None = None,
    members: int = MEMBERS,
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float32]]:
    """Find the contacts of a volume and average affinities over the faces of each.

    A volume of 64 voxels an edge takes about 200 MB a thread meanwhile, one of 128 or
    more 0.8 GB, and a fifth of that for each 256 voxels cubed.

    Args:
        model: the network; it computes where its weights are.
        volume: see `CoarseVolume`.
        threads: share the symmetries; on a CPU, their number changes no bit.
        learned_nm: edges of the voxels (z, y, x) in nm that the network learned from;
            if they are cubes, or unknown, it is shown cubes, see `cube_grid`.
        members: how many symmetries.

    Returns:
        (n, 2) segment ids of each contact, the lower one first, ascending; (n,) their
        area; and (members, n) the mean logit that both sides belong together.
    """
    segmentation = close_gaps(volume.segmentation, relative_edges(volume.voxel_nm))
    image, symmetries = _shown(volume, learned_nm)
    image = image.to(next(model.parameters()).device)
    turns = choose(members, symmetries)
    groups = list(_of_equal_shape(turns, image.shape))
    areas = relative_areas(volume.voxel_nm)
    average = partial(_average, model, image, segmentation, areas)
    with ThreadPoolExecutor(threads, initializer=_compute_alone) as pool:
        found = chain.from_iterable(pool.map(average, groups))
    contacts = dict(zip(chain(*groups), found, strict=True))
    # The contacts are the same however the volume is turned.
    pairs, area, _ = contacts[turns[0]]
    return pairs, area, np.stack([contacts[turn][2] for turn in turns])


def _shown(
    volume: CoarseVolume, learned_nm: VoxelSize | None
) -> tuple[Tensor, Sequence[Symmetry]]:
    """Return the image that the network is shown, and by what it may be turned."""
    edge = cube_edge(volume.voxel_nm, learned_nm)
    if volume.voxel_nm is None or edge is None:
        image = standardize_image(volume.image)
        return torch.from_numpy(image), symmetries_of(volume.voxel_nm)
    cubes = standardize_image(resample_image(volume.image, volume.voxel_nm, edge))
    return torch.from_numpy(cubes), SYMMETRIES


def _compute_alone() -> None:
    torch.set_num_threads(1)


def _of_equal_shape(
    symmetries: Sequence[Symmetry], size: Sequence[int]
) -> Iterator[list[Symmetry]]:
    """Yield a few symmetries at a time that turn ``size`` (z, y, x) into the same."""

    def shape(symmetry: Symmetry) -> tuple[int, ...]:
        return turned(size, symmetry)

    for _, group in groupby(sorted(symmetries, key=shape), shape):
        same = list(group)
        at_once = AT_ONCE if max(size) < LARGE else 1
        for start in range(0, len(same), at_once):
            yield same[start : start + at_once]


@torch.inference_mode()
def _average(
    model: AffinityUNet,
    image: Tensor,
    segmentation: NDArray[np.int32],
    areas: VoxelSize,
    symmetries: Sequence[Symmetry],
) -> list[tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float32]]]:
    """Average the logits of a (z, y, x) image over its contacts, as `mean_over_faces`.

    Returns:
        What that returns, for each symmetry; image and segmentation are turned by it.
    """
    images = torch.stack([apply(image, symmetry) for symmetry in symmetries])
    logits = _in_tiles(model, images)
    ids = torch.from_numpy(segmentation)
    found = []
    for symmetry, values in zip(symmetries, logits, strict=True):
        here = apply(ids, symmetry).numpy()
        if values.shape[1:] != here.shape:
            values = onto_faces(values, here.shape)
        around = turned(areas, symmetry)
        found.append(mean_over_faces(here, values.cpu().numpy(), around))
    return found


def _in_tiles(model: AffinityUNet, images: Tensor) -> Tensor:
    """Return `next_neighbours`, of large images by tiles."""
    if max(images.shape) <= LARGE:
        return next_neighbours(model, images)
    shape = images.shape[1:]
    logits = images.new_empty((len(images), 3, *shape))
    for seen, used, inside in tiles_of(shape, TILE, MARGIN):
        found = next_neighbours(model, images[:, *seen])
        logits[:, :, *used] = found[:, :, *inside]
    return logits


def next_neighbours(model: AffinityUNet, images: Tensor) -> Tensor:
    """Return (n, 3, z, y, x) logits of each voxel and the next of (n, z, y, x) images.

    Where an edge does not divide, the last voxels are repeated beyond it.
    """
    _, z, y, x = images.shape
    beyond = [-size % AFFINITY_MULTIPLE for size in (x, y, z)]
    sizes = [size for beyond_one in beyond for size in (0, beyond_one)]
    padded = F.pad(images[:, None], sizes, mode="replicate")
    logits: Tensor = model(padded)
    return logits[:, :3, :z, :y, :x]
