"""Train the voxel network on the tasks of an index.

All that an epoch draws (tasks, patches, symmetries, noise) comes from generators of
that epoch alone. So a resumed training is as one that was never interrupted: on a
CPU, with the same number of threads, to the same bits.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from eyewire_validator.config.families import NetworkSettings, NetworkTraining
from eyewire_validator.errors import SplitError
from eyewire_validator.jobs.progress import Progress
from eyewire_validator.learning.devices import (
    repeatable,
    torch_generator,
    torch_threads,
)
from eyewire_validator.learning.epochs import RESUME_FILE, fingerprint
from eyewire_validator.learning.outcome import Trained
from eyewire_validator.storage.schemas.training import HISTORY
from eyewire_validator.volumes.store import VolumeStore
from eyewire_validator.voxel_network.patches import patch_source
from eyewire_validator.voxel_network.samples import SampleLoader
from eyewire_validator.voxel_network.state import TrainingRun


def train_network(
    index: pd.DataFrame,
    store: VolumeStore,
    model_settings: NetworkSettings,
    settings: NetworkTraining,
    folder: Path,
    random_seed: int,
    *,
    device: torch.device,
    threads: int,
) -> Trained:
    """Train a network from scratch, or resume an interrupted training.

    Args:
        index: table in the schema `TASK_INDEX`.
        store: the volumes.
        model_settings: the model's entry.
        settings: the training section, with the entry's overrides.
        folder: where `RESUME_FILE` is kept; one of other settings or of another index
            is not used, and a warning is logged.
        random_seed: of weights, tasks, patches, symmetries and noise.
        device: where to compute.
        threads: CPU threads.

    Raises:
        SplitError: there are no tasks to train on, or none to validate on.
        ModelError: the network's answers are no longer finite.
    """
    tasks, validation = choose_tasks(index, settings, random_seed)
    loader = SampleLoader(index, store, model_settings)
    draw = patch_source(tasks.tolist(), index, loader, model_settings, settings, device)
    run = TrainingRun.start(model_settings, settings, random_seed, device)
    run.check_precision(loader.stack(validation[: settings.batch_size]))
    file = folder / RESUME_FILE
    same = fingerprint(index, model_settings, settings, random_seed)
    run.resume(file, same)
    with torch_threads(threads), repeatable(device), _progress(run, tasks) as progress:
        while not run.is_finished():
            epoch = len(run.history) + 1
            generator = np.random.default_rng([random_seed, epoch])
            noise = torch_generator(generator, device)
            part = tasks[epoch % settings.rotation :: settings.rotation]
            losses: list[Tensor] = []
            for batch in _batches(generator.permutation(part), settings.batch_size):
                losses.append(run.step(draw(batch, generator, noise), noise))
                progress.update(len(batch))
            run.end_epoch(torch.cat(losses).tolist(), run.validate(validation, loader))
            run.save(file, same)
    run.model.load_state_dict(run.best_weights)
    return Trained(run.model, pd.DataFrame(run.history, columns=HISTORY.names))


def choose_tasks(
    index: pd.DataFrame, settings: NetworkTraining, random_seed: int
) -> tuple[NDArray[np.int64], list[int]]:
    """Return the training tasks in random order, and those to validate on.

    Raises:
        SplitError: there are too few of either.
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


def _batches(tasks: NDArray[np.int64], batch_size: int) -> Iterator[list[int]]:
    for start in range(0, len(tasks), batch_size):
        yield tasks[start : start + batch_size].tolist()


def _progress(run: TrainingRun, tasks: NDArray[np.int64]) -> Progress:
    """Report progress over the training tasks of all epochs."""
    return Progress(
        unit="tasks",
        total=run.settings.epochs * len(tasks) // run.settings.rotation,
        initial=sum(row["tasks"] for row in run.history),
    )
