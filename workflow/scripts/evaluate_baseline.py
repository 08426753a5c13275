"""Answer the tasks of a split with a model without weights."""

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
from eyewire_validator.jobs.log import job_log
from eyewire_validator.models.answer import load_answerer
from eyewire_validator.storage.schemas.index import TASK_INDEX
from eyewire_validator.storage.tables import read_table
from eyewire_validator.tasks.lineage import Lineage
from eyewire_validator.tasks.origins import Origins
from eyewire_validator.volumes.geometry import VolumeGeometry
from eyewire_validator.volumes.store import VolumeStore

with job_log(snakemake.log[0], snakemake.output):
    files, params = snakemake.input, snakemake.params
    index = read_table(Path(files.index), TASK_INDEX)
    store = VolumeStore(map(Path, files.volumes), VolumeGeometry(**params.geometry))
    settings = model_settings(params.model)
    evaluation_settings = EvaluationSettings(**params.evaluation)
    truth = Path(files.truth) if files.truth else None
    make_answerer = load_answerer(
        settings,
        Resources(
            store=store,
            dust=evaluation_settings.dust,
            people=truth,
            replicate=int(snakemake.wildcards.replicate),
        ),
    )
    evaluation = evaluate(
        tasks_of_split(index, snakemake.wildcards.split),
        Lineage(index),
        store,
        make_answerer(index),
        [1],
        evaluation_settings,
        neurons=read_neurons(truth) if truth else None,
        origins=Origins(Path(files.supervoxels) if files.supervoxels else None),
    )[1]
    tasks, segments = Path(snakemake.output.tasks), Path(snakemake.output.segments)
    save_evaluation(evaluation, tasks, segments, params.metadata)
