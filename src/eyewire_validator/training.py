"""Train a network on the tasks of an index.

All that an epoch draws (tasks, patches, symmetries, noise) comes from generators of
that epoch alone. So an interrupted training goes on as if nothing had happened: on a
CPU, with the same number of threads, to the same bits.
"""

import copy
import hashlib
import logging
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.optim.lr_scheduler import StepLR
from tqdm import tqdm

from eyewire_validator.answerers.network import NetworkAnswerer
from eyewire_validator.devices import repeatable, torch_threads
from eyewire_validator.errors import ModelError, SplitError
from eyewire_validator.models.checkpoint import load_plain, save_plain
from eyewire_validator.models.lwunet import LWUNet
from eyewire_validator.models.settings import ModelSettings, TrainingSettings
from eyewire_validator.provenance import settings_hash
from eyewire_validator.resident import ResidentSamples, fits
from eyewire_validator.samples import SampleLoader, crop_around_seed, inputs_and_truth
from eyewire_validator.symmetry import SYMMETRIES, apply
from eyewire_validator.tables import HISTORY, TASK_INDEX
from eyewire_validator.volume_store import VolumeStore
from eyewire_validator.voxels import measure

# Rewritten after each epoch; the caller removes it once the outcome is saved.
RESUME_FILE = "resume.pt"

# Probability above which a voxel is answered in validation.
THRESHOLD = 0.5

# Cosine between the gradients of bfloat16 and float32 below which they are not one.
# ASSUME: not measured yet, on any device.
LEAST_LIKENESS = 0.98

log = logging.getLogger(__name__)


class Trained(NamedTuple):
    """The outcome of a training.

    Attributes:
        model: with the weights of the epoch of the lowest validation loss.
        history: table in the schema `tables.HISTORY`.
    """

    model: LWUNet
    history: pd.DataFrame


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
) -> Trained:
    """Train from scratch, or go on where an interrupted training was.

    Args:
        index: table in the schema `tables.TASK_INDEX`.
        store: the volumes.
        model_settings: the model's entry.
        settings: the training section, with the entry's overrides.
        folder: where `RESUME_FILE` is kept; one of other settings or another index is
            not used, and a warning says so.
        replicate: added to ``random_seed``.
        device: where to compute.
        threads: CPU threads.

    Raises:
        SplitError: there are no tasks to train on, or none to validate on.
        ModelError: the network's answers are no longer finite.
    """
    random_seed = settings.random_seed + replicate
    tasks, validation = choose_tasks(index, settings, random_seed)
    loader = SampleLoader(index, store, model_settings)
    draw = _patches_of(tasks, index, loader, model_settings, settings, device)
    run = _Run.start(model_settings, settings, random_seed, device)
    run.check_precision(loader.stack(validation[: settings.batch_size]))
    file = folder / RESUME_FILE
    fingerprint = _fingerprint(index, model_settings, settings, random_seed)
    run.resume(file, fingerprint)
    with torch_threads(threads), repeatable(device), _progress(run, tasks) as progress:
        while not run.is_finished():
            epoch = len(run.history) + 1
            generator = np.random.default_rng([random_seed, epoch])
            noise = _torch_generator(generator, device)
            drawn = tasks[epoch % settings.rotation :: settings.rotation]
            losses: list[Tensor] = []
            for batch in _batches(generator.permutation(drawn), settings.batch_size):
                losses.append(run.step(draw(batch, generator, noise), noise))
                progress.update(len(batch))
            run.end_epoch(torch.cat(losses).tolist(), run.validate(validation, loader))
            run.save(file, fingerprint)
            log.info("%s", "  ".join(f"{k} {v}" for k, v in run.history[-1].items()))
    run.model.load_state_dict(run.best_weights)
    return Trained(run.model, pd.DataFrame(run.history, columns=HISTORY.names))


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


