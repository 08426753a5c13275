"""Train one replicate of a model."""

from pathlib import Path

from eyewire_validator.config.settings import ModelSettings, TrainingSettings
from eyewire_validator.jobs.log import job_log
from eyewire_validator.learning.devices import keep_memory, resolve_device
from eyewire_validator.learning.epochs import RESUME_FILE
from eyewire_validator.models.checkpoint import CheckpointInfo, save_checkpoint
from eyewire_validator.models.train import train_model
from eyewire_validator.storage.hashes import file_hash, settings_hash
from eyewire_validator.storage.schemas.index import TASK_INDEX
from eyewire_validator.storage.schemas.training import HISTORY
from eyewire_validator.storage.tables import read_table, write_table
from eyewire_validator.volumes.geometry import VolumeGeometry
from eyewire_validator.volumes.store import VolumeStore

with job_log(snakemake.log[0], snakemake.output):
    keep_memory()
    index_file = Path(snakemake.input.index)
    checkpoint = Path(snakemake.output.checkpoint)
    model_settings = ModelSettings.from_config(snakemake.params.model)
    training_settings = TrainingSettings.from_config(snakemake.params.training)
    trained = train_model(
        read_table(index_file, TASK_INDEX),
        VolumeStore(
            map(Path, snakemake.input.volumes),
            VolumeGeometry(**snakemake.params.geometry),
        ),
        model_settings,
        training_settings,
        checkpoint.parent,
        int(snakemake.wildcards.replicate),
        device=resolve_device(
            training_settings.device, cuda_granted=snakemake.resources.cuda > 0
        ),
        threads=snakemake.threads,
    )
    provenance = {
        "config": settings_hash(snakemake.config),
        "index": file_hash(index_file),
        "leaked": str(snakemake.params.leaked).lower(),
    }
    info = CheckpointInfo(model_settings, training_settings, provenance)
    write_table(Path(snakemake.output.history), trained.history, HISTORY)
    save_checkpoint(checkpoint, trained.model, info)
    (checkpoint.parent / RESUME_FILE).unlink(missing_ok=True)
