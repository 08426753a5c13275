"""Score the contacts of raw volumes by a checkpoint, while they are in hand."""

from collections.abc import Callable
from pathlib import Path

from eyewire_validator.agglomeration.contact_model import ContactModel
from eyewire_validator.agglomeration.scoring import score_finely
from eyewire_validator.errors import ModelError
from eyewire_validator.models.checkpoint import CheckpointInfo, load_checkpoint
from eyewire_validator.volumes.raw import RawVolume
from eyewire_validator.volumes.voxel_size import VoxelSize


def fine_scorer(
    checkpoint: Path, voxel_nm: VoxelSize | None, threads: int
) -> Callable[[RawVolume, Path], None]:
    """Return what scores the contacts of a raw volume and writes them to a file.

    Args:
        checkpoint: see `load_scorer`.
        voxel_nm: edges of a full-resolution voxel (z, y, x) in nm; none if unknown.
        threads: share the symmetries.

    Raises:
        ModelError: the file cannot be used, or has no such network.
    """
    model, _ = load_scorer(checkpoint)

    def score(raw: RawVolume, file: Path) -> None:
        image, segmentation = raw.image(), raw.segmentation()
        score_finely(model, image, segmentation, voxel_nm, threads).write(file)

    return score


def load_scorer(checkpoint: Path) -> tuple[ContactModel, CheckpointInfo]:
    """Load what scores contacts: the checkpoint of an agglomeration by affinities.

    Raises:
        ModelError: the file cannot be used, or is of another kind of model.
    """
    model, info = load_checkpoint(checkpoint)
    if not isinstance(model, ContactModel):
        raise ModelError(
            f"{checkpoint}: {info.model_settings.title} scores no contacts; name a "
            "model of kind agglomeration for volumes.evidence"
        )
    return model, info
