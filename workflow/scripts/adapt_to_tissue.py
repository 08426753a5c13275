"""Adapt a model to a tissue that it never saw, by the supervoxels of what is asked."""

from pathlib import Path

from eyewire_validator.agglomeration.affinity_adaptation import adapt_affinities
from eyewire_validator.agglomeration.examples import draw_volumes
from eyewire_validator.config.families import AgglomerationTraining
from eyewire_validator.jobs.log import job_log
from eyewire_validator.learning.devices import keep_memory, resolve_device
from eyewire_validator.learning.epochs import RESUME_FILE
from eyewire_validator.models.checkpoint import load_checkpoint, save_checkpoint
from eyewire_validator.storage.schemas.index import TASK_INDEX
from eyewire_validator.storage.tables import read_table
from eyewire_validator.tasks.split import usable_tasks
from eyewire_validator.volumes.store import VolumeStore

with job_log(snakemake.log[0], snakemake.output):
    keep_memory()
    files, params = snakemake.input, snakemake.params
    usable = usable_tasks(read_table(Path(files.index), TASK_INDEX))
    folders = filter(Path.is_dir, Path(params.volumes).iterdir())
    store = VolumeStore.open(folders, params.geometry, params.voxel_nm)
    # Those that `score_tissue` draws: a user has what is asked, too.
    volumes = draw_volumes(usable, params.most_volumes, random_seed=0)
    training = AgglomerationTraining.from_mapping(
        params.training, "carry_over.adaptation"
    )
    model, info = load_checkpoint(Path(files.checkpoint))
    checkpoint = Path(snakemake.output[0])
    resume = checkpoint.with_suffix(f".{RESUME_FILE}")
    model.network = adapt_affinities(
        model.network,
        model.learned_nm,
        [store.read(volume) for volume in volumes],
        training,
        resume,
        device=resolve_device(
            training.device, cuda_granted=snakemake.resources.cuda > 0
        ),
        threads=snakemake.threads,
    )
    save_checkpoint(checkpoint, model, info)
    resume.unlink(missing_ok=True)
