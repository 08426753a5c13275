"""Score the contacts of raw volumes by a checkpoint, while they are in hand."""

from collections.abc import Callable
from pathlib import Path

from eyewire_validator.agglomeration.contact_model import ContactModel
from eyewire_validator.agglomeration.scoring import score_finely
from eyewire_validator.errors import ModelError
from eyewire_validator.models.checkpoint import load_checkpoint
from eyewire_validator.volumes.raw import RawVolume
from eyewire_validator.volumes.voxel_size import VoxelSize


def fine_scorer(
    checkpoint: Path, voxel_nm: VoxelSize | None, *, invert: bool, threads: int
) -> Callable[[RawVolume, Path], None]:
    """Return what scores the contacts of a raw volume and writes them to a file.

    Args:
        checkpoint: of an agglomeration by affinities.
        voxel_nm: edges of a full-resolution voxel (z, y, x) in nm; none if unknown.
        invert: turn bright grey values into dark ones.
        threads: share the symmetries.

    Raises:
        ModelError: the file cannot be used, or has no such network.
    """
    model, info = load_checkpoint(checkpoint)
    if not isinstance(model, ContactModel):
        raise ModelError(
            f"{checkpoint}: {info.model_settings.title} scores no contacts; name a "
            "model of kind agglomeration for volumes.evidence"
        )

    def score(raw: RawVolume, file: Path) -> None:
        image, segmentation = raw.image(), raw.segmentation()
        shown = 255 - image if invert else image
        score_finely(model, shown, segmentation, voxel_nm, threads).write(file)

    return score
