"""A U-Net that predicts affinities: which neighbouring voxels are of one cell.

Affinities to next and to farther neighbours, the farther ones only in training, where
they teach what a membrane is (Lee et al. 2017, "Superhuman accuracy on the SNEMI3D
connectomics challenge").
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from eyewire_validator.learning.residual_trunk import ResidualTrunk

# How far the neighbours of a voxel are, along (z, y, x). The first three are the next.
OFFSETS = tuple(
    (distance * (axis == 0), distance * (axis == 1), distance * (axis == 2))
    for distance in (1, 4, 8)
    for axis in range(3)
)
WIDTH = 12
LEVELS = 2
# Edges of an image must divide by this.
AFFINITY_MULTIPLE = 2**LEVELS


class AffinityUNet(nn.Module):
    """A residual U-Net from an image to affinities.

    It normalises by the batches of the training, not by each volume, whose grey values
    depend on what happens to lie in it: a large neurite is light throughout.
    """

    def __init__(self) -> None:
        """Draw the weights from torch's generator."""
        super().__init__()
        self.trunk = ResidualTrunk(1, WIDTH, LEVELS)
        self.affinities = nn.Conv3d(WIDTH, len(OFFSETS), 1)
        # Half the time on a CPU, whatever layout the inputs have.
        self.to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload]

    def forward(self, image: Tensor) -> Tensor:
        """Predict affinities of each voxel to its neighbours.

        Args:
            image: (n, 1, z, y, x) float32 in standard deviations from the mean of its
                volume; edges that divide by 4.

        Returns:
            (n, 9, z, y, x) float32 logits of each voxel and the one that lies further
            along by the offset, in the order of `OFFSETS`.
        """
        features = self.trunk(image).movedim(1, -1)
        # A convolution of one voxel is a product of matrices, and as such faster.
        weight = self.affinities.weight.flatten(1)
        return F.linear(features, weight, self.affinities.bias).movedim(-1, 1)
