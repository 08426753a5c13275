"""Make samples on the GPU, where all volumes lie.

Volumes lie there as they are: grey values and 16-bit segment ids, 0.8 MB for 64 voxels
an edge, so that the 56,326 of Eyewire take 44 GB. A task is a few lists of segment ids;
a look-up table makes masks of them. Cropping, turning and moving into another volume's
frame are one index computation, so that a patch costs one gather a channel, and the CPU
waits for nothing.

`samples.SampleLoader` is the plain twin: whatever is cut here equals its patches.
"""

import logging
import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from eyewire_validator.config.families import NetworkSettings, NetworkTraining
from eyewire_validator.errors import ConfigError
from eyewire_validator.learning.symmetry import numbers_of, steps_along, symmetries_of
from eyewire_validator.volumes.geometry import ByAxis, by_axis
from eyewire_validator.volumes.store import SEGMENT_IDS, VOXEL_BYTES, VolumeStore
from eyewire_validator.voxel_network.mask_sources import mask_sources, segment_lists

# Share of the free memory that volumes may take; the rest is for the network.
SHARE_FOR_VOLUMES = 0.75
# Threads that read volumes.
READERS = 16

log = logging.getLogger(__name__)


class GpuSamples:
    """Makes samples of some tasks on the device, as `SampleLoader` makes them.

    Args:
        index: table in the schema `TASK_INDEX`; tasks and their ancestors.
        store: the volumes.
        settings: name the context and its channels.
        tasks: ids of those whose samples will be wanted.
        device: where everything lies.
        labels: of the truth; see `samples.SampleLoader.load`.

    Raises:
        VolumeError: a task has no volume.
        FileError: a file of a volume is missing or damaged.
    """

    def __init__(
        self,
        index: pd.DataFrame,
        store: VolumeStore,
        settings: NetworkSettings,
        tasks: Sequence[int],
        device: torch.device,
        labels: str = "hard",
    ) -> None:
        """Read every volume."""
        table = index.drop_duplicates("task", ignore_index=True)
        self.device, self.shape = device, store.geometry.coarse_shape
        symmetries = symmetries_of(store.coarse_voxel_nm)
        self._turns = torch.tensor(numbers_of(symmetries), device=device)
        self._row = {task: row for row, task in enumerate(tasks)}
        self._sources, volumes = mask_sources(table, tasks, settings, store, device)
        self._lists = segment_lists(table, labels, device)
        self._images, self._segmentations = read_volumes(store, volumes, device)

    def stack(self, tasks: Sequence[int]) -> Tensor:
        """Return the samples of tasks over their whole volumes."""
        none = torch.zeros(len(tasks), 3, dtype=torch.int64, device=self.device)
        return self.cut(tasks, none, none[:, 0], self.shape)

    def draw(
        self, tasks: Sequence[int], settings: NetworkTraining, noise: torch.Generator
    ) -> Tensor:
        """Cut a random patch of each task and turn it by a random symmetry.

        As `patches.draw_patches` does, with other random numbers.

        Args:
            tasks: ids.
            settings: of the patches.
            noise: draws voxels, places and symmetries; on the device.

        Returns:
            (n, channels, patch_size, patch_size, patch_size) uint8 on the device.
        """
        starts = self._draw_starts(tasks, settings.patch_size, noise)
        turns = torch.zeros_like(starts[:, 0])
        if settings.symmetries:
            turns.random_(len(self._turns), generator=noise)
        return self.cut(tasks, starts, self._turns[turns], settings.patch_size)

    def cut(
        self, tasks: Sequence[int], starts: Tensor, symmetries: Tensor, size: ByAxis
    ) -> Tensor:
        """Cut a box out of each sample, and turn it.

        Args:
            tasks: ids.
            starts: (n, 3) int64, lowest voxel (z, y, x) of each box.
            symmetries: (n,) int64, which of `SYMMETRIES`.
            size: edges of the turned boxes, voxels.

        Returns:
            (n, channels, *size) uint8 on the device.
        """
        rows = [self._row[task] for task in tasks]
        on_device = torch.tensor(rows, device=self.device)
        volume, shift = (part[on_device] for part in self._sources[:2])
        axes, _ = steps_along(symmetries, 1)
        starts = starts.gather(1, axes)[:, None, :, None]
        along = [  # of each new axis: (n, masks, step)
            starts[..., new, :] + steps_along(symmetries, edge)[1][:, None, new]
            for new, edge in enumerate(by_axis(size))
        ]
        own, _ = self._voxels(volume[:, -1:], along, axes)
        shift = shift.gather(2, axes[:, None].expand_as(shift))[..., None]
        moved = [steps - shift[..., new, :] for new, steps in enumerate(along)]
        voxels, inside = self._voxels(volume, moved, axes)
        masks = self._look_up(self._tables(rows), voxels) * inside
        return torch.cat([self._images[own], masks], 1)

    def _voxels(
        self, volume: Tensor, along: Sequence[Tensor], axes: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Return flat indices of voxels, and which of them lie inside.

        Args:
            volume: (n, masks) int64.
            along: of each new axis, (n, masks, edge) int64, the position of each step.
            axes: (n, 3) int64, which axis that is.
        """
        _, height, width = self.shape
        edges, strides = torch.tensor(
            [self.shape, (height * width, width, 1)], device=self.device
        )[:, axes][..., None, None]
        voxels: Tensor = volume[..., None, None, None] * math.prod(self.shape)
        inside = torch.ones_like(voxels, dtype=torch.bool)
        for new, positions in enumerate(along):
            held = positions.clamp(min=0).minimum(edges[:, new] - 1)
            at = [..., *(slice(None) if axis == new else None for axis in range(3))]
            voxels = voxels + (held * strides[:, new])[tuple(at)]
            inside = inside & (held == positions)[tuple(at)]
        return voxels, inside

    def _tables(self, rows: list[int]) -> Tensor:
        """Make a look-up table of each mask: (n, masks, 65536) uint8 by segment id."""
        segments = self._sources.segments[rows]
        chosen = segments.ravel()
        length = np.where(chosen < 0, 0, self._lists.length[chosen])
        owner = np.repeat(np.arange(chosen.size), length)
        starts = np.repeat(
            self._lists.first[chosen] - np.cumsum(length) + length, length
        )
        entries = torch.from_numpy(np.stack([owner, starts + np.arange(len(owner))]))
        owners, positions = entries.to(self.device)
        is_truth = owners % segments.shape[1] == segments.shape[1] - 1
        levels = torch.where(is_truth, self._lists.levels[positions], 1)
        tables = torch.zeros(
            chosen.size * SEGMENT_IDS, dtype=torch.uint8, device=self.device
        )
        tables[owners * SEGMENT_IDS + self._lists.ids[positions]] = levels
        tables = tables.view(*segments.shape, SEGMENT_IDS)
        tables[..., 0] = 0
        return tables

    def _look_up(self, tables: Tensor, voxels: Tensor) -> Tensor:
        """Look up the segments of voxels: (n, masks, z, y, x) uint8."""
        ids = self._segmentations[voxels].long() & (SEGMENT_IDS - 1)
        found = tables.flatten(0, 1).gather(1, ids.flatten(0, 1).flatten(1))
        return found.view(voxels.shape)

    def _draw_starts(
        self, tasks: Sequence[int], patch_size: int, noise: torch.Generator
    ) -> Tensor:
        """Choose a voxel of each seed, then where it lies in the patch."""
        depth, height, width = self.shape
        if patch_size > min(self.shape):
            raise ConfigError(
                f"training: patch_size is {patch_size}, expected at most the volume's "
                f"{min(self.shape)} coarse voxels"
            )
        draws = torch.rand(len(tasks), 4, generator=noise, device=self.device)
        seeds = self.stack(tasks)[:, -2].flatten(1)
        so_far = seeds.cumsum(1, dtype=torch.int32)
        wanted = (draws[:, :1] * so_far[:, -1:]).int() + 1
        voxel = torch.searchsorted(so_far, wanted).clamp(max=depth * height * width - 1)
        row = voxel // width
        position = torch.cat([row // height, row % height, voxel % width], 1)
        lowest = (position - patch_size + 1).clamp(min=0)
        edges = torch.tensor(self.shape, device=self.device)
        highest = position.minimum(edges - patch_size)
        room = highest - lowest + 1
        return lowest + (draws[:, 1:] * room).long().clamp(max=room - 1)


def fits(store: VolumeStore, volumes: int, device: torch.device) -> bool:
    """Return whether the device is a GPU that has room for so many volumes.

    Warns if it is a GPU that has not. On a CPU, the store itself is as good.
    """
    if device.type != "cuda":
        return False
    needed = volumes * VOXEL_BYTES * store.geometry.coarse_voxels
    free, _ = torch.cuda.mem_get_info(device)
    if needed > SHARE_FOR_VOLUMES * free:
        log.warning(
            "%s volumes take %.1f GB, more than %.0f %% of the %.1f GB that are free "
            "on %s; they are read as needed, which takes longer",
            *(volumes, needed / 1e9, 100 * SHARE_FOR_VOLUMES, free / 1e9, device),
        )
        return False
    return True


def read_volumes(
    store: VolumeStore, volumes: Sequence[int], device: torch.device
) -> tuple[Tensor, Tensor]:
    """Read volumes into the device's memory, one after the other.

    Returns:
        Grey values, (all voxels,) uint8, and segment ids, the bits of a uint16 as
        int16, as torch computes little in uint16: flat, volume by volume in C-order.
    """
    size = (len(volumes), store.geometry.coarse_voxels)
    images = torch.empty(size, dtype=torch.uint8, device=device)
    segmentations = torch.empty(size, dtype=torch.int16, device=device)
    with ThreadPoolExecutor(READERS) as pool:
        for slot, volume in enumerate(pool.map(store.read, volumes)):
            images[slot] = torch.from_numpy(volume.image.copy()).view(-1)
            ids = volume.segmentation.view(np.int16).copy()
            segmentations[slot] = torch.from_numpy(ids).view(-1)
    return images.view(-1), segmentations.view(-1)