def _patches_of(
    tasks: NDArray[np.int64],
    index: pd.DataFrame,
    loader: SampleLoader,
    model_settings: ModelSettings,
    settings: TrainingSettings,
    device: torch.device,
) -> DrawPatches:
    """Make patches on the device if its memory holds all volumes."""
    volumes = index["volume"].nunique()
    if not fits(loader.store, volumes, device):
        return lambda batch, generator, noise: draw_patches(
            batch, loader, settings, generator
        )
    samples = ResidentSamples(
        index, loader.store, model_settings, tasks.tolist(), device, settings.labels
    )
    return lambda batch, generator, noise: samples.draw(batch, settings, noise)


@dataclass
class _Run:
    """A training under way: everything that changes in it."""

    model: LWUNet
    optimizer: torch.optim.Adam
    scheduler: StepLR
    model_settings: ModelSettings
    settings: TrainingSettings
    history: list[dict[str, Any]] = field(default_factory=list)
    best_weights: dict[str, Tensor] = field(default_factory=dict)
    precision: torch.dtype = torch.float32

    @classmethod
    def start(
        cls,
        model_settings: ModelSettings,
        settings: TrainingSettings,
        random_seed: int,
        device: torch.device,
    ) -> "_Run":
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(random_seed)
            model = LWUNet.from_settings(model_settings)
        optimizer = torch.optim.Adam(
            model.to(device).parameters(),
            lr=settings.learning_rate,
            weight_decay=settings.weight_decay,
        )
        scheduler = StepLR(optimizer, settings.lr_step, settings.lr_gamma)
        return cls(model, optimizer, scheduler, model_settings, settings)

    def is_finished(self) -> bool:
        losses = [row["validation_loss"] for row in self.history]
        best = losses.index(min(losses)) + 1 if losses else 0
        return (
            len(losses) >= self.settings.epochs
            or len(losses) - best >= self.settings.patience
        )

    def check_precision(self, samples: Tensor) -> None:
        """Compute in bfloat16 if settings and device say so, and it can be trusted.

        Once, on some samples and before the first step. There were versions of cuDNN
        whose convolutions were wrong in it without a word (pytorch issue 163539).
        """
        device = next(self.model.parameters()).device
        wanted = self.settings.precision
        if wanted == "float32" or (wanted == "auto" and device.type == "cpu"):
            return
        exact = self._gradient(samples, device)
        self.precision = torch.bfloat16
        likeness = float(
            torch.cosine_similarity(exact, self._gradient(samples, device), 0)
        )
        if not likeness > LEAST_LIKENESS:
            self.precision = torch.float32
            log.warning(
                "bfloat16 is not used: its gradient and that of float32 have a cosine "
                "of %.3f, expected above %s",
                *(likeness, LEAST_LIKENESS),
            )

    def _gradient(self, samples: Tensor, device: torch.device) -> Tensor:
        noise = torch.Generator(device).manual_seed(0)
        torch.autograd.backward(self._losses(samples, noise).mean())
        found = [parameter.grad for parameter in self.model.parameters()]
        self.optimizer.zero_grad()
        return torch.cat([grad.flatten() for grad in found if grad is not None])

    def step(self, samples: Tensor, noise: torch.Generator) -> Tensor:
        """Take one step of the optimizer; return each task's loss in the last loop."""
        losses = self._losses(samples, noise)
        every_loop = self.settings.loss_on == "every_loop"
        self.optimizer.zero_grad()
        torch.autograd.backward((losses if every_loop else losses[-1]).mean())
        self.optimizer.step()
        return losses[-1].detach()

    def _losses(self, samples: Tensor, noise: torch.Generator) -> Tensor:
        """Return each task's loss in each loop, (loops, n)."""
        model, device = self.model, noise.device
        inputs, truth = inputs_and_truth(samples.to(device), self.model_settings.image)
        drop = model.draw_dropout(len(samples), noise) if model.dropout else None
        lower = self.precision != torch.float32
        with torch.autocast(device.type, torch.bfloat16, enabled=lower):
            return torch.stack(
                [
                    model.uncertainty.training_loss(logits, sigma, truth, noise)
                    for logits, sigma in model.each_loop(*inputs, dropout=drop)
                ]
            )

    def validate(self, tasks: Sequence[int], loader: SampleLoader) -> pd.DataFrame:
        """Measure the whole network's answers, without dropout, on hard labels."""
        loops, batch_size = self.model.loops, self.settings.batch_size
        settings = replace(self.model_settings, dropout_samples=1)
        answerer = NetworkAnswerer([self.model], loader, settings, [loops])
        rows = measure(
            tasks, loader.lineage, loader.store, answerer, loops, THRESHOLD, batch_size
        )
        return pd.DataFrame(rows)

    def end_epoch(self, losses: list[float], validation: pd.DataFrame) -> None:
        validation_loss = float(validation["loss"].mean())
        if all(validation_loss < row["validation_loss"] for row in self.history):
            self.best_weights = copy.deepcopy(self.model.state_dict())
        found = int(validation["intersection_seedless"].sum())
        union = int(validation["union_seedless"].sum())
        self.history.append(
            {
                "epoch": len(self.history) + 1,
                "learning_rate": float(self.scheduler.get_last_lr()[0]),
                "tasks": len(losses),
                "train_loss": float(np.mean(losses)),
                "validation_loss": validation_loss,
                "validation_iou": found / union if union else None,
            }
        )
        self.scheduler.step()

    def save(self, file: Path, fingerprint: str) -> None:
        content = {
            "fingerprint": fingerprint,
            "weights": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "scheduler": self.scheduler.state_dict(),
            "best_weights": self.best_weights,
            "history": self.history,
        }
        save_plain(file, content)

    def resume(self, file: Path, fingerprint: str) -> None:
        """Take over the state in ``file`` if it is of this very training."""
        if not file.exists():
            return
        try:
            content = load_plain(file)
        except ModelError as error:
            log.warning("%s; training starts anew", error)
            return
        if content.get("fingerprint") != fingerprint:
            log.warning("%s: of other settings or data; training starts anew", file)
            return
        self.model.load_state_dict(content["weights"])
        self.optimizer.load_state_dict(content["optimizer"])
        self.scheduler.load_state_dict(content["scheduler"])
        self.best_weights = content["best_weights"]
        self.history = content["history"]
        log.warning("%s: training goes on after epoch %s", file, len(self.history))


