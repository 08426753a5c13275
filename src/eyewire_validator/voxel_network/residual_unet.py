"""A U-Net of residual blocks, of any width and depth.

Residual blocks and skips that are added are those of Lee et al. (2017, "Superhuman
accuracy on the SNEMI3D connectomics challenge"), the order within a block that of He et
al. (2016, "Identity mappings in deep residual networks"). Group normalisation (Wu & He
2018) is that of each task alone, so it does the same in a batch of any size.
"""

from collections.abc import Sequence
from functools import partial

from torch import Tensor, nn

from eyewire_validator.config.settings import GROUPS, ModelSettings
from eyewire_validator.learning.residual_trunk import ResidualTrunk
from eyewire_validator.voxel_network.lwunet import LWUNet
from eyewire_validator.voxel_network.network import OTHER_INPUTS, Network


class ResidualUNet(Network):
    """The residual trunk behind the interface of every network.

    Args:
        width: channels at full resolution; twice as many after each halving.
        levels: halvings. Others as for `Network`.
    """

    def __init__(
        self,
        context_channels: int = 2,
        loops: int = 4,
        uncertainty: str = "scaled_logit",
        dropout: float = 0.0,
        width: int = 8,
        levels: int = 2,
    ) -> None:
        """Start from torch's default initialisation, by torch's global generator."""
        channels = [width << level for level in range(levels + 1)]
        super().__init__(
            context_channels, loops, uncertainty, dropout, channels, 1 << levels
        )
        self.trunk = ResidualTrunk(
            OTHER_INPUTS + context_channels,
            width,
            levels,
            partial(nn.GroupNorm, GROUPS),
        )
        self._add_heads(width)

    @classmethod
    def from_settings(cls, settings: ModelSettings) -> "ResidualUNet":
        """Make the network of a model's entry, not yet trained."""
        return cls(
            settings.context_channels + settings.boundaries,
            settings.loops,
            settings.uncertainty,
            settings.dropout,
            settings.width,
            settings.levels,
        )

    def _features(
        self, inputs: Tensor, kept: Sequence[Tensor] | None
    ) -> tuple[Tensor, ...]:
        return (self.trunk(inputs, kept),)


def make_network(settings: ModelSettings) -> Network:
    """Make the network of an entry, likewise; lwunet unless it says otherwise."""
    if settings.kind == "residual_unet":
        return ResidualUNet.from_settings(settings)
    return LWUNet.from_settings(settings)
