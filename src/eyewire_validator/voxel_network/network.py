"""Loop a network: feed its answer back to it as the next seed."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from eyewire_validator.errors import ModelError
from eyewire_validator.voxel_network.uncertainty import METHODS

# Channels of the inputs beside the context: image, seed and confidence.
OTHER_INPUTS = 3
# The bias that makes an untrained sigma, softplus(bias) + 1, 1.05.
SURE_BIAS = -3.0


class Network(nn.Module, ABC):
    """A network that answers a task, and is fed its answer, ``loops`` times.

    Args:
        context_channels: masks that are given beside the image.
        loops: passes in `forward` if it is given no other number.
        uncertainty: what sigma means, a key of `uncertainty.METHODS`.
        dropout: rate at which `draw_dropout` drops channels.
        encoder_channels: those of each part of the encoder, which dropout thins out.
        size_multiple: the edges of a volume must divide by this.
    """

    logits: nn.Conv3d
    variance: nn.Conv3d

    def __init__(
        self,
        context_channels: int,
        loops: int,
        uncertainty: str,
        dropout: float,
        encoder_channels: Sequence[int],
        size_multiple: int,
    ) -> None:
        """Hold no parameters yet."""
        super().__init__()
        self.context_channels = context_channels
        self.loops = loops
        self.uncertainty = METHODS[uncertainty]
        self.dropout = dropout
        self.encoder_channels = list(encoder_channels)
        self.size_multiple = size_multiple

    def draw_dropout(self, count: int, noise: torch.Generator) -> Tensor:
        """Draw the channels of the encoder that dropout takes from each task.

        Args:
            count: number of tasks.
            noise: draws them.

        Returns:
            (count, all encoder channels) float32 factors of the channels, 0 or
            1 / (1 - rate), on the device of ``noise``.
        """
        shape = (count, sum(self.encoder_channels))
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
            ModelError: a size does not divide by ``size_multiple``, or the context has
                other channels.
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
        kept = None
        if dropout is not None:
            factors = dropout.to(image)[..., None, None, None]
            kept = torch.split(factors, self.encoder_channels, 1)
        for _ in range(loops):
            inputs = torch.cat([image, context, seed, confidence], 1)
            logits, variance = self._heads(*self._features(inputs, kept))
            sigma = F.softplus(variance) + 1
            yield logits, sigma
            seed, confidence = self.uncertainty.probability(logits, sigma), sigma

    @abstractmethod
    def _features(
        self, inputs: Tensor, kept: Sequence[Tensor] | None
    ) -> tuple[Tensor, ...]:
        """Pass through the network once.

        Args:
            inputs: (n, 3 + context_channels, z, y, x) float32.
            kept: factors of each part of the encoder, (n, its channels, 1, 1, 1); none
                for the whole network.

        Returns:
            What the heads see, one tensor or more, (n, channels, z, y, x) each.
        """

    def _add_heads(self, channels: int) -> None:
        """Add the last layers, which turn ``channels`` into logits and sigma."""
        self.logits = nn.Conv3d(channels, 1, 1)
        self.variance = nn.Conv3d(channels, 1, 1)
        if self.uncertainty.starts_sure:
            weight = torch.zeros_like(self.variance.weight)
            self.variance.weight = nn.Parameter(weight)
            self.variance.bias = nn.Parameter(torch.full((1,), SURE_BIAS))
        # Half the time on a CPU, whatever layout the inputs have.
        self.to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload]

    def _heads(self, first: Tensor, *others: Tensor) -> tuple[Tensor, ...]:
        """Apply both heads at once, to features in several tensors.

        A convolution of one voxel is a product of matrices. That way nothing is copied,
        which takes half of a training step with one thread.
        """
        parameters = zip(
            self.logits.parameters(), self.variance.parameters(), strict=True
        )
        weight, bias = (torch.cat(pair).squeeze() for pair in parameters)
        channels = [features.shape[1] for features in (first, *others)]
        own, *weights = torch.split(weight, channels, 1)
        answer = F.linear(first.movedim(1, -1), own, bias)
        for features, part in zip(others, weights, strict=True):
            answer = answer + F.linear(features.movedim(1, -1), part)
        return answer.float().movedim(-1, 1).chunk(2, 1)

    def _check(self, image: Tensor, context: Tensor) -> None:
        shape = tuple(image.shape[-3:])
        if any(size % self.size_multiple or not size for size in shape):
            raise ModelError(
                f"the image's shape (z, y, x) is {shape}, expected multiples of "
                f"{self.size_multiple}; crop or pad it"
            )
        if context.shape[1] != self.context_channels:
            raise ModelError(
                f"{context.shape[1]} context channels were given, the model expects "
                f"{self.context_channels}"
            )
