"""The light-weight U-Net of the published validator (BLimmie/eyewire_validator, 2019).

The parameter names are the published ones, so that the published weights load as they
are.
"""

from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from eyewire_validator.errors import ModelError
from eyewire_validator.models.settings import SIZE_MULTIPLE


class LWUNet(nn.Module):
    """Answers a task, and feeds its answer back as the next seed, ``loops`` times.

    Args:
        context_channels: masks of other tasks that are given beside the image.
        loops: passes in `forward` where it is not told otherwise.
    """

    def __init__(self, context_channels: int = 2, loops: int = 4) -> None:
        """Start from torch's default initialisation, by torch's global generator."""
        super().__init__()
        self.context_channels = context_channels
        self.loops = loops
        self.c1 = nn.Conv3d(3 + context_channels, 16, 3, padding=1)
        self.c2 = nn.Conv3d(16, 32, 3, padding=1)
        self.rc1 = nn.ConvTranspose3d(32, 32, 4, stride=2, padding=1)
        self.rc2 = nn.ConvTranspose3d(64, 16, 4, stride=2, padding=1)
        self.logits = nn.Conv3d(32, 1, 1)
        self.variance = nn.Conv3d(32, 1, 1)
        # Half the time on a CPU, whatever layout the inputs have.
        self.to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload]

    def forward(
        self,
        image: Tensor,
        context: Tensor,
        seed: Tensor,
        confidence: Tensor,
        loops: int | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Answer a batch of tasks.

        Args:
            image: (n, 1, z, y, x) float32 grey values, scaled as in training.
            context: (n, context_channels, z, y, x) float32, 0 or 1.
            seed: (n, 1, z, y, x) float32, 0 or 1.
            confidence: (n, 1, z, y, x) float32, 1 is sure; 1 on the seed, 10 elsewhere.
            loops: passes, each fed with the last one's probability and sigma.

        Returns:
            ``(logits, sigma)`` of the last pass, each (n, 1, z, y, x); sigma >= 1 in
            logit units. The probability is ``sigmoid(logits / sigma)``.

        Raises:
            ModelError: a size does not divide by 4, or the context has other channels.
        """
        for answer in self.each_loop(image, context, seed, confidence, loops):
            last = answer
        return last

    def each_loop(
        self,
        image: Tensor,
        context: Tensor,
        seed: Tensor,
        confidence: Tensor,
        loops: int | None = None,
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield ``(logits, sigma)`` of each pass; arguments as for `forward`."""
        self._check(image, context)
        loops = self.loops if loops is None else loops
        if loops < 1:
            raise ModelError(f"loops is {loops}, expected 1 or more")
        for _ in range(loops):
            logits, sigma = self._answer(image, context, seed, confidence)
            yield logits, sigma
            seed, confidence = torch.sigmoid(logits / sigma), sigma

    def _answer(self, *inputs: Tensor) -> tuple[Tensor, Tensor]:
        """Pass through the network once; every skip holds values after the ReLU."""
        full = F.relu(self.c1(torch.cat(inputs, 1)))
        half = F.relu(self.c2(F.max_pool3d(full, 2)))
        up_half = F.relu(self.rc1(F.max_pool3d(half, 2)))
        up_full = F.relu(self.rc2(torch.cat([half, up_half], 1)))
        features = torch.cat([full, up_full], 1)
        return self.logits(features), F.softplus(self.variance(features)) + 1

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
