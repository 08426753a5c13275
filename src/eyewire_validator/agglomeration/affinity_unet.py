"""A U-Net that predicts affinities: which neighbouring voxels are of one cell.

Affinities to next and to farther neighbours (Lee et al. 2017, "Superhuman accuracy on
the SNEMI3D connectomics challenge"): the farther ones teach what a membrane is, and
tell two segments apart also where their border lies beside it.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from eyewire_validator.learning.residual_trunk import ResidualTrunk

# How far the neighbours of a voxel are, along (z, y, x). The first three are the next.
DISTANCES = (1, 4, 8)
OFFSETS = tuple(
    (distance * (axis == 0), distance * (axis == 1), distance * (axis == 2))
    for distance in DISTANCES
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


def predict(model: AffinityUNet, images: Tensor) -> Tensor:
    """Predict affinities of images whose edges need not divide.

    Args:
        model: the network.
        images: (n, z, y, x); where an edge does not divide, the last voxels are
            repeated beyond it.

    Returns:
        (n, 9, z, y, x) logits, see `AffinityUNet.forward`.
    """
    _, z, y, x = images.shape
    beyond = [-size % AFFINITY_MULTIPLE for size in (x, y, z)]
    sizes = [size for beyond_one in beyond for size in (0, beyond_one)]
    padded = F.pad(images[:, None], sizes, mode="replicate")
    logits: Tensor = model(padded)
    return logits[..., :z, :y, :x]
