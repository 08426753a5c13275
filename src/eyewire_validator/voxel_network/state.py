"""Keep the state of a training, take its steps and validate its epochs."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import torch
from torch import Tensor
from torch.optim.lr_scheduler import StepLR

from eyewire_validator.config.families import NetworkSettings, NetworkTraining
from eyewire_validator.evaluation.voxel_counts import measure
from eyewire_validator.learning.epochs import Epochs
from eyewire_validator.learning.precision import choose_precision, gradient
from eyewire_validator.voxel_network.answerer import NetworkAnswerer
from eyewire_validator.voxel_network.lwunet import LWUNet
from eyewire_validator.voxel_network.network import Network
from eyewire_validator.voxel_network.samples import SampleLoader, inputs_and_truth

# Probability above which a voxel is answered in validation.
THRESHOLD = 0.5


@dataclass(kw_only=True)
class TrainingRun(Epochs):
    """The state of a training of the voxel network, and its steps.

    Attributes:
        model: with its present weights.
        model_settings: the model's entry.
        precision: that convolutions compute in.
    """

    model: Network
    settings: NetworkTraining
    model_settings: NetworkSettings
    precision: torch.dtype = torch.float32

    @classmethod
    def start(
        cls,
        model_settings: NetworkSettings,
        settings: NetworkTraining,
        random_seed: int,
        device: torch.device,
    ) -> "TrainingRun":
        """Start from random weights, drawn with ``random_seed``."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(random_seed)
            model = LWUNet.from_settings(model_settings)
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
        """Choose the precision by the settings and some samples, before the first step.

        See `choose_precision`.
        """
        self.precision = choose_precision(
            self.settings.precision,
            next(self.model.parameters()).device,
            lambda precision: self._gradient(samples, precision),
        )

    def _gradient(self, samples: Tensor, precision: torch.dtype) -> Tensor:
        """Return the gradient of the mean loss, (parameters,), the same every time."""
        self.precision = precision
        device = next(self.model.parameters()).device
        noise = torch.Generator(device).manual_seed(0)
        return gradient(self.model, self._losses(samples, noise).mean())

    def step(self, samples: Tensor, noise: torch.Generator) -> Tensor:
        """Take one step of the optimizer.

        Args:
            samples: (n, channels, z, y, x) uint8 of the batch.
            noise: draws the dropout and the random logits, on the model's device.

        Returns:
            (n,) the loss of each task in the last loop.
        """
        losses = self._losses(samples, noise)
        minimised = losses if self.settings.loss_on == "every_loop" else losses[-1:]
        self.optimizer.zero_grad()
        torch.autograd.backward(minimised.mean())
        self.optimizer.step()
        return losses[-1].detach()

    def _losses(self, samples: Tensor, noise: torch.Generator) -> Tensor:
        """Return the loss of each task in each loop, (loops, n)."""
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
        """Measure the answers of the network, without dropout, on hard labels.

        Args:
            tasks: ids of validation tasks.
            loader: makes their samples.

        Returns:
            One row per task, with columns of `TASK_METRICS`.
        """
        loops, batch_size = self.model.loops, self.settings.batch_size
        settings = replace(self.model_settings, dropout_samples=1)
        answerer = NetworkAnswerer(self.model, loader, settings, [loops])
        rows = measure(
            tasks, loader.lineage, loader.store, answerer, loops, THRESHOLD, batch_size
        )
        return pd.DataFrame(rows)

    def end_epoch(self, losses: Sequence[float], validation: pd.DataFrame) -> None:
        """Add the epoch to the history, and keep its weights if they are the best.

        Args:
            losses: of each task that was trained on.
            validation: what `validate` returned.
        """
        intersection = int(validation["intersection_seedless"].sum())
        union = int(validation["union_seedless"].sum())
        self.add_epoch(
            tasks=len(losses),
            train_loss=float(np.mean(losses)),
            validation_loss=float(validation["loss"].mean()),
            validation_iou=intersection / union if union else None,
        )
