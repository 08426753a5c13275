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

from eyewire_validator.agglomeration.affinity_unet import (
    DISTANCES,
    OFFSETS,
    AffinityUNet,
    predict,
)
from eyewire_validator.agglomeration.contact_classifier import MEMBERS
from eyewire_validator.agglomeration.contacts import close_gaps
from eyewire_validator.agglomeration.cube_grid import (
    nearest_voxels,
    onto_faces,
    shown_image,
    shown_symmetries,
)
from eyewire_validator.agglomeration.tiles import tiles_of
from eyewire_validator.agglomeration.volume_normalisation import normalise_by
from eyewire_validator.learning.symmetry import Symmetry, apply, choose, turned
from eyewire_validator.volumes.contacts import mean_at_distance, mean_over_faces
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
    more 0.8 GB, and 0.6 GB for each 256 voxels cubed.

    Args:
        model: the network; it computes where its weights are.
        volume: see `CoarseVolume`.
        threads: share the symmetries; on a CPU, their number changes no bit.
        learned_nm: edges of the voxels (z, y, x) in nm that the network learned from;
            if they are cubes, or unknown, it is shown cubes, see `cube_grid`.
        members: how many symmetries.

    Returns:
        (n, 2) segment ids of each contact, the lower one first, ascending; (n,) their
        area; and (members, n) the mean logit that both sides belong together, over all
        distances that the network predicts.
    """
    segmentation = close_gaps(volume.segmentation, relative_edges(volume.voxel_nm))
    image = shown_image(volume, learned_nm).to(next(model.parameters()).device)
    turns = choose(members, shown_symmetries(volume.voxel_nm, learned_nm))
    groups = list(_of_equal_shape(turns, image.shape))
    areas = relative_areas(volume.voxel_nm)
    adapted = normalise_by(model, image)
    average = partial(_average, adapted, image, segmentation, areas)
    with ThreadPoolExecutor(threads, initializer=_compute_alone) as pool:
        found = chain.from_iterable(pool.map(average, groups))
    contacts = dict(zip(chain(*groups), found, strict=True))
    # The contacts are the same however the volume is turned.
    pairs, area, _ = contacts[turns[0]]
    return pairs, area, np.stack([contacts[turn][2] for turn in turns])


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
    """Average the logits of a (z, y, x) image over its contacts, as `_over_contacts`.

    Returns:
        What that returns, for each symmetry; image and segmentation are turned by it.
    """
    images = torch.stack([apply(image, symmetry) for symmetry in symmetries])
    logits = _in_tiles(model, images)
    ids = torch.from_numpy(segmentation)
    return [
        _over_contacts(
            apply(ids, symmetry).numpy(), values.cpu(), turned(areas, symmetry)
        )
        for symmetry, values in zip(symmetries, logits, strict=True)
    ]


def _over_contacts(
    segmentation: NDArray[np.int32], logits: Tensor, areas: VoxelSize
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float32]]:
    """Average (9, z, y, x) logits over contacts: each distance, and these together.

    Two voxels that touch may both lie beside the membrane, if the border of the
    segments does; two farther apart lie on either side of it.

    Returns:
        Pairs and areas as `mean_over_faces`, and (n,) float32 means.
    """
    shape, cubes = segmentation.shape, segmentation
    next_ones = logits[:3]
    if logits.shape[1:] != shape:
        next_ones = onto_faces(next_ones, shape)
        cubes = nearest_voxels(segmentation, logits.shape[1:])
    pairs, area, near = mean_over_faces(segmentation, next_ones.numpy(), areas)
    means = [near]
    for distance, values in zip(
        DISTANCES[1:], logits[3:].numpy().reshape(-1, 3, *logits.shape[1:]), strict=True
    ):
        means.append(mean_at_distance(cubes, values, distance, pairs))
    return pairs, area, np.nanmean(means, axis=0, dtype=np.float32)


def _in_tiles(model: AffinityUNet, images: Tensor) -> Tensor:
    """Return `predict`, of large images by tiles."""
    if max(images.shape) <= LARGE:
        return predict(model, images)
    shape = images.shape[1:]
    logits = images.new_empty((len(images), len(OFFSETS), *shape))
    for seen, used, inside in tiles_of(shape, TILE, MARGIN):
        found = predict(model, images[:, *seen])
        logits[:, :, *used] = found[:, :, *inside]
    return logits
