"""Build the light-weight U-Net of the published validator.

The parameter names are the published ones (BLimmie/eyewire_validator, 2019), so that
the published weights load as they are.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from eyewire_validator.config.families import SIZE_MULTIPLE, NetworkSettings
from eyewire_validator.voxel_network.network import OTHER_INPUTS, Network

# Channels of the two convolutions of the encoder.
ENCODER_CHANNELS = (16, 32)


class LWUNet(Network):
    """Two convolutions, each before a halving, and two that go back up.

    Args: as for `Network`.
    """

    def __init__(
        self,
        context_channels: int = 2,
        loops: int = 4,
        uncertainty: str = "scaled_logit",
        dropout: float = 0.0,
    ) -> None:
        """Start from torch's default initialisation, by torch's global generator.

        Only sigma starts close to 1 where its method asks for that.
        """
        full, half = ENCODER_CHANNELS
        super().__init__(
            context_channels, loops, uncertainty, dropout, (full, half), SIZE_MULTIPLE
        )
        self.c1 = nn.Conv3d(OTHER_INPUTS + context_channels, full, 3, padding=1)
        self.c2 = nn.Conv3d(full, half, 3, padding=1)
        self.rc1 = nn.ConvTranspose3d(32, 32, 4, stride=2, padding=1)
        self.rc2 = nn.ConvTranspose3d(64, 16, 4, stride=2, padding=1)
        self._add_heads(32)

    @classmethod
    def from_settings(cls, settings: NetworkSettings) -> "LWUNet":
        """Return the network of a model's entry, not yet trained."""
        return cls(
            settings.context_channels,
            settings.loops,
            settings.uncertainty,
            settings.dropout,
        )

    def _features(
        self, inputs: Tensor, kept: Sequence[Tensor] | None
    ) -> tuple[Tensor, ...]:
        """Pass through the network once; every skip holds values after the ReLU."""
        full = F.relu(self.c1(inputs))
        if kept:
            full = full * kept[0]
        half = F.relu(self.c2(F.max_pool3d(full, 2)))
        if kept:
            half = half * kept[1]
        up_half = F.relu(self.rc1(F.max_pool3d(half, 2)))
        up_full = F.relu(self.rc2(torch.cat([half, up_half], 1)))
        return full, up_full
