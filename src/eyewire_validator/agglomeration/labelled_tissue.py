"""Labelled tissue to learn from: whole blocks, with all voxels that people labelled.

Tasks label what a few cells touch; a block that was proofread as a whole labels every
membrane in it, at the resolution of its voxels.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
import torch
from numpy.typing import NDArray

from eyewire_validator.agglomeration.affinity_patches import UNKNOWN, LabelledVolume
from eyewire_validator.agglomeration.cube_grid import nearest_voxels, resample_image
from eyewire_validator.volumes.grey import standardize_image
from eyewire_validator.volumes.voxel_size import VoxelSize, are_cubes

# Edge of the cubes whose grey values are standardized together, as those of a volume
# are that is asked about.
CUBE = 64
# A supervoxel is of the object that holds this share of its labelled voxels, if these
# are at least half of it; its unlabelled voxels, membrane mostly, are then of it, too.
LEAST_PURITY = 0.9


@dataclass(frozen=True)
class LabelledBlock:
    """An image and the objects that people found in it.

    Attributes:
        image: (z, y, x) uint8.
        labels: (z, y, x) integers, 0 where nobody labelled.
        voxel_nm: edges of a voxel (z, y, x) in nm.
        supervoxels: (z, y, x) integers, 0 is background; none if there are none.
    """

    image: NDArray[np.uint8]
    labels: NDArray[np.integer]
    voxel_nm: VoxelSize
    supervoxels: NDArray[np.integer] | None = None


def label_cubes(block: LabelledBlock, scale: float = 1.0) -> list[LabelledVolume]:
    """Cut a block into cubes that hold every voxel, and standardize each.

    Voxels are resampled to cubes of ``scale`` times their shortest edge, if they are no
    such cubes; so `cube_grid` shows them to a network.

    Returns:
        Those that hold labels, of `CUBE` voxels an edge or of the whole block's.
    """
    objects = _objects(block)
    image: NDArray[np.uint8 | np.float32] = block.image
    if not are_cubes(block.voxel_nm) or scale != 1:
        edge = scale * min(block.voxel_nm)
        image = resample_image(block.image, block.voxel_nm, edge)
        objects = nearest_voxels(objects, image.shape)
    return [
        LabelledVolume(
            torch.from_numpy(standardize_image(image[box])),
            torch.from_numpy(np.ascontiguousarray(objects[box])),
        )
        for box in _boxes(image.shape)
        if (objects[box] != UNKNOWN).any()
    ]


def _objects(block: LabelledBlock) -> NDArray[np.int32]:
    """Number the objects of a block's voxels, from 1; `UNKNOWN` where nobody knows."""
    _, inverse = np.unique(block.labels, return_inverse=True)
    numbers: NDArray[np.int32] = inverse.reshape(block.labels.shape).astype(np.int32)
    if block.labels.all():
        numbers += 1
        return numbers
    if block.supervoxels is not None:
        unlabelled = numbers == 0
        owners = _owners(block.supervoxels, numbers)
        numbers[unlabelled] = owners[block.supervoxels[unlabelled]]
    return np.where(numbers, numbers, np.int32(UNKNOWN))


def _owners(
    supervoxels: NDArray[np.integer], numbers: NDArray[np.int32]
) -> NDArray[np.int32]:
    """Return the object that holds most of each supervoxel, by id; 0 if none does."""
    sizes = np.bincount(supervoxels.ravel())
    owners = np.zeros(len(sizes), np.int32)
    is_labelled = (numbers > 0) & (supervoxels > 0)
    pairs, counts = np.unique(
        np.stack([supervoxels[is_labelled].astype(np.int64), numbers[is_labelled]]),
        axis=1,
        return_counts=True,
    )
    labelled = np.bincount(pairs[0], counts, len(sizes))
    is_owner = counts >= LEAST_PURITY * labelled[pairs[0]]
    is_owner &= labelled[pairs[0]] >= sizes[pairs[0]] / 2
    owners[pairs[0, is_owner]] = pairs[1, is_owner]
    return owners


def _boxes(shape: Sequence[int]) -> Iterator[tuple[slice, ...]]:
    """Yield boxes of `CUBE` voxels an edge, evenly spread, that hold every voxel."""
    along = []
    for edge in shape:
        size = min(CUBE, edge)
        count = -(-edge // size)
        starts = np.linspace(0, edge - size, count).round().astype(int)
        along.append([slice(int(start), int(start) + size) for start in starts])
    return product(*along)
