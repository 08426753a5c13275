"""Let a model answer every task of a split."""

from pathlib import Path

from eyewire_validator.devices import resolve_device
from eyewire_validator.geometry import VolumeGeometry
from eyewire_validator.logs import job_log
from eyewire_validator.models.checkpoint import load_checkpoint
from eyewire_validator.models.settings import ModelSettings
from eyewire_validator.prediction import evaluate
from eyewire_validator.tables import TASK_INDEX, TASK_METRICS, read_table, write_table
from eyewire_validator.volume_store import VolumeStore

with job_log(snakemake.log[0]):
    index = read_table(Path(snakemake.input.index), TASK_INDEX)
    device = resolve_device(
        snakemake.params.device, cuda_granted=snakemake.resources.cuda > 0
    )
    model = None
    if snakemake.input.checkpoint:
        model, _ = load_checkpoint(Path(snakemake.input.checkpoint), device)
    metrics = evaluate(
        index.loc[index["split"] == snakemake.wildcards.split, "task"].tolist(),
        index,
        VolumeStore(
            Path(snakemake.params.volumes), VolumeGeometry(**snakemake.params.geometry)
        ),
        ModelSettings.from_config(snakemake.params.model),
        model,
        loops=int(snakemake.wildcards.loops),
        threads=snakemake.threads,
        **snakemake.params.evaluation,
    )
    metadata = {"leaked": str(snakemake.params.leaked).lower()}
    write_table(Path(snakemake.output[0]), metrics, TASK_METRICS, metadata)
