"""A training of a network under way: its state and its steps."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor
from torch.optim.lr_scheduler import StepLR

from eyewire_validator.config.settings import ModelSettings, TrainingSettings
from eyewire_validator.evaluation.voxel_counts import measure
from eyewire_validator.learning.epochs import Epochs
from eyewire_validator.voxel_network.answerer import NetworkAnswerer
from eyewire_validator.voxel_network.augmentation import augment, drop_context
from eyewire_validator.voxel_network.distributed import WHOLE, Compute, Share
from eyewire_validator.voxel_network.loss import balancing_weights
from eyewire_validator.voxel_network.network import Network
from eyewire_validator.voxel_network.residual_unet import make_network
from eyewire_validator.voxel_network.samples import SampleLoader, inputs_and_truth
from eyewire_validator.voxel_network.sampling import newer_losses

# Probability above which a voxel is answered in validation.
THRESHOLD = 0.5

# Cosine between the gradients of bfloat16 and float32 below which they are not one.
# ASSUME: far below what is right. 1.0000 was measured on a CPU that has bfloat16, with
# weights not yet trained; on a GPU nothing was.
LEAST_LIKENESS = 0.98

log = logging.getLogger(__name__)


@dataclass(kw_only=True)
class TrainingRun(Epochs):
    """A training under way: everything that changes in it.

    Attributes:
        model: with the weights of now.
        model_settings: the model's entry.
        task_losses: of each task, as `sampling` keeps them; only where it needs them.
        precision: that convolutions compute in.
        share: what this process does of each batch, and of validation.
    """

    model: Network
    model_settings: ModelSettings
    task_losses: dict[int, float] = field(default_factory=dict)
    precision: torch.dtype = torch.float32
    share: Share = WHOLE
    _compute: Compute | None = None

    @classmethod
    def start(
        cls,
        model_settings: ModelSettings,
        settings: TrainingSettings,
        random_seed: int,
        device: torch.device,
    ) -> "TrainingRun":
        """Begin with random weights, which ``random_seed`` decides."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(random_seed)
            model = make_network(model_settings)
        optimizer = torch.optim.Adam(
            model.to(device).parameters(),
            lr=settings.learning_rate,
            weight_decay=settings.weight_decay,
        )
        scheduler = StepLR(optimizer, settings.lr_step, settings.lr_gamma)
        return cls(
            model=model,
            optimizer=optimizer,
            scheduler=scheduler,
            model_settings=model_settings,
            settings=settings,
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
        found = f"its gradient and that of float32 have a cosine of {likeness:.4f}"
        if likeness > LEAST_LIKENESS:
            log.info("bfloat16 is used: %s", found)
        else:
            self.precision = torch.float32
            log.warning(
                "bfloat16 is not used: %s, expected above %s", found, LEAST_LIKENESS
            )

    def _gradient(self, samples: Tensor, device: torch.device) -> Tensor:
        noise = torch.Generator(device).manual_seed(0)
        torch.autograd.backward(self._losses(samples, noise).mean())
        found = [parameter.grad for parameter in self.model.parameters()]
        self.optimizer.zero_grad()
        return torch.cat([grad.flatten() for grad in found if grad is not None])

    def share_with_others(self, share: Share) -> None:
        """Do only a share of the work from now on, as all processes begin to do."""
        self.share = share
        self._compute = share.averaging(self.model, self._losses)

    def step(self, samples: Tensor, noise: torch.Generator) -> Tensor:
        """Take one step of the optimizer, with the others if work is shared.

        Args:
            samples: of the whole batch.
            noise: draws for the whole batch, so that it does the same everywhere.

        Returns:
            The loss in the last loop of each task of this process's share.
        """
        whole = len(samples)
        samples = samples.to(noise.device)
        if self.settings.augmentation:
            samples = augment(samples, noise)
        if rate := self.settings.context_dropout:
            channels = self.model_settings.context_channels
            samples = drop_context(samples, channels, rate, noise)
        losses = (self._compute or self._losses)(samples, noise)
        minimised = losses if self.settings.loss_on == "every_loop" else losses[-1:]
        self.optimizer.zero_grad()
        # The mean over the processes of these is the mean over the batch.
        expected = len(minimised) * whole / self.share.count
        torch.autograd.backward(minimised.sum() / expected)
        self.optimizer.step()
        return losses[-1].detach()

    def _losses(self, samples: Tensor, noise: torch.Generator) -> Tensor:
        """Return the loss in each loop of each task of the share, (loops, n)."""
        model, device = self.model, noise.device
        own = self.share.of_batch(samples).to(device)
        inputs, truth = inputs_and_truth(own, self.model_settings.image)
        balance = self.settings.balance
        weights = balancing_weights(inputs.seed, truth) if balance else None
        loops = self._draw_loops(noise)
        drop = model.draw_dropout(len(samples), noise) if model.dropout else None
        if drop is not None:
            drop = self.share.of_batch(drop)
        lower = self.precision != torch.float32
        with torch.autocast(device.type, torch.bfloat16, enabled=lower):
            return torch.stack(
                [
                    model.uncertainty.training_loss(
                        logits, sigma, truth, noise, weights
                    )
                    for logits, sigma in model.each_loop(*inputs, loops, drop)
                ]
            )

    def _draw_loops(self, noise: torch.Generator) -> int:
        """Return the loops of a step; see `settings.TRAINING_LOOPS`."""
        loops = self.model.loops
        if self.settings.loops == "fixed":
            return loops
        return int(
            torch.randint(1, 2 * loops, (), generator=noise, device=noise.device)
        )

    def validate(self, tasks: Sequence[int], loader: SampleLoader) -> pd.DataFrame:
        """Measure the answers of the network, whole and as it is, on hard labels."""
        loops, batch_size = self.model.loops, self.settings.batch_size
        settings = replace(self.model_settings, dropout_samples=1, test_symmetries=1)
        answerer = NetworkAnswerer([self.model], loader, settings, [loops])
        own = self.share.of_tasks(tasks, batch_size)
        rows = measure(
            own, loader.lineage, loader.store, answerer, loops, THRESHOLD, batch_size
        )
        return pd.DataFrame(self.share.gather(list(rows)))

    def end_epoch(
        self, trained: list[tuple[int, float]], validation: pd.DataFrame
    ) -> None:
        """Add a row to the history, and keep the weights if they are the best so far.

        Args:
            trained: each task that this process trained on, and its loss.
            validation: what `validate` found.
        """
        tasks, losses = zip(*self.share.gather(trained), strict=True)
        if self.settings.sampling == "hard":
            self.task_losses = newer_losses(self.task_losses, tasks, losses)
        found = int(validation["intersection_seedless"].sum())
        union = int(validation["union_seedless"].sum())
        self.add_epoch(
            tasks=len(losses),
            train_loss=float(np.mean(losses)),
            validation_loss=float(validation["loss"].mean()),
            validation_iou=found / union if union else None,
        )

    def save(self, file: Path, fingerprint: str) -> None:
        """Write what `resume` needs; one process writes it for all."""
        if not self.share.rank:
            super().save(file, fingerprint)

    def state(self) -> dict[str, Any]:
        """Return all that changes, as plain types and tensors."""
        return {**super().state(), "task_losses": self.task_losses}

    def take_up(self, state: dict[str, Any]) -> None:
        """Go on from what `state` returned."""
        super().take_up(state)
        self.task_losses = state["task_losses"]
