"""Draw one task and its answer."""

from pathlib import Path

from eyewire_validator.figures import Heading, draw_task, save_figure
from eyewire_validator.geometry import VolumeGeometry
from eyewire_validator.logs import job_log
from eyewire_validator.metrics import typical_task
from eyewire_validator.models.checkpoint import load_checkpoint
from eyewire_validator.prediction import answer_task
from eyewire_validator.tables import TASK_INDEX, TASK_METRICS, read_table
from eyewire_validator.volume_store import VolumeStore

with job_log(snakemake.log[0]):
    task = typical_task(read_table(Path(snakemake.input.metrics), TASK_METRICS))
    model, info = load_checkpoint(Path(snakemake.input.checkpoint))
    picture = answer_task(
        task,
        read_table(Path(snakemake.input.index), TASK_INDEX),
        VolumeStore(
            Path(snakemake.params.volumes), VolumeGeometry(**snakemake.params.geometry)
        ),
        info.model_settings,
        model,
        loops=int(snakemake.wildcards.loops),
    )
    figure = draw_task(
        picture,
        Heading(**snakemake.params.heading),
        task=task,
        chosen="median IoU without seed",
        threshold=snakemake.params.threshold,
    )
    save_figure(figure, Path(snakemake.output.png).with_suffix(""))
