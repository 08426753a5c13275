"""The model alone: arrays in, logits and sigma out.

Example:
    >>> validator = load_validator("checkpoint.pt")
    >>> logits, sigma = validator.answer(image, seed)
    >>> probability = validator.probability(logits, sigma)
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray

from eyewire_validator.config.families import ModelSettings, NetworkSettings
from eyewire_validator.errors import ModelError
from eyewire_validator.learning.devices import resolve_device
from eyewire_validator.models.alarm import warn_of
from eyewire_validator.models.checkpoint import CheckpointInfo, load_checkpoint
from eyewire_validator.models.grey_values import grey_values
from eyewire_validator.volumes.appearance import Appearance
from eyewire_validator.voxel_network.network import Network
from eyewire_validator.voxel_network.samples import Sample, network_inputs


@dataclass(frozen=True)
class Validator:
    """A trained network, ready to answer.

    Attributes:
        model: the network, on its device.
        info: what its checkpoint says: settings and provenance.
    """

    model: Network
    info: CheckpointInfo

    @property
    def _settings(self) -> NetworkSettings:
        return cast(NetworkSettings, self.info.model_settings)

    @torch.inference_mode()
    def answer(
        self,
        image: NDArray[np.integer[Any]],
        seed: NDArray[np.bool_],
        context: NDArray[np.bool_] | None = None,
        loops: int | None = None,
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Answer one task.

        Args:
            image: (z, y, x) grey values 0 to 255, of any integer dtype; each size a
                multiple of 4.
            seed: (z, y, x) bool, what is known to belong to the answer.
            context: (context channels, z, y, x) bool, the nearest ancestor last, as
                the model's context says; nothing is known if it is not given.
            loops: how often the network sees its own answer; as in training if not
                given.

        Returns:
            ``(logits, sigma)``, (z, y, x) float32 each, sigma at least 1. What they
            say depends on how the model was trained: `probability` tells.

        Warns:
            UserWarning: the image is unlike all that the model learned from.

        Raises:
            ModelError: an array has another shape, dtype or values, by its name.
        """
        sample = self._stack(image, seed, context)
        warn_of(self.info, Appearance.of_image(sample[0]))
        stack = torch.from_numpy(sample[np.newaxis])
        device = next(self.model.parameters()).device
        inputs = network_inputs(stack.to(device), self._settings.image)
        logits, sigma = self.model(*inputs, loops=loops)
        return logits[0, 0].cpu().numpy(), sigma[0, 0].cpu().numpy()

    def _stack(
        self,
        image: NDArray[np.integer[Any]],
        seed: NDArray[np.bool_],
        context: NDArray[np.bool_] | None,
    ) -> Sample:
        """Stack what is given as a sample without truth."""
        grey = grey_values(image)
        context_shape = (self._settings.context_channels, *grey.shape)
        if context is None:
            context = np.zeros(context_shape, np.bool_)
        _check_mask("seed", seed, "z, y, x", grey.shape)
        _check_mask("context", context, "channels, z, y, x", context_shape)
        return np.stack([grey, *context, seed])

    def probability(
        self, logits: NDArray[np.float32], sigma: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """Return the probability that a voxel belongs to the answer.

        With ``uncertainty: scaled_logit``, as published, it is
        ``1 / (1 + exp(-logits / sigma))``; otherwise the mean of ``1 / (1 + exp(-x))``
        over normally distributed x of mean ``logits`` and standard deviation
        ``sigma - 1``.

        Args:
            logits: float32 of any shape, as `answer` returns them.
            sigma: float32 of the same shape.
        """
        tensors = torch.from_numpy(logits), torch.from_numpy(sigma)
        found: NDArray[np.float32] = self.model.uncertainty.probability(
            *tensors
        ).numpy()
        return found


def load_validator(
    path: str | Path, device: str = "auto", settings: ModelSettings | None = None
) -> Validator:
    """Load a checkpoint.

    Args:
        path: a checkpoint of this workflow, or the published weights.
        device: ``auto`` (a GPU if there is one), ``cpu`` or ``cuda``.
        settings: only for weights that come without, such as the published ones.

    Raises:
        ModelError: the file is missing, damaged or no checkpoint.
        ConfigError: no such device.
    """
    model, info = load_checkpoint(Path(path), resolve_device(device), settings)
    if not isinstance(model, Network):
        raise ModelError(
            f"{path}: answers in segments, of kind {info.model_settings.kind}; use "
            "load_segment_validator"
        )
    return Validator(model, info)


def _check_mask(
    name: str, mask: NDArray[np.bool_], axes: str, shape: tuple[int, ...]
) -> None:
    if mask.dtype != np.bool_:
        raise ModelError(
            f"{name} is {mask.dtype}, expected bool, true where it is; for the ids of "
            "segments: np.isin(segmentation, ids)"
        )
    if mask.shape != shape:
        raise ModelError(
            f"{name} has the shape {mask.shape}, expected {shape} ({axes})"
        )
