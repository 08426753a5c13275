"""An agglomeration alone: arrays in, a probability for every segment out.

Example:
    >>> validator = load_segment_validator("checkpoint.pt")
    >>> validator.answer(image, segmentation, seed=[17, 230])
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from eyewire_validator.agglomeration.contact_model import ContactModel
from eyewire_validator.agglomeration.scoring import Linked, score_contacts
from eyewire_validator.config.families import AgglomerationSettings
from eyewire_validator.errors import ModelError
from eyewire_validator.models.checkpoint import CheckpointInfo, load_checkpoint
from eyewire_validator.volumes.store import CoarseVolume


@dataclass(frozen=True)
class SegmentValidator:
    """A trained agglomeration, ready to answer.

    Attributes:
        model: scores contacts, on the CPU.
        info: what its checkpoint says: settings and provenance.
    """

    model: ContactModel
    info: CheckpointInfo

    def answer(
        self,
        image: NDArray[np.uint8],
        segmentation: NDArray[np.uint16],
        seed: Sequence[int],
        rejected: Sequence[int] = (),
    ) -> pd.DataFrame:
        """Answer one task.

        Args:
            image: (z, y, x) uint8 grey values.
            segmentation: (z, y, x) uint16 segment ids, 0 is nothing.
            seed: ids of the segments that belong to the answer.
            rejected: ids of segments that the answer to the parent task saw and did
                not choose.

        Returns:
            A row for each other segment, the most probable first: ``segment``,
            ``probability`` that it belongs, not calibrated, and ``deviation`` of the
            members of the ensemble, both 0 to 1.

        Raises:
            ModelError: an array has another shape or dtype, or the seed has an id that
                the segmentation has not.
        """
        _check(image, segmentation)
        segments = np.unique(segmentation[segmentation > 0])
        given = np.asarray(seed, np.int64)
        if len(unknown := np.setdiff1d(given, segments)):
            raise ModelError(
                f"seed: {unknown[0]} is no segment of this segmentation; expected "
                f"some of its {len(segments)} segments"
            )
        volume = CoarseVolume(image, segmentation)
        settings = cast(AgglomerationSettings, self.info.model_settings)
        contacts = score_contacts(self.model, volume, settings.image)
        seen = np.intersect1d(rejected, segments).astype(np.int64)
        linked = Linked.make(contacts, given).with_rejected(seen)
        others = np.setdiff1d(segments, given).astype(np.int64)
        members = linked.members(self.model.membership)
        found = pd.DataFrame(
            {
                "segment": others,
                "probability": members.mean(axis=0)[others],
                "deviation": members.std(axis=0)[others],
            }
        )
        return found.sort_values(
            ["probability", "segment"], ascending=[False, True], ignore_index=True
        )


def load_segment_validator(path: str | Path) -> SegmentValidator:
    """Load a checkpoint of kind agglomeration.

    Raises:
        ModelError: the file is missing, damaged, no checkpoint, or of a network.
    """
    model, info = load_checkpoint(Path(path))
    if not isinstance(model, ContactModel):
        raise ModelError(f"{path}: answers in voxels; use load_validator")
    return SegmentValidator(model, info)


def _check(image: NDArray[np.generic], segmentation: NDArray[np.generic]) -> None:
    for name, array, dtype in (
        ("image", image, np.uint8),
        ("segmentation", segmentation, np.uint16),
    ):
        if array.dtype != dtype:
            raise ModelError(
                f"{name} is {array.dtype}, expected {np.dtype(dtype)}; convert it"
            )
    if image.ndim != 3 or image.shape != segmentation.shape:
        raise ModelError(
            f"image has the shape {image.shape} and segmentation {segmentation.shape}, "
            "expected the same three axes (z, y, x)"
        )
