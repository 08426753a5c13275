"""Build the trunk of a residual U-Net.

Residual blocks and skips that are added are those of Lee et al. (2017, "Superhuman
accuracy on the SNEMI3D connectomics challenge"), the order within a block that of He et
al. (2016, "Identity mappings in deep residual networks").
"""

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class ResidualTrunk(nn.Module):
    """A residual block per level on the way down, and another on the way up.

    Args:
        inputs: channels that come in.
        width: channels at full resolution, and of what comes out.
        levels: halvings; edges must divide by 2 to this power.
    """

    def __init__(self, inputs: int, width: int, levels: int) -> None:
        """Start from torch's default initialisation."""
        super().__init__()
        channels = [width << level for level in range(levels + 1)]
        steps = list(pairwise(channels))
        self.enter = Convolution(inputs, width)
        self.encode = nn.ModuleList(ResidualBlock(n) for n in channels)
        self.down = nn.ModuleList(nn.Conv3d(a, b, 2, stride=2) for a, b in steps)
        self.up = nn.ModuleList(nn.ConvTranspose3d(b, a, 2, stride=2) for a, b in steps)
        self.decode = nn.ModuleList(ResidualBlock(n) for n in channels[:-1])
        self.leave = nn.BatchNorm3d(width)

    def forward(self, inputs: Tensor) -> Tensor:
        """Turn (n, inputs, z, y, x) float into features, (n, width, z, y, x)."""
        features: Tensor = self.enter(inputs)
        passed: list[Tensor] = []
        for level, encode in enumerate(self.encode):
            if level:
                features = self.down[level - 1](features)
            features = encode(features)
            passed.append(features)
        for level in reversed(range(len(self.up))):
            features = self.decode[level](passed[level] + self.up[level](features))
        return F.relu(self.leave(features))


class ResidualBlock(nn.Module):
    """Two convolutions, each after a normalisation and a ReLU, and a skip past them.

    Args:
        channels: that come in and go out.
    """

    def __init__(self, channels: int) -> None:
        """Start from torch's default initialisation."""
        super().__init__()
        self.n1 = nn.BatchNorm3d(channels)
        self.c1 = Convolution(channels, channels)
        self.n2 = nn.BatchNorm3d(channels)
        self.c2 = Convolution(channels, channels)

    def forward(self, features: Tensor) -> Tensor:
        """Add what the convolutions find to features, (n, channels, z, y, x) float."""
        inner = self.c1(F.relu(self.n1(features)))
        inner = self.c2(F.relu(self.n2(inner)))
        total: Tensor = features + inner
        return total


class Convolution(nn.Conv3d):
    """A convolution of 3 voxels an edge that keeps the size of its inputs.

    In training on a CPU, zeros are put around the first axis beforehand: oneDNN, unless
    it has AVX-512, takes half the time for the gradient of the weights that way.

    Args:
        inputs: channels that come in.
        outputs: channels that go out.
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        """Start from torch's default initialisation."""
        super().__init__(inputs, outputs, 3, padding=1)

    def forward(self, inputs: Tensor) -> Tensor:
        """Turn (n, inputs, z, y, x) float into (n, outputs, z, y, x)."""
        if inputs.is_cuda or not torch.is_grad_enabled():
            return super().forward(inputs)
        around = F.pad(inputs, (0, 0, 0, 0, 1, 1))
        return F.conv3d(around, self.weight, self.bias, padding=(0, 1, 1))
