"""Train one replicate of a model."""

from pathlib import Path

from eyewire_validator.devices import keep_memory, resolve_devices
from eyewire_validator.epochs import RESUME_FILE
from eyewire_validator.geometry import VolumeGeometry
from eyewire_validator.logs import job_log
from eyewire_validator.models.checkpoint import CheckpointInfo, save_checkpoint
from eyewire_validator.models.settings import ModelSettings, TrainingSettings
from eyewire_validator.provenance import file_hash, settings_hash
from eyewire_validator.tables import HISTORY, TASK_INDEX, read_table, write_table
from eyewire_validator.trainers import train_model
from eyewire_validator.volume_store import VolumeStore

# A training on several GPUs starts processes that import this file.
if __name__ == "__main__":
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
            devices=resolve_devices(training_settings.device, snakemake.resources.cuda),
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
