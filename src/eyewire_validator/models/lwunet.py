"""The light-weight U-Net of the published validator (BLimmie/eyewire_validator, 2019).

The parameter names are the published ones, so that the published weights load as they
are.
"""

from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from eyewire_validator.errors import ModelError
from eyewire_validator.models.settings import SIZE_MULTIPLE, ModelSettings
from eyewire_validator.models.uncertainty import METHODS

# Channels of the two convolutions of the encoder, which dropout thins out.
ENCODER_CHANNELS = (16, 32)
# The bias that makes an untrained sigma, softplus(bias) + 1, 1.05.
SURE_BIAS = -3.0


class LWUNet(nn.Module):
    """Answers a task, and feeds its answer back as the next seed, ``loops`` times.

    Args:
        context_channels: masks that are given beside the image.
        loops: passes in `forward` where it is not told otherwise.
        uncertainty: what sigma means, a key of `uncertainty.METHODS`.
        dropout: rate at which `draw_dropout` drops channels.
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
        super().__init__()
        self.context_channels = context_channels
        self.loops = loops
        self.uncertainty = METHODS[uncertainty]
        self.dropout = dropout
        full, half = ENCODER_CHANNELS
        self.c1 = nn.Conv3d(3 + context_channels, full, 3, padding=1)
        self.c2 = nn.Conv3d(full, half, 3, padding=1)
        self.rc1 = nn.ConvTranspose3d(32, 32, 4, stride=2, padding=1)
        self.rc2 = nn.ConvTranspose3d(64, 16, 4, stride=2, padding=1)
        self.logits = nn.Conv3d(32, 1, 1)
        self.variance = nn.Conv3d(32, 1, 1)
        if self.uncertainty.starts_sure:
            weight = torch.zeros_like(self.variance.weight)
            self.variance.weight = nn.Parameter(weight)
            self.variance.bias = nn.Parameter(torch.full((1,), SURE_BIAS))
        # Half the time on a CPU, whatever layout the inputs have.
        self.to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload]

    @classmethod
    def from_settings(cls, settings: ModelSettings) -> "LWUNet":
        """Make the network of a model's entry, not yet trained."""
        return cls(
            settings.context_channels + settings.boundaries,
            settings.loops,
            settings.uncertainty,
            settings.dropout,
        )

    def draw_dropout(self, count: int, noise: torch.Generator) -> Tensor:
        """Draw which channels of the encoder dropout takes from each of some tasks.

        Args:
            count: tasks.
            noise: where the draws come from.

        Returns:
            (count, 48) float32 factors of the channels, 0 or 1 / (1 - rate), on the
            device of ``noise``.
        """
        shape = (count, sum(ENCODER_CHANNELS))
        draws = torch.rand(shape, generator=noise, device=noise.device)
        return (draws >= self.dropout).float() / (1 - self.dropout)

    def forward(
        self,
        image: Tensor,
        context: Tensor,
        seed: Tensor,
        confidence: Tensor,
        loops: int | None = None,
        dropout: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Answer a batch of tasks.

        Args:
            image: (n, 1, z, y, x) float32 grey values, scaled as in training.
            context: (n, context_channels, z, y, x) float32, 0 or 1.
            seed: (n, 1, z, y, x) float32, 0 or 1.
            confidence: (n, 1, z, y, x) float32, 1 is sure; 1 on the seed, 10 elsewhere.
            loops: passes, each fed with the last one's probability and sigma.
            dropout: factors from `draw_dropout`, the same in every loop, so that a
                task is answered by one thinned network (Gal & Ghahramani 2016, "A
                theoretically grounded application of dropout in recurrent neural
                networks"); nothing is dropped if not given.

        Returns:
            ``(logits, sigma)`` of the last pass, each (n, 1, z, y, x); sigma >= 1 in
            logit units. ``self.uncertainty.probability`` makes a probability of them.

        Raises:
            ModelError: a size does not divide by 4, or the context has other channels.
        """
        for answer in self.each_loop(image, context, seed, confidence, loops, dropout):
            last = answer
        return last

    def each_loop(
        self,
        image: Tensor,
        context: Tensor,
        seed: Tensor,
        confidence: Tensor,
        loops: int | None = None,
        dropout: Tensor | None = None,
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield ``(logits, sigma)`` of each pass; arguments as for `forward`."""
        self._check(image, context)
        loops = self.loops if loops is None else loops
        if loops < 1:
            raise ModelError(f"loops is {loops}, expected 1 or more")
        kept = None if dropout is None else _by_channel(dropout.to(image))
        for _ in range(loops):
            inputs = torch.cat([image, context, seed, confidence], 1)
            logits, sigma = self._answer(inputs, kept)
            yield logits, sigma
            seed, confidence = self.uncertainty.probability(logits, sigma), sigma

    def _answer(
        self, inputs: Tensor, kept: tuple[Tensor, Tensor] | None
    ) -> tuple[Tensor, Tensor]:
        """Pass through the network once; every skip holds values after the ReLU."""
        full = F.relu(self.c1(inputs))
        if kept:
            full = full * kept[0]
        half = F.relu(self.c2(F.max_pool3d(full, 2)))
        if kept:
            half = half * kept[1]
        up_half = F.relu(self.rc1(F.max_pool3d(half, 2)))
        up_full = F.relu(self.rc2(torch.cat([half, up_half], 1)))
        logits, variance = self._heads(full, up_full)
        return logits, F.softplus(variance) + 1

    def _heads(self, full: Tensor, up_full: Tensor) -> tuple[Tensor, ...]:
        """Apply both heads at once, to features that stay in two tensors.

        A convolution of one voxel is a product of matrices. That way nothing is copied,
        which takes half of a training step with one thread.
        """
        parameters = zip(
            self.logits.parameters(), self.variance.parameters(), strict=True
        )
        weight, bias = (torch.cat(pair).squeeze() for pair in parameters)
        channels = full.shape[1]
        answer = F.linear(full.movedim(1, -1), weight[:, :channels], bias)
        answer = answer + F.linear(up_full.movedim(1, -1), weight[:, channels:])
        return answer.float().movedim(-1, 1).chunk(2, 1)

    def _check(self, image: Tensor, context: Tensor) -> None:
        shape = tuple(image.shape[-3:])
        if any(size % SIZE_MULTIPLE or not size for size in shape):
            raise ModelError(
                f"the image's shape (z, y, x) is {shape}, expected multiples of "
                f"{SIZE_MULTIPLE}; crop or pad it"
            )
        if context.shape[1] != self.context_channels:
            raise ModelError(
                f"{context.shape[1]} context channels were given, the model expects "
                f"{self.context_channels}"
            )


def _by_channel(dropout: Tensor) -> tuple[Tensor, Tensor]:
    """Split factors (n, 48) into those of each convolution, (n, c, 1, 1, 1)."""
    factors, full = dropout[..., None, None, None], ENCODER_CHANNELS[0]
    return factors[:, :full], factors[:, full:]
