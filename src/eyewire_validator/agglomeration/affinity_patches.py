"""Cut patches out of labelled volumes, turn them and change how they look.

The volumes lie on the device that trains, and so do all random numbers: a patch costs
one gather of the image and one of the objects, and the CPU waits for nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from eyewire_validator.agglomeration.contacts import close_gaps
from eyewire_validator.agglomeration.cube_grid import nearest_voxels, shown_image
from eyewire_validator.learning.symmetry import (
    SYMMETRIES,
    Symmetry,
    numbers_of,
    steps_along,
)
from eyewire_validator.volumes.store import SEGMENT_IDS, CoarseVolume
from eyewire_validator.volumes.voxel_size import VoxelSize, relative_edges

# Of the neighbours along an axis in a blurred voxel, at most.
THICKNESS = 0.67

# Random numbers below this have a remainder that is as good as even.
MANY = 1 << 40

# Objects of voxels that are of no labelled object, and of those that nobody labelled.
OTHER, UNKNOWN = 0, -1

# By how much contrast is multiplied and brightness moved at most, and the deviation of
# the noise; in standard deviations of the volume.
CONTRAST, BRIGHTNESS, NOISE = 0.4, 0.5, 0.2


@dataclass(frozen=True)
class LabelledVolume:
    """A volume and the objects that are labelled in it.

    Attributes:
        image: (z, y, x) float32 in standard deviations.
        objects: (z, y, x) int32, from 1 on the number of the object that holds the
            voxel, of several the last; `OTHER` where it is of none of them, `UNKNOWN`
            where it may be of any.
    """

    image: Tensor
    objects: Tensor

    @classmethod
    def of(
        cls,
        volume: CoarseVolume,
        answers: Sequence[NDArray[np.int64]],
        learned_nm: VoxelSize | None,
    ) -> "LabelledVolume":
        """Label a volume by the segments of each answer, its seed included.

        Args:
            volume: see `CoarseVolume`.
            answers: (n,) segment ids each.
            learned_nm: edges of the voxels (z, y, x) in nm that the network learned
                from, or is to learn from; see `cube_grid`.
        """
        numbers = np.zeros(SEGMENT_IDS, np.int32)
        for number, answer in enumerate(answers, 1):
            numbers[answer[answer < SEGMENT_IDS]] = number
        numbers[0] = 0
        image = shown_image(volume, learned_nm)
        segments = close_gaps(volume.segmentation, relative_edges(volume.voxel_nm))
        objects = nearest_voxels(numbers[segments], image.shape)
        return cls(image, torch.from_numpy(objects))

    @classmethod
    def of_segments(
        cls, volume: CoarseVolume, learned_nm: VoxelSize | None, first: int
    ) -> "LabelledVolume":
        """Take each segment for an object, numbered by its id from ``first`` on.

        Args:
            volume: see `CoarseVolume`.
            learned_nm: see `of`.
            first: other volumes may have other numbers.
        """
        image = shown_image(volume, learned_nm)
        segments = close_gaps(volume.segmentation, relative_edges(volume.voxel_nm))
        ids = nearest_voxels(segments, image.shape).astype(np.int32)
        return cls(image, torch.from_numpy(np.where(ids > 0, ids + first, UNKNOWN)))


class Patches:
    """Draws patches of labelled volumes, which lie on a device: 2 MB each of 64³.

    Args:
        volumes: of any shapes.
        size: edge of a patch, voxels; at most the shortest of the volumes.
        device: where they lie.
        symmetries: by which patches are turned.
    """

    def __init__(
        self,
        volumes: Sequence[LabelledVolume],
        size: int,
        device: torch.device,
        symmetries: Sequence[Symmetry] = SYMMETRIES,
    ) -> None:
        """Copy the volumes to the device."""
        self._turns = torch.tensor(numbers_of(symmetries), device=device)
        self.size = size
        self._shapes = torch.tensor([v.image.shape for v in volumes], device=device)
        ends = self._shapes.prod(1).cumsum(0)
        self._firsts = ends - self._shapes.prod(1)
        self._images, self._objects = (
            torch.cat([part.flatten().to(device) for part in parts])
            for parts in zip(*((v.image, v.objects) for v in volumes), strict=True)
        )

    def draw(self, volumes: Tensor, noise: torch.Generator) -> tuple[Tensor, Tensor]:
        """Draw a patch of each volume: its place, its symmetry and its looks.

        Args:
            volumes: (n,) int64 numbers of the volumes, on the device.
            noise: draws, on the device.

        Returns:
            (n, 1, size, size, size) float32 images and (n, size, size, size) int32
            objects, see `LabelledVolume`.
        """
        shape, device = (len(volumes), 3), volumes.device
        starts = torch.randint(MANY, shape, generator=noise, device=device)
        starts %= self._shapes[volumes] - self.size + 1
        turns = torch.randint(
            len(self._turns), shape[:1], generator=noise, device=device
        )
        image, objects = self.cut(volumes, starts, self._turns[turns])
        return change_looks(image, noise)[:, None], objects

    def cut(
        self, volumes: Tensor, starts: Tensor, symmetries: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Cut a cube out of each volume and turn it.

        Args:
            volumes: (n,) int64 numbers of the volumes.
            starts: (n, 3) int64, lowest voxel (z, y, x) of each cube.
            symmetries: (n,) int64, which of `SYMMETRIES`.

        Returns:
            Images and objects, both (n, size, size, size).
        """
        axes, steps = steps_along(symmetries, self.size)
        along = steps + starts.gather(1, axes)[..., None]
        _, height, width = self._shapes[volumes].unbind(1)
        strides = torch.stack([height * width, width, torch.ones_like(width)], 1)
        z, y, x = (along * strides.gather(1, axes)[..., None]).unbind(1)
        voxels = z[:, :, None, None] + y[:, None, :, None] + x[:, None, None]
        voxels = voxels + self._firsts[volumes][:, None, None, None]
        return self._images.take(voxels), self._objects.take(voxels)


def change_looks(images: Tensor, noise: torch.Generator) -> Tensor:
    """Change contrast, brightness and noise of (n, z, y, x), each patch's at random."""
    draws = torch.rand(3, len(images), generator=noise, device=images.device)
    contrast, brightness, grain = draws[..., None, None, None]
    speckles = torch.randn(images.shape, generator=noise, device=images.device)
    blurred = blur_along_an_axis(images, noise)
    changed: Tensor = blurred * (1 + CONTRAST * (2 * contrast - 1))
    changed += BRIGHTNESS * (2 * brightness - 1) + NOISE * grain * speckles
    return changed


def blur_along_an_axis(images: Tensor, noise: torch.Generator) -> Tensor:
    """Blur each of (n, z, y, x) along one axis, as thick sections are, or hardly."""
    shape, device = (len(images), 1, 1, 1), images.device
    axes = torch.randint(3, shape, generator=noise, device=device)
    share = THICKNESS * torch.rand(shape, generator=noise, device=device)
    around = F.pad(images[:, None], [1] * 6, mode="replicate")[:, 0]
    blurred = images
    for axis in range(3):
        own = [slice(None), *[slice(1, -1)] * 3]
        before, after = list(own), list(own)
        before[axis + 1], after[axis + 1] = slice(None, -2), slice(2, None)
        sides = around[tuple(before)] + around[tuple(after)]
        blurred = blurred + share * (axes == axis) * (sides / 2 - images)
    return blurred
