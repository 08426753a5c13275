"""Let a network, or several together, answer every task of a split."""

from pathlib import Path

from eyewire_validator.answerers.network import NetworkAnswerer, samples_of
from eyewire_validator.answerers.people import read_neurons
from eyewire_validator.devices import resolve_device, torch_threads
from eyewire_validator.geometry import VolumeGeometry
from eyewire_validator.lineage import Lineage
from eyewire_validator.logs import job_log
from eyewire_validator.models.checkpoint import load_checkpoint
from eyewire_validator.prediction import EvaluationSettings, evaluate, save_evaluation
from eyewire_validator.tables import TASK_INDEX, read_table
from eyewire_validator.volume_store import VolumeStore

with job_log(snakemake.log[0], snakemake.output), torch_threads(snakemake.threads):
    params = snakemake.params
    index = read_table(Path(snakemake.input.index), TASK_INDEX)
    store = VolumeStore(Path(params.volumes), VolumeGeometry(**params.geometry))
    device = resolve_device(params.device, cuda_granted=snakemake.resources.cuda > 0)
    loaded = [load_checkpoint(Path(c), device) for c in snakemake.input.checkpoints]
    settings = loaded[0][1].model_settings
    tasks = index.loc[index["split"] == snakemake.wildcards.split, "task"].tolist()
    found = evaluate(
        tasks,
        Lineage(index),
        store,
        NetworkAnswerer(
            [model for model, _ in loaded],
            samples_of(tasks, index, store, settings, device),
            settings,
            params.loops,
        ),
        params.loops,
        EvaluationSettings(**params.evaluation),
        neurons=read_neurons(Path(params.truth)) if params.truth else None,
        title=settings.title,
    )
    for evaluation, *files in zip(
        found.values(), snakemake.output.tasks, snakemake.output.segments, strict=True
    ):
        save_evaluation(evaluation, *map(Path, files), params.metadata)
