"""Answer the tasks of a split, or a part of them, with a model with weights."""

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
from eyewire_validator.learning.devices import (
    keep_memory,
    resolve_device,
    torch_threads,
)
from eyewire_validator.models.alarm import alarm_of
from eyewire_validator.models.answer import load_answerer
from eyewire_validator.storage.schemas.index import TASK_INDEX
from eyewire_validator.storage.tables import read_table
from eyewire_validator.tasks.lineage import Lineage
from eyewire_validator.tasks.origins import Origins
from eyewire_validator.volumes.geometry import VolumeGeometry
from eyewire_validator.volumes.store import VolumeStore
from eyewire_validator.volumes.voxel_size import coarsened, voxel_size

files, params = snakemake.input, snakemake.params
# Parts are gone once they are joined.
kept = snakemake.output if params.parts == 1 else []

with job_log(snakemake.log[0], kept), torch_threads(snakemake.threads):
    keep_memory()
    index = read_table(Path(files.index), TASK_INDEX)
    store = VolumeStore(map(Path, files.volumes), VolumeGeometry(**params.geometry))
    device = resolve_device(params.device, cuda_granted=snakemake.resources.cuda > 0)
    tasks = part_of_batches(
        tasks_of_split(index, snakemake.wildcards.split),
        params.evaluation["batch_size"],
        params.part,
        params.parts,
    )
    evaluation_settings = EvaluationSettings(**params.evaluation)
    settings = model_settings(params.model)
    make_answerer = load_answerer(
        settings,
        Resources(
            store=store,
            dust=evaluation_settings.dust,
            tasks=tasks,
            loops=params.loops,
        ),
        Path(files.checkpoint),
        device,
    )
    manifest = Path(files.manifest) if files.manifest else None
    voxel_nm = coarsened(voxel_size(params.voxel_nm, manifest), store.geometry.factor)
    found = evaluate(
        tasks,
        Lineage(index),
        store,
        make_answerer(index),
        params.loops,
        evaluation_settings,
        neurons=read_neurons(Path(files.truth)) if files.truth else None,
        origins=Origins(Path(files.supervoxels) if files.supervoxels else None),
        alarm=alarm_of(Path(files.checkpoint), store, voxel_nm),
    )
    for evaluation, *tables in zip(
        found.values(), snakemake.output.tasks, snakemake.output.segments, strict=True
    ):
        save_evaluation(evaluation, *map(Path, tables), params.metadata)
