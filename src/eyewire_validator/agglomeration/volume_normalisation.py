"""Normalise an affinity U-Net by the volume that it is shown.

Batch normalisation knows means and deviations of the tissue that was learned from. An
animal or a microscope never seen has others; by its own it looks more like what was
learned (Li et al. 2016, "Revisiting batch normalization for practical domain
adaptation"; Schneider et al. 2020, "Improving robustness against common corruptions by
covariate shift adaptation").
"""

import copy

import torch
from torch import Tensor, nn

from eyewire_validator.agglomeration.affinity_unet import (
    AFFINITY_MULTIPLE,
    AffinityUNet,
    predict,
)

# Voxels of a volume that count as much as all that was learned from: with few, their
# means say more about what lies in the volume than about how it looks.
TRUSTED_VOXELS = 64**3
# Edge of the middle of a volume that is looked at, at most.
LOOKED_AT = 128


@torch.inference_mode()
def normalise_by(model: AffinityUNet, image: Tensor) -> AffinityUNet:
    """Copy a network and move what its batch normalisation knows towards a volume.

    Args:
        model: a trained network; stays as it is.
        image: (z, y, x) float32 in standard deviations, on the network's device.

    Returns:
        A network that normalises by the mean of the statistics learned, which count as
        `TRUSTED_VOXELS`, and of the volume's, which count as the voxels looked at.
    """
    adapted = copy.deepcopy(model)
    middle = _middle(image)
    if max(middle.shape) <= AFFINITY_MULTIPLE:
        return adapted  # a single value at the lowest level has no deviation
    share = middle.numel() / (middle.numel() + TRUSTED_VOXELS)
    norms = [part for part in adapted.modules() if isinstance(part, nn.BatchNorm3d)]
    for norm in norms:
        norm.train()
        norm.momentum = share
    predict(adapted, middle[None])
    return adapted.eval()


def _middle(image: Tensor) -> Tensor:
    """Cut out the middle of an image, `LOOKED_AT` voxels an edge where it is larger."""
    for axis, size in enumerate(image.shape):
        edge = min(size, LOOKED_AT)
        image = image.narrow(axis, (size - edge) // 2, edge)
    return image
