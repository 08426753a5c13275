"""Make supervoxels by the U-Net of affinities of a checkpoint."""

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from eyewire_validator.agglomeration.contact_model import ContactModel
from eyewire_validator.agglomeration.oversegmentation import oversegment
from eyewire_validator.errors import ModelError
from eyewire_validator.models.checkpoint import load_checkpoint
from eyewire_validator.volumes.voxel_size import VoxelSize


def make_supervoxels(
    checkpoint: Path,
    device: torch.device,
    image: NDArray[np.uint8],
    voxel_nm: VoxelSize | None,
) -> NDArray[np.uint32]:
    """Cut an image into supervoxels by the affinities of an agglomeration.

    Args:
        checkpoint: of the agglomeration.
        device: where its U-Net computes.
        image: (z, y, x) grey values.
        voxel_nm: edges of a voxel (z, y, x) in nm; none if unknown.

    Returns:
        See `oversegment`.

    Raises:
        ModelError: the file cannot be used, its model has no such U-Net, or the image
            is too large.
    """
    model, info = load_checkpoint(checkpoint, device)
    if not isinstance(model, ContactModel) or not model.network:
        raise ModelError(
            f"{checkpoint}: {info.model_settings.title} has no U-Net of affinities, so "
            "it makes no supervoxels; name a model of kind agglomeration with evidence "
            "both or affinities"
        )
    return oversegment(model.network, image, voxel_nm, model.learned_nm)
