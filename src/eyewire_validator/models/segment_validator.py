"""An agglomeration alone: arrays in, a probability for every segment out.

Example:
    >>> validator = load_segment_validator("checkpoint.pt")
    >>> validator.answer(image, segmentation, seed=[17, 230])
"""

import hashlib
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from eyewire_validator.agglomeration.contact_model import ContactModel
from eyewire_validator.agglomeration.scoring import score_contacts
from eyewire_validator.config.families import AgglomerationSettings
from eyewire_validator.errors import ModelError
from eyewire_validator.learning.devices import resolve_device
from eyewire_validator.models.adapt import adapt_model
from eyewire_validator.models.alarm import warn_of
from eyewire_validator.models.checkpoint import CheckpointInfo, load_checkpoint
from eyewire_validator.models.grey_values import grey_values
from eyewire_validator.models.scored_volume import ScoredVolume
from eyewire_validator.models.segment_ids import SegmentIds
from eyewire_validator.volumes.store import CoarseVolume
from eyewire_validator.volumes.voxel_size import VoxelSize, stated

# Scored volumes that `answer` keeps, some MB each at most.
KEPT = 8


@dataclass(frozen=True)
class SegmentValidator:
    """A trained agglomeration, ready to answer.

    Attributes:
        model: scores contacts.
        info: what its checkpoint says: settings and provenance.
    """

    model: ContactModel
    info: CheckpointInfo
    _kept: dict[bytes, ScoredVolume] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def score(
        self,
        image: NDArray[np.integer[Any]],
        segmentation: NDArray[np.integer[Any]],
        voxel_nm: VoxelSize | None = None,
    ) -> ScoredVolume:
        """Score the contacts of a volume, which takes seconds, for all of its tasks.

        Args:
            image: (z, y, x) grey values 0 to 255, of any integer dtype.
            segmentation: (z, y, x) segment ids of any integer dtype, 0 is nothing; at
                most 65535 segments.
            voxel_nm: edges of a voxel (z, y, x) in nm, which contacts are measured by,
                the network is shown cubes by, and which are compared with those that
                the model learned from; a cube if it is not given.

        Warns:
            UserWarning: the volume is unlike all that the model learned from.

        Raises:
            ModelError: an array has another shape, or values that it cannot have; or
                edges are no lengths.
        """
        voxel_nm = stated(voxel_nm)
        volume, ids = _volume(image, segmentation, voxel_nm)
        settings = cast(AgglomerationSettings, self.info.model_settings)
        contacts = score_contacts(self.model, volume, settings.image)
        alarms = warn_of(self.info, contacts.looks, voxel_nm, volume.segmentation)
        point = self.info.operating_point
        decisions = point.decisions if point else None
        membership = self.model.membership_on(contacts.looks, voxel_nm)
        return ScoredVolume(contacts, membership, ids, alarms, decisions)

    def adapted(
        self,
        volumes: Iterable[tuple[NDArray[np.integer[Any]], NDArray[np.integer[Any]]]],
        voxel_nm: VoxelSize | None = None,
    ) -> "SegmentValidator":
        """Adapt to a tissue of which nobody labelled anything; it takes a minute.

        The network is trained on, on the supervoxels of volumes: what lies within one,
        and between two (docs/adapt.md). Best are those that are asked about, some
        twenty of 64³ voxels.

        Args:
            volumes: images and segmentations as `score` takes them.
            voxel_nm: edges of a voxel (z, y, x) in nm, the same for all.

        Returns:
            A validator for this tissue; this one stays as it is.

        Raises:
            ModelError: see `score`; there is no segment to learn from, or nothing was
                fitted to adapted networks of this checkpoint.
        """
        parts = [_volume(*pair, stated(voxel_nm))[0] for pair in _pairs(volumes)]
        if not any(part.segmentation.any() for part in parts):
            raise ModelError(
                "volumes: hold no segment, so there is nothing to adapt to; expected "
                "images and their supervoxels"
            )
        device = next(self.model.parameters()).device
        model, info = adapt_model(
            self.model,
            self.info,
            parts,
            device=device,
            threads=1,
        )
        return SegmentValidator(model.to(device), info)

    def answer(
        self,
        image: NDArray[np.integer[Any]],
        segmentation: NDArray[np.integer[Any]],
        seed: Collection[int],
        rejected: Collection[int] = (),
        voxel_nm: VoxelSize | None = None,
    ) -> pd.DataFrame:
        """Answer one task, as `score` and `ScoredVolume.answer` do.

        The last volumes stay scored. They are known by the content of the arrays, so
        these may be changed in place.

        Returns:
            See `ScoredVolume.answer`.

        Raises:
            ModelError: see `score` and `ScoredVolume.answer`.
        """
        voxel_nm = stated(voxel_nm)
        content = _digest(image, segmentation, np.asarray(voxel_nm or (), np.float64))
        scored = self._kept.pop(content, None) or self.score(
            image, segmentation, voxel_nm
        )
        self._kept[content] = scored
        if len(self._kept) > KEPT:
            del self._kept[next(iter(self._kept))]
        return scored.answer(seed, rejected)


def load_segment_validator(path: str | Path, device: str = "auto") -> SegmentValidator:
    """Load a checkpoint of kind agglomeration.

    Args:
        path: the checkpoint.
        device: ``auto`` (a GPU if there is one), ``cpu`` or ``cuda``.

    Raises:
        ModelError: the file is missing, damaged, no checkpoint, or of a network.
        ConfigError: no such device.
    """
    model, info = load_checkpoint(Path(path), resolve_device(device))
    if not isinstance(model, ContactModel):
        raise ModelError(f"{path}: answers in voxels; use load_validator")
    return SegmentValidator(model, info)


def _pairs(volumes: Iterable[Any]) -> list[tuple[Any, Any]]:
    """List pairs of image and segmentation."""
    try:
        return [(image, segmentation) for image, segmentation in volumes]
    except (TypeError, ValueError):
        raise ModelError(
            "volumes: expected pairs, such as [(image, segmentation)]"
        ) from None


def _volume(
    image: NDArray[np.integer[Any]],
    segmentation: NDArray[np.integer[Any]],
    voxel_nm: VoxelSize | None,
) -> tuple[CoarseVolume, SegmentIds]:
    """Return a volume with its segments numbered, and their ids."""
    grey = grey_values(np.asarray(image))
    ids, numbers = SegmentIds.number(_of_shape(grey.shape, segmentation))
    return CoarseVolume(grey, numbers, voxel_nm), ids


def _of_shape(
    shape: tuple[int, ...], segmentation: NDArray[np.integer[Any]]
) -> NDArray[np.integer[Any]]:
    array = np.asarray(segmentation)
    if array.shape != shape:
        raise ModelError(
            f"image has the shape {shape} and segmentation {array.shape}, expected the "
            "same three axes (z, y, x)"
        )
    return array


def _digest(*arrays: NDArray[np.generic]) -> bytes:
    digest = hashlib.sha256()
    for array in map(np.asarray, arrays):
        digest.update(f"{array.dtype.str} {array.shape} ".encode())
        digest.update(array.tobytes())
    return digest.digest()
