"""Train the affinity U-Net on voxels that the answers to tasks label.

All that an epoch draws comes from a generator of that epoch alone, so that a training
that was interrupted goes on to the same weights.
"""

import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits
from torch.optim.lr_scheduler import StepLR
from torch.optim.swa_utils import AveragedModel

from eyewire_validator.agglomeration.affinity_patches import (
    OTHER,
    UNKNOWN,
    LabelledVolume,
    Patches,
)
from eyewire_validator.agglomeration.affinity_unet import OFFSETS, AffinityUNet
from eyewire_validator.agglomeration.examples import draw_volumes
from eyewire_validator.config.families import (
    AgglomerationSettings,
    AgglomerationTraining,
)
from eyewire_validator.errors import ModelError
from eyewire_validator.jobs.progress import Progress
from eyewire_validator.learning.averaging import average_of
from eyewire_validator.learning.devices import (
    repeatable,
    torch_generator,
    torch_threads,
)
from eyewire_validator.learning.epochs import RESUME_FILE, Epochs, fingerprint
from eyewire_validator.learning.precision import choose_precision, gradient
from eyewire_validator.learning.symmetry import SYMMETRIES, Symmetry, symmetries_of
from eyewire_validator.storage.schemas.training import HISTORY
from eyewire_validator.tasks.lineage import Lineage
from eyewire_validator.volumes.store import VolumeStore

# Patches of each volume an epoch.
PATCHES = 32
# Volumes that validate an epoch, at most.
MAX_VALIDATION_VOLUMES = 32

# Pairs of voxels of two cells are fewer, and count this much more.
APART_WEIGHT = 3.0


def train_affinities(
    index: pd.DataFrame,
    store: VolumeStore,
    model_settings: AgglomerationSettings,
    settings: AgglomerationTraining,
    folder: Path,
    random_seed: int,
    *,
    device: torch.device,
    threads: int,
) -> tuple[AffinityUNet, pd.DataFrame]:
    """Train an affinity U-Net, from scratch or from where it was interrupted.

    Args:
        index: table in the schema `TASK_INDEX`.
        store: the volumes; some are kept in memory, 2 MB each of 64 voxels an edge, and
            those to learn from on the device.
        model_settings: the model's entry.
        settings: epochs, batch_size, patch_size, learning_rate, weight_decay, lr_step,
            lr_gamma, patience and max_volumes.
        folder: where `RESUME_FILE` is kept.
        random_seed: of weights, volumes, patches and noise.
        device: where to compute.
        threads: CPU threads.

    Returns:
        The network with the weights of the epoch of the lowest validation loss, and the
        history in the schema `HISTORY`.

    Raises:
        ModelError: tasks label no two voxels of two cells.
    """
    most = settings.max_volumes
    labelled, tasks = _label_volumes(index, "train", store, most, random_seed)
    most = min(most, MAX_VALIDATION_VOLUMES)
    held_out, _ = _label_volumes(index, "validation", store, most, random_seed)
    return fit_affinities(
        [labelled],
        settings,
        folder / RESUME_FILE,
        fingerprint(index, model_settings, settings, random_seed),
        random_seed,
        patches=PATCHES * len(labelled),
        held_out=held_out,
        symmetries=symmetries_of(store.coarse_voxel_nm),
        tasks=tasks,
        device=device,
        threads=threads,
    )


