"""Train a network on the tasks of an index.

All that an epoch draws (tasks, patches, symmetries, noise) comes from generators of
that epoch alone. So an interrupted training goes on as if nothing had happened: on a
CPU, with the same number of threads, to the same bits.
"""

import logging
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor
from tqdm import tqdm

from eyewire_validator.config.settings import ModelSettings, TrainingSettings
from eyewire_validator.errors import SplitError
from eyewire_validator.learning.devices import repeatable, torch_threads
from eyewire_validator.learning.epochs import RESUME_FILE, fingerprint
from eyewire_validator.learning.outcome import Trained
from eyewire_validator.learning.symmetry import SYMMETRIES, apply
from eyewire_validator.learning.tensor_files import load_plain
from eyewire_validator.storage.schemas.training import HISTORY
from eyewire_validator.volumes.store import VolumeStore
from eyewire_validator.voxel_network.distributed import WHOLE, Share, run_together
from eyewire_validator.voxel_network.gpu_samples import ResidentSamples, fits
from eyewire_validator.voxel_network.samples import SampleLoader, crop_around_seed
from eyewire_validator.voxel_network.sampling import chances, draw_tasks
from eyewire_validator.voxel_network.state import TrainingRun

log = logging.getLogger(__name__)


def train(
    index: pd.DataFrame,
    store: VolumeStore,
    model_settings: ModelSettings,
    settings: TrainingSettings,
    folder: Path,
    replicate: int = 0,
    *,
    device: torch.device,
    threads: int = 1,
    share: Share = WHOLE,
) -> Trained:
    """Train from scratch, or go on where an interrupted training was.

    Args:
        index: table in the schema `TASK_INDEX`.
        store: the volumes.
        model_settings: the model's entry.
        settings: the training section, with the entry's overrides.
        folder: where `RESUME_FILE` is kept; one of other settings or another index is
            not used, and a warning says so.
        replicate: added to ``random_seed``.
        device: where to compute.
        threads: CPU threads.
        share: what this process does, if several train together.

    Raises:
        SplitError: there are no tasks to train on, or none to validate on.
        ModelError: the network's answers are no longer finite.
    """
    random_seed = settings.random_seed + replicate
    tasks, validation = choose_tasks(index, settings, random_seed)
    loader = SampleLoader(index, store, model_settings)
    draw = patch_source(tasks, index, loader, model_settings, settings, device)
    run = TrainingRun.start(model_settings, settings, random_seed, device)
    run.check_precision(loader.stack(validation[: settings.batch_size]))
    file = folder / RESUME_FILE
    same = fingerprint(index, model_settings, settings, random_seed)
    run.resume(file, same)
    run.share_with_others(share)
    with torch_threads(threads), repeatable(device), _progress(run, tasks) as progress:
        while not run.is_finished():
            epoch = len(run.history) + 1
            generator = np.random.default_rng([random_seed, epoch])
            noise = _torch_generator(generator, device)
            drawn = tasks[epoch % settings.rotation :: settings.rotation]
            likely = chances(settings.sampling, drawn, index, run.task_losses)
            drawn = draw_tasks(drawn, likely, generator)
            own: list[int] = []
            losses: list[Tensor] = []
            for batch in _batches(drawn, settings.batch_size):
                own += share.of_batch(torch.tensor(batch)).tolist()
                losses.append(run.step(draw(batch, generator, noise), noise))
                progress.update(len(batch))
            found = list(zip(own, torch.cat(losses).tolist(), strict=True))
            run.end_epoch(found, run.validate(validation, loader))
            run.save(file, same)
    run.model.load_state_dict(run.best_weights)
    return Trained(run.model, pd.DataFrame(run.history, columns=HISTORY.names))


