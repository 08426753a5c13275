"""Tune a network to labelled tasks: all of them, or those of half of the cells."""

from dataclasses import replace
from pathlib import Path

from eyewire_validator.agglomeration.affinity_tuning import tune_affinities
from eyewire_validator.config.families import AgglomerationTraining
from eyewire_validator.jobs.log import job_log
from eyewire_validator.learning.devices import keep_memory, resolve_device
from eyewire_validator.learning.epochs import RESUME_FILE
from eyewire_validator.models.checkpoint import load_checkpoint, save_checkpoint
from eyewire_validator.models.labels import half_of, known_answers, tasks_to_learn
from eyewire_validator.review.agreement import settled_pairs
from eyewire_validator.storage.schemas.index import TASK_INDEX
from eyewire_validator.storage.schemas.review import DECISIONS
from eyewire_validator.storage.tables import read_table
from eyewire_validator.volumes.store import VolumeStore

with job_log(snakemake.log[0], snakemake.output):
    keep_memory()
    files, params = snakemake.input, snakemake.params
    index = read_table(Path(files.index), TASK_INDEX)
    decided = settled_pairs(read_table(Path(files.decisions), DECISIONS))
    tasks = tasks_to_learn(index, params.splits, params.most_volumes, decided["task"])
    if params.half is not None:
        aside = half_of(index, tasks, params.half)
        tasks = [task for task in tasks if task not in aside]
    model, info = load_checkpoint(Path(files.checkpoint))
    training = AgglomerationTraining.from_mapping(params.training, "learn.training")
    checkpoint = Path(snakemake.output.checkpoint)
    resume = checkpoint.with_suffix(f".{RESUME_FILE}")
    model.network = tune_affinities(
        model.network,
        model.learned_nm,
        known_answers(index, tasks, decided),
        VolumeStore.open(
            files.volumes, params.geometry, params.voxel_nm, files.manifest
        ),
        training,
        resume,
        device=resolve_device(
            training.device, cuda_granted=snakemake.resources.cuda > 0
        ),
        threads=snakemake.threads,
    )
    # What was fitted to the evidence of the network before is not fitted to this one.
    info = replace(info, memberships={}, operating_point=None, adapted=None)
    save_checkpoint(checkpoint, model, info)
    resume.unlink(missing_ok=True)
