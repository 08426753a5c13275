"""Take the U-Net of affinities out of a checkpoint."""

from pathlib import Path

import torch

from eyewire_validator.agglomeration.affinity_unet import AffinityUNet
from eyewire_validator.agglomeration.contact_model import ContactModel
from eyewire_validator.errors import ModelError
from eyewire_validator.models.checkpoint import load_checkpoint


def load_affinity_unet(path: Path, device: torch.device) -> AffinityUNet:
    """Load the U-Net of an agglomeration.

    Args:
        path: the checkpoint.
        device: where it is put.

    Raises:
        ModelError: the file cannot be used, or its model has no such U-Net.
    """
    model, info = load_checkpoint(path, device)
    if not isinstance(model, ContactModel) or not model.network:
        raise ModelError(
            f"{path}: {info.model_settings.title} has no U-Net of affinities, so it "
            "makes no supervoxels; name a model of kind agglomeration with evidence "
            "both or affinities"
        )
    return model.network
