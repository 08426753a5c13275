"""Train an affinity U-Net on labelled blocks of tissue."""

from pathlib import Path

from eyewire_validator.agglomeration.contact_model import ContactModel
from eyewire_validator.agglomeration.labelled_tissue import LabelledBlock
from eyewire_validator.agglomeration.tissue_training import train_tissue
from eyewire_validator.config.families import (
    AgglomerationSettings,
    AgglomerationTraining,
)
from eyewire_validator.jobs.log import job_log
from eyewire_validator.learning.devices import keep_memory, resolve_device
from eyewire_validator.learning.epochs import RESUME_FILE
from eyewire_validator.models.checkpoint import CheckpointInfo, save_checkpoint
from eyewire_validator.sandbox.tissue.drawing import draw_tissue
from eyewire_validator.sandbox.triple import FilesSettings, open_triple
from eyewire_validator.storage.hashes import settings_hash
from eyewire_validator.storage.schemas.training import HISTORY
from eyewire_validator.storage.tables import write_table


def read_block(files: dict) -> LabelledBlock:
    """Read a block as a whole: its labels are what is learned from."""
    has_supervoxels = files["supervoxels"] is not None
    # Where there are none, the labels stand in for them, and nobody looks.
    named = {**files, "supervoxels": files["supervoxels"] or files["labels"]}
    triple = open_triple(FilesSettings(**named))
    whole = tuple(slice(0, edge) for edge in triple.shape)
    return LabelledBlock(
        triple.image(whole),
        triple.labels(whole),
        triple.voxel_nm,
        triple.supervoxels(whole) if has_supervoxels else None,
    )


def draw_block(neurite_diameter: float) -> LabelledBlock:
    """Draw a block, whose neurons are known in every voxel."""
    picture = draw_tissue(neurite_diameter)
    # All that counts is that its voxels are cubes, whatever their size.
    return LabelledBlock(picture.image, picture.neuron, (1.0, 1.0, 1.0))


with job_log(snakemake.log[0], snakemake.output):
    keep_memory()
    params = snakemake.params
    checkpoint = Path(snakemake.output.checkpoint)
    training = AgglomerationTraining.from_mapping(params.training, "training")
    settings = AgglomerationSettings.from_mapping(params.model, "model")
    blocks = {name: read_block(files) for name, files in params.blocks.items()}
    drawn = {f"drawn {diameter}": draw_block(diameter) for diameter in params.drawings}
    network, history = train_tissue(
        blocks | drawn,
        training,
        checkpoint.parent,
        training.random_seed + int(snakemake.wildcards.replicate),
        patches=params.patches,
        device=resolve_device(
            training.device, cuda_granted=snakemake.resources.cuda > 0
        ),
        threads=snakemake.threads,
    )
    model = ContactModel.from_settings(settings)
    model.network = network
    provenance = {
        "config": settings_hash(snakemake.config),
        "tissues": ", ".join(blocks | drawn),
    }
    write_table(Path(snakemake.output.history), history, HISTORY)
    save_checkpoint(checkpoint, model, CheckpointInfo(settings, training, provenance))
    (checkpoint.parent / RESUME_FILE).unlink(missing_ok=True)
