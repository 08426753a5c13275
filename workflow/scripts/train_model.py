"""Train one replicate of a model."""

from pathlib import Path

from eyewire_validator.config.kinds import KINDS, model_settings
from eyewire_validator.jobs.log import job_log
from eyewire_validator.learning.devices import keep_memory, resolve_device
from eyewire_validator.learning.epochs import RESUME_FILE
from eyewire_validator.models.alarm import familiar_volumes
from eyewire_validator.models.checkpoint import CheckpointInfo, save_checkpoint
from eyewire_validator.models.train import train_model
from eyewire_validator.storage.hashes import file_hash, settings_hash
from eyewire_validator.storage.schemas.index import TASK_INDEX
from eyewire_validator.storage.schemas.training import HISTORY
from eyewire_validator.storage.tables import read_table, write_table
from eyewire_validator.volumes.store import VolumeStore

with job_log(snakemake.log[0], snakemake.output):
    keep_memory()
    files, params = snakemake.input, snakemake.params
    index_file = Path(files.index)
    checkpoint = Path(snakemake.output.checkpoint)
    settings = model_settings(params.model)
    training = KINDS[settings.kind].training.from_mapping(params.training, "training")
    index = read_table(index_file, TASK_INDEX)
    store = VolumeStore.open(
        files.volumes, params.geometry, params.voxel_nm, files.manifest
    )
    trained = train_model(
        index,
        store,
        settings,
        training,
        checkpoint.parent,
        int(snakemake.wildcards.replicate),
        device=resolve_device(
            training.device, cuda_granted=snakemake.resources.cuda > 0
        ),
        threads=snakemake.threads,
    )
    provenance = {
        "config": settings_hash(snakemake.config),
        "index": file_hash(index_file),
        "leaked": str(params.leaked).lower(),
    }
    familiar = familiar_volumes(index, store)
    info = CheckpointInfo(settings, training, provenance, familiar)
    write_table(Path(snakemake.output.history), trained.history, HISTORY)
    save_checkpoint(checkpoint, trained.module, info)
    (checkpoint.parent / RESUME_FILE).unlink(missing_ok=True)
