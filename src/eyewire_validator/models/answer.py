"""Make the answerer of a model, whatever its kind."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from eyewire_validator.answers import MakeAnswerer, Resources
from eyewire_validator.config.families import ModelSettings, TrainedSettings
from eyewire_validator.config.kinds import KINDS, function_of
from eyewire_validator.errors import ModelError

# Baselines do without torch, which takes two seconds to import.
if TYPE_CHECKING:
    import torch


def load_answerer(
    settings: ModelSettings,
    resources: Resources,
    checkpoint: Path | None = None,
    device: "torch.device | None" = None,
) -> MakeAnswerer:
    """Load what makes the answerer of a model, for any index.

    What needs no index is done once, however many indexes follow.

    Args:
        settings: the entry of the model.
        resources: what it may draw on; its ``module`` is loaded here.
        checkpoint: of a model with weights.
        device: where its module computes; the CPU if not given.

    Raises:
        ModelError: the model has weights and no checkpoint, or one that does not fit.
    """
    if isinstance(settings, TrainedSettings):
        from eyewire_validator.models.checkpoint import load_checkpoint

        if checkpoint is None:
            raise ModelError(
                f"model {settings.title}: needs a checkpoint; train it first"
            )
        module, info = load_checkpoint(checkpoint, device)
        found = info.model_settings.kind
        if found != settings.kind:
            raise ModelError(f"{checkpoint}: is of kind {found}, not {settings.kind}")
        settings, resources = info.model_settings, replace(resources, module=module)
    make = function_of(KINDS[settings.kind].answerer)
    answerer: MakeAnswerer = make(settings, resources)
    return answerer
