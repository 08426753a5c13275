"""Take the weights that a model's entry names, and adapt them to this tissue."""

from pathlib import Path

from eyewire_validator.agglomeration.examples import draw_volumes
from eyewire_validator.config.kinds import model_settings
from eyewire_validator.jobs.log import job_log
from eyewire_validator.learning.devices import keep_memory, resolve_device
from eyewire_validator.learning.epochs import RESUME_FILE
from eyewire_validator.models.adapt import adapt_model
from eyewire_validator.models.checkpoint import load_checkpoint, save_checkpoint
from eyewire_validator.storage.schemas.index import TASK_INDEX
from eyewire_validator.storage.tables import read_table
from eyewire_validator.volumes.store import VolumeStore

with job_log(snakemake.log[0], snakemake.output):
    keep_memory()
    files, params = snakemake.input, snakemake.params
    settings = model_settings(params.model)
    model, info = load_checkpoint(Path(files.checkpoint), settings=settings)
    store = VolumeStore.open(
        files.volumes, params.geometry, params.voxel_nm, files.manifest
    )
    index = read_table(Path(files.index), TASK_INDEX)
    asked = index[index["volume"].isin(store.folders)]
    volumes = draw_volumes(asked, settings.adapt, random_seed=0)
    checkpoint = Path(snakemake.output[0])
    resume = checkpoint.with_name(RESUME_FILE)
    adapted, info = adapt_model(
        model,
        info,
        [store.read(volume) for volume in volumes],
        resume,
        device=resolve_device(params.device, cuda_granted=snakemake.resources.cuda > 0),
        threads=snakemake.threads,
    )
    save_checkpoint(checkpoint, adapted, info)
    resume.unlink(missing_ok=True)
