"""Count the epochs of a training: the best one, when to stop, where to resume."""

import copy
import hashlib
import logging
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import StepLR

from eyewire_validator.config.families import ModelSettings, TrainingSettings
from eyewire_validator.errors import ModelError
from eyewire_validator.learning.tensor_files import load_plain, save_plain
from eyewire_validator.storage.hashes import settings_hash
from eyewire_validator.storage.schemas.index import TASK_INDEX

# Rewritten after each epoch; the caller removes it once the outcome is saved.
RESUME_FILE = "resume.pt"

# Rows of the index that are hashed at a time, so that it is not in memory twice.
ROWS_AT_A_TIME = 1 << 16

log = logging.getLogger(__name__)


@dataclass(kw_only=True)
class Epochs:
    """The state of a training, of whatever model, from epoch to epoch.

    Attributes:
        model: with its present weights.
        optimizer: Adam.
        scheduler: of the learning rate.
        settings: the training section, with the entry's overrides.
        history: a row of `HISTORY` for each finished epoch.
        best_weights: those of the best epoch so far.
    """

    model: nn.Module
    optimizer: torch.optim.Adam
    scheduler: StepLR
    settings: TrainingSettings
    history: list[dict[str, Any]] = field(default_factory=list)
    best_weights: dict[str, Tensor] = field(default_factory=dict)

    def is_finished(self) -> bool:
        """Return whether all epochs are over, or none got better for too long."""
        epochs = len(self.history)
        return (
            epochs >= self.settings.epochs
            or epochs - self._best_epoch() >= self.settings.patience
        )

    def _best_epoch(self) -> int:
        """Return the first of the best epochs, from 1 on; 0 before the first.

        Without validation, the last is.
        """
        losses = [row["validation_loss"] for row in self.history]
        if None in losses:
            return len(losses)
        return losses.index(min(losses)) + 1 if losses else 0

    def add_epoch(
        self,
        tasks: int,
        train_loss: float,
        validation_loss: float | None,
        validation_iou: float | None,
    ) -> None:
        """Add the epoch to the history, and keep its weights if they are the best.

        Args:
            tasks: number of tasks that were trained on.
            train_loss: mean over them.
            validation_loss: mean over the validation tasks; none without any.
            validation_iou: pooled over their voxels beyond the seeds, if there are any.
        """
        self.history.append(
            {
                "epoch": len(self.history) + 1,
                "learning_rate": float(self.scheduler.get_last_lr()[0]),
                "tasks": tasks,
                "train_loss": train_loss,
                "validation_loss": validation_loss,
                "validation_iou": validation_iou,
            }
        )
        if self._best_epoch() == len(self.history):
            self.best_weights = copy.deepcopy(self.weights())
        self.scheduler.step()
        log.info("%s", "  ".join(f"{k} {v}" for k, v in self.history[-1].items()))

    def weights(self) -> dict[str, Tensor]:
        """Return the weights that are judged, and kept if they are the best."""
        return self.model.state_dict()

    def state(self) -> dict[str, Any]:
        """Return the state as plain types and tensors."""
        return {
            "weights": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "scheduler": self.scheduler.state_dict(),
            "best_weights": self.best_weights,
            "history": self.history,
        }

    def load_state(self, state: dict[str, Any]) -> None:
        """Restore what `state` returned."""
        self.model.load_state_dict(state["weights"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.scheduler.load_state_dict(state["scheduler"])
        self.best_weights = state["best_weights"]
        self.history = state["history"]

    def save(self, file: Path, fingerprint: str) -> None:
        """Write the state with the training's fingerprint."""
        save_plain(file, {"fingerprint": fingerprint, **self.state()})

    def resume(self, file: Path, fingerprint: str) -> None:
        """Restore the state in ``file`` if it has this training's fingerprint."""
        if not file.exists():
            return
        try:
            content = load_plain(file)
        except ModelError as error:
            log.warning("%s; training starts from scratch", error)
            return
        if content.get("fingerprint") != fingerprint:
            log.warning(
                "%s: of other settings or data; training starts from scratch", file
            )
            return
        self.load_state(content)
        log.warning("%s: training goes on after epoch %s", file, len(self.history))


def fingerprint(
    index: pd.DataFrame,
    model_settings: ModelSettings,
    settings: TrainingSettings,
    random_seed: int,
) -> str:
    """Return a hash of everything that the outcome of a training depends on."""
    content = hashlib.sha256()
    for start in range(0, len(index), ROWS_AT_A_TIME):
        rows = index.iloc[start : start + ROWS_AT_A_TIME]
        content.update(pa.RecordBatch.from_pandas(rows, TASK_INDEX).serialize())
    return settings_hash(
        {
            "index": content.hexdigest(),
            "model": asdict(model_settings),
            "training": asdict(settings),
            "random_seed": random_seed,
        }
    )
