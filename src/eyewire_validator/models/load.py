"""Load the model of a checkpoint to answer tasks."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import torch

from eyewire_validator.agglomeration.contact_model import ContactModel
from eyewire_validator.answers import Answerer
from eyewire_validator.config.settings import ModelSettings
from eyewire_validator.models.checkpoint import load_checkpoint
from eyewire_validator.models.choose import answer_in_lineage
from eyewire_validator.volumes.store import VolumeStore
from eyewire_validator.voxel_network.answerer import NetworkAnswerer, samples_of


def load_answerer(
    checkpoint: Path,
    index: pd.DataFrame,
    store: VolumeStore,
    *,
    tasks: Sequence[int],
    loops: Sequence[int],
    device: torch.device,
) -> tuple[Answerer, ModelSettings]:
    """Load the model of a checkpoint, ready to answer tasks.

    Args:
        checkpoint: of a network or an agglomeration.
        index: table in the schema `TASK_INDEX`: the tasks, and all that may be
            ancestors.
        store: the volumes.
        tasks: ids of those that will be answered.
        loops: those whose answers are wanted; what does not loop answers as loop 1.
        device: where a network computes.

    Returns:
        The answerer, and the settings of the checkpoint.

    Raises:
        ModelError: the checkpoint is missing, damaged or of another version.
    """
    model, info = load_checkpoint(checkpoint, device)
    settings = info.model_settings
    if isinstance(model, ContactModel):
        # skimage and numba take a second to import.
        from eyewire_validator.agglomeration.answerer import agglomerate

        answer = agglomerate(model.cpu(), store, settings)
        return answer_in_lineage(answer, index), settings
    samples = samples_of(tasks, index, store, settings, device)
    return NetworkAnswerer(model, samples, settings, loops), settings