def _fingerprint(
    index: pd.DataFrame,
    model_settings: ModelSettings,
    settings: TrainingSettings,
    random_seed: int,
) -> str:
    """Return a hash that changes with anything that the outcome depends on."""
    table = pa.Table.from_pandas(index[TASK_INDEX.names], TASK_INDEX)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table)
    return settings_hash(
        {
            "index": hashlib.sha256(sink.getvalue()).hexdigest(),
            "model": asdict(model_settings),
            "training": asdict(settings),
            "random_seed": random_seed,
        }
    )


def _torch_generator(
    generator: np.random.Generator, device: torch.device
) -> torch.Generator:
    """Make torch's own of a generator, which goes on as if nothing had been drawn."""
    (child,) = generator.spawn(1)
    return torch.Generator(device).manual_seed(int(child.integers(2**63)))


def _batches(tasks: NDArray[np.int64], batch_size: int) -> Iterator[list[int]]:
    for start in range(0, len(tasks), batch_size):
        yield tasks[start : start + batch_size].tolist()


def _progress(run: _Run, tasks: NDArray[np.int64]) -> "tqdm[Any]":
    """Make a bar over the tasks of all epochs, validation not counted."""
    return tqdm(
        total=run.settings.epochs * len(tasks) // run.settings.rotation,
        initial=sum(row["tasks"] for row in run.history),
        unit="task",
        disable=None,
        file=sys.__stderr__,
    )