def train_together(
    index: pd.DataFrame,
    store: VolumeStore,
    model_settings: ModelSettings,
    settings: TrainingSettings,
    folder: Path,
    replicate: int = 0,
    *,
    devices: Sequence[torch.device],
    threads: int = 1,
) -> Trained:
    """Train as `train` does, in a process for each device if there are several.

    They draw the same, and each takes its share of every batch, so that but for
    rounding the weights are those of one process. There are no more processes than
    tasks in a batch, and one only where the loss draws samples of its own.

    Raises:
        ModelError: a process was killed; otherwise as `train` does.
    """
    asked = (index, store, model_settings, settings, folder, replicate)
    alone = model_settings.uncertainty == "sampled_logit_monte_carlo"
    devices = devices[: 1 if alone else settings.batch_size]
    if len(devices) == 1:
        return train(*asked, device=devices[0], threads=threads)
    log.info(
        "training in %s processes, on %s", len(devices), ", ".join(map(str, devices))
    )
    run_together(_train_share, devices, max(1, threads // len(devices)), *asked)
    finished = load_plain(folder / RESUME_FILE)
    model = TrainingRun.start(model_settings, settings, 0, torch.device("cpu")).model
    model.load_state_dict(finished["best_weights"])
    return Trained(model, pd.DataFrame(finished["history"], columns=HISTORY.names))


def _train_share(share: Share, device: torch.device, threads: int, *asked: Any) -> None:
    train(*asked, device=device, threads=threads, share=share)


def choose_tasks(
    index: pd.DataFrame, settings: TrainingSettings, random_seed: int
) -> tuple[NDArray[np.int64], list[int]]:
    """Return the training tasks in random order, and those for validation.

    Raises:
        SplitError: too few of either.
    """
    generator = np.random.default_rng([random_seed, 0])
    splits = {
        name: index.loc[index["split"] == name, "task"].to_numpy(np.int64)
        for name in ("train", "validation")
    }
    for name, least in (("train", settings.rotation), ("validation", 1)):
        if len(splits[name]) < least:
            counts = index["split"].fillna("unused").value_counts().sort_index()
            found = ", ".join(f"{count} {split}" for split, count in counts.items())
            raise SplitError(
                f"training needs {least} or more {name} tasks, the split gave "
                f"{found}; change `split`, `training.rotation` or the data"
            )
    count = min(settings.validation_tasks, len(splits["validation"]))
    validation = generator.choice(splits["validation"], count, replace=False)
    return generator.permutation(splits["train"]), sorted(validation.tolist())


def draw_patches(
    tasks: Sequence[int],
    loader: SampleLoader,
    settings: TrainingSettings,
    generator: np.random.Generator,
) -> Tensor:
    """Cut a random patch of each task and turn it by a random symmetry.

    Returns:
        (n, channels, patch_size, patch_size, patch_size) uint8 samples.
    """
    patches = []
    for task in tasks:
        sample = loader.load(task, settings.labels)
        patch = crop_around_seed(sample, settings.patch_size, generator)
        turned = torch.from_numpy(patch)
        if settings.symmetries:
            turned = apply(turned, SYMMETRIES[generator.integers(len(SYMMETRIES))])
        patches.append(turned)
    return torch.stack(patches)


# Draws a patch of each task, by numpy's generator or by torch's on the device.
DrawPatches = Callable[[Sequence[int], np.random.Generator, torch.Generator], Tensor]


def patch_source(
    tasks: NDArray[np.int64],
    index: pd.DataFrame,
    loader: SampleLoader,
    model_settings: ModelSettings,
    settings: TrainingSettings,
    device: torch.device,
) -> DrawPatches:
    """Choose who cuts the patches of the tasks: the device, if it holds all volumes.

    Otherwise `draw_patches` does. Arguments as for `train`; ``loader`` knows the index.
    """
    volumes = index["volume"].nunique()
    if not fits(loader.store, volumes, model_settings, device):
        return lambda batch, generator, noise: draw_patches(
            batch, loader, settings, generator
        )
    samples = ResidentSamples(
        index, loader.store, model_settings, tasks.tolist(), device, settings.labels
    )
    return lambda batch, generator, noise: samples.draw(batch, settings, noise)


def _torch_generator(
    generator: np.random.Generator, device: torch.device
) -> torch.Generator:
    """Make torch's own of a generator, which goes on as if nothing had been drawn."""
    (child,) = generator.spawn(1)
    return torch.Generator(device).manual_seed(int(child.integers(2**63)))


def _batches(tasks: NDArray[np.int64], batch_size: int) -> Iterator[list[int]]:
    for start in range(0, len(tasks), batch_size):
        yield tasks[start : start + batch_size].tolist()


def _progress(run: TrainingRun, tasks: NDArray[np.int64]) -> "tqdm[Any]":
    """Make a bar over the tasks of all epochs, validation not counted."""
    return tqdm(
        total=run.settings.epochs * len(tasks) // run.settings.rotation,
        initial=sum(row["tasks"] for row in run.history),
        unit="task",
        disable=True if run.share.rank else None,
        file=sys.__stderr__,
    )
