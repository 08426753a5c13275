"""Draw the patches that a training sees: cubes around seeds, turned at random."""

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from eyewire_validator.config.families import NetworkSettings, NetworkTraining
from eyewire_validator.errors import ConfigError
from eyewire_validator.learning.symmetry import apply, symmetries_of
from eyewire_validator.voxel_network.gpu_samples import GpuSamples, fits
from eyewire_validator.voxel_network.samples import Sample, SampleLoader

# Draws a patch of each task by numpy's generator or, on a GPU, by torch's.
DrawPatches = Callable[[Sequence[int], np.random.Generator, torch.Generator], Tensor]


def patch_source(
    tasks: Sequence[int],
    index: pd.DataFrame,
    loader: SampleLoader,
    model_settings: NetworkSettings,
    settings: NetworkTraining,
    device: torch.device,
) -> DrawPatches:
    """Return what draws patches: on the GPU if it holds all volumes, else on the CPU.

    Args:
        tasks: ids of those to draw from.
        index: table in the schema `TASK_INDEX`: they and their ancestors.
        loader: makes their samples.
        model_settings: name the context and its channels.
        settings: of the patches.
        device: where the network is trained.
    """
    if fits(loader.store, index["volume"].nunique(), device):
        samples = GpuSamples(
            index, loader.store, model_settings, tasks, device, settings.labels
        )
        return lambda batch, _, noise: samples.draw(batch, settings, noise)
    return lambda batch, generator, _: draw_patches(batch, loader, settings, generator)


def draw_patches(
    tasks: Sequence[int],
    loader: SampleLoader,
    settings: NetworkTraining,
    generator: np.random.Generator,
) -> Tensor:
    """Cut a random patch of each task and turn it by a random symmetry.

    Returns:
        (n, channels, patch_size, patch_size, patch_size) uint8 samples.
    """
    symmetries = symmetries_of(loader.store.coarse_voxel_nm)
    patches = []
    for task in tasks:
        sample = loader.load(task, settings.labels)
        patch = torch.from_numpy(
            crop_around_seed(sample, settings.patch_size, generator)
        )
        if settings.symmetries:
            patch = apply(patch, symmetries[generator.integers(len(symmetries))])
        patches.append(patch)
    return torch.stack(patches)


def crop_around_seed(
    sample: Sample, patch_size: int, generator: np.random.Generator
) -> Sample:
    """Cut a random cube that holds a random voxel of the seed.

    Args:
        sample: (channels, z, y, x) with a seed.
        patch_size: edge of the cube, voxels.
        generator: chooses the voxel, then where it lies in the cube.

    Returns:
        (channels, patch_size, patch_size, patch_size), a view of ``sample``.

    Raises:
        ConfigError: the cube is larger than the sample.
    """
    shape = sample.shape[1:]
    if patch_size > min(shape):
        raise ConfigError(
            f"training: patch_size is {patch_size}, expected at most the volume's "
            f"{min(shape)} coarse voxels"
        )
    seed_voxels = np.flatnonzero(sample[-2])
    voxel = np.unravel_index(generator.choice(seed_voxels), shape)
    cut = [slice(None)]
    for position, size in zip(voxel, shape, strict=True):
        lowest = max(0, int(position) - patch_size + 1)
        highest = min(int(position), size - patch_size)
        start = int(generator.integers(lowest, highest + 1))
        cut.append(slice(start, start + patch_size))
    return sample[tuple(cut)]
