"""Who answers with checkpoints: a network, several together, or a classifier."""

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
from eyewire_validator.voxel_network.network import Network


def load_answerer(
    checkpoints: Sequence[Path],
    index: pd.DataFrame,
    store: VolumeStore,
    *,
    tasks: Sequence[int],
    loops: Sequence[int],
    device: torch.device,
) -> tuple[Answerer, ModelSettings]:
    """Load what answers tasks.

    Args:
        checkpoints: of one model; several networks answer together.
        index: table in the schema `TASK_INDEX`: the tasks, and all that may be
            ancestors.
        store: the volumes.
        tasks: ids of those that will be answered.
        loops: those whose answers are wanted; who does not loop answers as loop 1.
        device: where a network computes.

    Returns:
        Who answers, and the settings of the first checkpoint.

    Raises:
        ModelError: a checkpoint is missing, damaged or of another version.
    """
    loaded = [load_checkpoint(path, device) for path in checkpoints]
    first, settings = loaded[0][0], loaded[0][1].model_settings
    if isinstance(first, ContactModel):
        # skimage and numba take a second to import.
        from eyewire_validator.agglomeration.answerer import agglomerate

        answer = agglomerate(first.cpu(), store, settings)
        return answer_in_lineage(answer, index), settings
    networks = [model for model, _ in loaded if isinstance(model, Network)]
    samples = samples_of(tasks, index, store, settings, device)
    return NetworkAnswerer(networks, samples, settings, loops), settings
