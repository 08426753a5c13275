"""Adapt a model to a tissue of which nothing is labelled, by its supervoxels."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch

from eyewire_validator.agglomeration.affinity_adaptation import adapt_affinities
from eyewire_validator.agglomeration.contact_model import ContactModel
from eyewire_validator.agglomeration.tissue_memberships import TissueMemberships
from eyewire_validator.errors import ModelError
from eyewire_validator.models.checkpoint import CheckpointInfo
from eyewire_validator.volumes.appearance import Familiar
from eyewire_validator.volumes.store import CoarseVolume


def adapt_model(
    model: ContactModel,
    info: CheckpointInfo,
    volumes: Sequence[CoarseVolume],
    file: Path | None = None,
    *,
    device: torch.device,
    threads: int,
) -> tuple[ContactModel, CheckpointInfo]:
    """Train the network of a model on, on volumes that nobody labelled.

    It answers them, and others of their tissue, by memberships that were fitted to
    networks adapted in this way. What the model knows of how tissues look stays: of
    this one no label has taught it anything, so the alarm rings where it did.

    Args:
        model: scores contacts; stays as it is.
        info: what its checkpoint says.
        volumes: of one tissue and voxel size, with supervoxels.
        file: where the state is kept after each epoch, if anywhere.
        device: where to compute.
        threads: CPU threads.

    Returns:
        The adapted model, on the CPU, and what is known of it.

    Raises:
        ModelError: nothing was fitted to adapted networks of this model.
    """
    if info.adapted is None or model.network is None:
        raise ModelError(
            f"{info.model_settings.title}: nothing was fitted to adapted networks of "
            "this checkpoint, such as one that a training or `learn` made; answer with "
            "it as it is (adapt: 0 in its entry, or without --adapt)"
        )
    fitted = info.adapted
    adapted = ContactModel("affinities")
    adapted.network = adapt_affinities(
        model.network,
        model.learned_nm,
        volumes,
        fitted.training,
        file,
        device=device,
        threads=threads,
    )
    adapted.second_look = fitted.second_look
    adapted.learned_nm, adapted.membership = model.learned_nm, fitted.membership
    adapted.by_tissue = TissueMemberships(
        fitted.memberships, fitted.membership, info.familiar or Familiar({})
    )
    return adapted.eval(), replace(
        info,
        memberships=fitted.memberships,
        operating_point=fitted.operating_point,
        adapted=None,
        left_out=fitted.left_out,
    )
