"""Answer the tasks of each split, or a part of them, with a model."""

from contextlib import ExitStack
from pathlib import Path

from eyewire_validator.answers import Resources
from eyewire_validator.baselines.people import read_neurons
from eyewire_validator.config.kinds import model_settings
from eyewire_validator.evaluation.evaluate import (
    EvaluationSettings,
    evaluate,
    save_evaluation,
    tasks_of_split,
)
from eyewire_validator.evaluation.voxel_counts import part_of_batches
from eyewire_validator.jobs.log import job_log
from eyewire_validator.models.answer import load_answerer
from eyewire_validator.storage.schemas.index import TASK_INDEX
from eyewire_validator.storage.tables import read_table
from eyewire_validator.tasks.lineage import Lineage
from eyewire_validator.tasks.origins import Origins
from eyewire_validator.volumes.store import VolumeStore

files, params = snakemake.input, snakemake.params
# Parts are gone once they are joined.
kept = snakemake.output if params.parts == 1 else []
# What not every model has, or not every source of tasks.
truth, supervoxels, checkpoint = (
    Path(files.get(name)) if files.get(name) else None
    for name in ("truth", "supervoxels", "checkpoint")
)

with job_log(snakemake.log[0], kept), ExitStack() as until_done:
    index = read_table(Path(files.index), TASK_INDEX)
    store = VolumeStore.open(
        files.volumes, params.geometry, params.voxel_nm, files.get("manifest")
    )
    settings = model_settings(params.model)
    evaluation_settings = EvaluationSettings(**params.evaluation)
    to_answer = [
        part_of_batches(
            tasks_of_split(index, split),
            evaluation_settings.batch_size,
            params.part,
            params.parts,
        )
        for split in params.splits
    ]
    device, alarm = None, {}
    if checkpoint:
        # Baselines do without torch, which takes two seconds to import.
        from eyewire_validator.learning.devices import (
            keep_memory,
            resolve_device,
            torch_threads,
        )
        from eyewire_validator.models.alarm import alarm_of

        until_done.enter_context(torch_threads(snakemake.threads))
        keep_memory()
        granted = snakemake.resources.cuda > 0
        device = resolve_device(params.device, cuda_granted=granted)
        alarm = {"alarm": alarm_of(checkpoint, store)}
    resources = Resources(
        store=store,
        dust=evaluation_settings.dust,
        people=truth,
        replicate=int(snakemake.wildcards.replicate),
        tasks=[task for tasks in to_answer for task in tasks],
        loops=params.loops,
    )
    answerer = load_answerer(settings, resources, checkpoint, device)(index)
    tables = zip(snakemake.output.tasks, snakemake.output.segments, strict=True)
    for tasks in to_answer:
        found = evaluate(
            tasks,
            Lineage(index),
            store,
            answerer,
            params.loops,
            evaluation_settings,
            neurons=read_neurons(truth) if truth else None,
            origins=Origins(supervoxels),
            **alarm,
        )
        for evaluation in found.values():
            save_evaluation(evaluation, *map(Path, next(tables)), params.metadata)