def fit_affinities(
    labelled: Sequence[Sequence[LabelledVolume]],
    settings: AgglomerationTraining,
    file: Path | None,
    same: str,
    random_seed: int,
    *,
    patches: int,
    held_out: Sequence[LabelledVolume] = (),
    symmetries: Sequence[Symmetry] = SYMMETRIES,
    start: AffinityUNet | None = None,
    doubtful: Tensor | None = None,
    tasks: int = 0,
    device: torch.device,
    threads: int,
) -> tuple[AffinityUNet, pd.DataFrame]:
    """Fit an affinity U-Net to labelled volumes, or go on where that was interrupted.

    A batch is of one tissue, as a volume is to whose statistics `normalise_by` moves
    the network. What counts is the average of the weights over the last steps.

    Args:
        labelled: volumes of each tissue to learn from, each tissue as often as another;
            they are kept on the device.
        settings: see `train_affinities`.
        file: where the state is kept after each epoch, if anywhere.
        same: hash of all that the outcome depends on.
        random_seed: of weights, patches and noise.
        patches: of an epoch.
        held_out: volumes that tell which epoch is the best; without any the last is.
        symmetries: by which patches are turned.
        start: what it goes on from; none: weights that are drawn.
        doubtful: pairs of objects that may be one, see `affinity_loss`.
        tasks: that label the volumes, for the history.
        device: where to compute.
        threads: CPU threads.
    """
    every_volume = list(chain.from_iterable(labelled))
    source = Patches(every_volume, settings.patch_size, device, symmetries)
    run = _start(settings, random_seed, start, device)
    run.doubtful = doubtful if doubtful is None else doubtful.to(device)
    run.choose_precision(source, device)
    if file:
        run.resume(file, same)
    done = len(run.history) * patches
    progress = Progress(unit="patches", total=settings.epochs * patches, initial=done)
    with torch_threads(threads), repeatable(device), progress:
        while not run.is_finished():
            draw = np.random.default_rng([random_seed, len(run.history) + 1])
            noise = torch_generator(draw, device)
            losses = []
            for numbers in _batches(labelled, patches, settings.batch_size, draw):
                batch = torch.from_numpy(numbers).to(device)
                losses.append(_step(run, *source.draw(batch, noise)))
                progress.update(len(batch))
            found = _validate(run, held_out, device)
            run.add_epoch(tasks, float(torch.stack(losses).mean()), found, None)
            if file:
                run.save(file, same)
    run.model.load_state_dict(run.best_weights)
    return run.model.eval(), pd.DataFrame(run.history, columns=HISTORY.names)


def _batches(
    labelled: Sequence[Sequence[LabelledVolume]],
    patches: int,
    size: int,
    draw: np.random.Generator,
) -> Iterator[NDArray[np.int64]]:
    """Yield the numbers of the volumes that the patches of each batch are cut from.

    Volumes are numbered from one tissue to the next.
    """
    counts = [len(volumes) for volumes in labelled]
    firsts = np.cumsum([0, *counts])
    for start in range(0, patches, size):
        tissue = draw.integers(len(labelled))
        of_batch = min(size, patches - start)
        yield firsts[tissue] + draw.integers(counts[tissue], size=of_batch)


@dataclass(kw_only=True)
class _AffinityEpochs(Epochs):
    model: AffinityUNet
    average: AveragedModel
    precision: torch.dtype = torch.float32
    doubtful: Tensor | None = None

    def weights(self) -> dict[str, Tensor]:
        return self.average.module.state_dict()

    def state(self) -> dict[str, Any]:
        return {**super().state(), "average": self.average.state_dict()}

    def load_state(self, state: dict[str, Any]) -> None:
        super().load_state(state)
        self.average.load_state_dict(state["average"])

    def choose_precision(self, patches: Patches, device: torch.device) -> None:
        """Compute in bfloat16 on a GPU, if its gradients of a batch are right."""
        noise = torch.Generator(device).manual_seed(0)
        numbers = torch.zeros(self.settings.batch_size, dtype=torch.int64)
        batch = patches.draw(numbers.to(device), noise)
        self.precision = choose_precision(
            "auto",
            device,
            lambda chosen: gradient(self.model, self.loss(*batch, chosen)),
        )

    def loss(self, image: Tensor, objects: Tensor, precision: torch.dtype) -> Tensor:
        """Return the loss of patches, computed in a precision."""
        lower = precision != torch.float32
        with torch.autocast(image.device.type, torch.bfloat16, enabled=lower):
            logits = self.model.train()(image)
        return affinity_loss(logits.float(), objects, self.doubtful)


def affinity_loss(
    logits: Tensor, objects: Tensor, doubtful: Tensor | None = None
) -> Tensor:
    """Return the mean weighted cross-entropy of all labelled pairs of voxels.

    A pair is labelled if one or both are of a labelled object, as that is whole within
    the volume; but not if one of them may be of any object, or if it is not known
    whether their objects are one.

    Args:
        logits: (n, offsets, z, y, x) of `AffinityUNet`.
        objects: (n, z, y, x) int32, see `LabelledVolume`.
        doubtful: (n,) int64, ascending: `pair_keys` of objects that may be one.

    Returns:
        A scalar in nats; 0 if there is no such pair.
    """
    total, weight = logits.new_zeros(()), logits.new_zeros(())
    for found, offset in zip(logits.contiguous().unbind(1), OFFSETS, strict=True):
        z, y, x = (
            size - by for size, by in zip(objects.shape[1:], offset, strict=True)
        )
        here = objects[:, :z, :y, :x]
        there = objects[:, offset[0] :, offset[1] :, offset[2] :]
        together = (here == there).float()
        is_labelled = ((here > OTHER) | (there > OTHER)) & (
            (here != UNKNOWN) & (there != UNKNOWN)
        )
        if doubtful is not None:
            apart = torch.nonzero(is_labelled & (here != there), as_tuple=True)
            is_labelled[apart] = ~_is_among(here[apart], there[apart], doubtful)
        weights = is_labelled * (APART_WEIGHT + (1 - APART_WEIGHT) * together)
        losses = binary_cross_entropy_with_logits(
            found[:, :z, :y, :x], together, reduction="none"
        )
        total = total + (losses * weights).sum()
        weight = weight + weights.sum()
    return total / weight.clamp(min=1)


def pair_keys(one: Tensor, other: Tensor) -> Tensor:
    """Return a number for each pair of objects, whichever is named first: (n,) int64.

    Args:
        one: (n,) numbers of objects, from 1 on and below 2³¹.
        other: (n,) of what each makes a pair with.
    """
    lower, upper = torch.minimum(one, other), torch.maximum(one, other)
    return (lower.long() << 32) | upper.long()


def _is_among(one: Tensor, other: Tensor, pairs: Tensor) -> Tensor:
    """Return whether each pair of objects is among those of ascending keys."""
    keys = pair_keys(one, other)
    places = torch.searchsorted(pairs, keys).clamp(max=len(pairs) - 1)
    return pairs[places] == keys


def _label_volumes(
    index: pd.DataFrame,
    split: str,
    store: VolumeStore,
    max_volumes: int,
    random_seed: int,
) -> tuple[list[LabelledVolume], int]:
    """Label the volumes of a split, at most so many; return them and count tasks."""
    rows = index.loc[index["split"] == split]
    lineage = Lineage(rows)
    labelled, count, learned_nm = [], 0, store.coarse_voxel_nm
    for volume in draw_volumes(rows, max_volumes, random_seed):
        tasks = [lineage.task(t) for t in rows.loc[rows["volume"] == volume, "task"]]
        answers = [np.concatenate([task.seed, task.aggregate]) for task in tasks]
        labelled.append(LabelledVolume.of(store.read(volume), answers, learned_nm))
        count += len(tasks)
    if not any((one.objects != one.objects.max()).any() for one in labelled):
        raise ModelError(
            f"agglomeration: no two voxels are of two cells in {count} {split} tasks; "
            "choose a split with more tasks"
        )
    return labelled, count


def _start(
    settings: AgglomerationTraining,
    random_seed: int,
    start: AffinityUNet | None,
    device: torch.device,
) -> _AffinityEpochs:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(random_seed)
        model = (copy.deepcopy(start) or AffinityUNet()).to(device)
    optimizer = torch.optim.Adam(
        model.parameters(), settings.learning_rate, weight_decay=settings.weight_decay
    )
    scheduler = StepLR(optimizer, settings.lr_step, settings.lr_gamma)
    return _AffinityEpochs(
        model=model,
        average=average_of(model),
        optimizer=optimizer,
        scheduler=scheduler,
        settings=settings,
    )


def _step(run: _AffinityEpochs, image: Tensor, objects: Tensor) -> Tensor:
    """Take one step of the optimizer; return the loss."""
    loss = run.loss(image, objects, run.precision)
    run.optimizer.zero_grad()
    torch.autograd.backward(loss)
    run.optimizer.step()
    run.average.update_parameters(run.model)
    return loss.detach()


def _validate(
    run: _AffinityEpochs, volumes: Sequence[LabelledVolume], device: torch.device
) -> float | None:
    """Return the mean loss of whole volumes, without augmentation; none of none."""
    if not volumes:
        return None
    model = run.average.module.eval()
    with torch.inference_mode():
        losses = [
            affinity_loss(
                model(one.image[None, None].to(device)), one.objects[None].to(device)
            )
            for one in volumes
        ]
    return float(torch.stack(losses).mean())
