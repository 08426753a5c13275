"""Picture tasks and their answers: a typical one, then those with the most edits."""

from pathlib import Path

from eyewire_validator.answers import Resources
from eyewire_validator.config.families import NetworkSettings
from eyewire_validator.config.kinds import model_settings
from eyewire_validator.evaluation.error_analysis import outcomes, worst_tasks
from eyewire_validator.evaluation.voxel_metrics import typical_task
from eyewire_validator.figures import (
    Heading,
    TaskPicture,
    draw_no_task,
    draw_task,
    save_figure,
)
from eyewire_validator.jobs.log import job_log
from eyewire_validator.learning.devices import torch_threads
from eyewire_validator.models.answer import load_answerer
from eyewire_validator.storage.files import read_json, write_bytes
from eyewire_validator.storage.schemas.evaluation import (
    SEGMENT_SCORES,
    TASK_ANSWERS,
    TASK_METRICS,
)
from eyewire_validator.storage.schemas.index import TASK_INDEX
from eyewire_validator.storage.tables import read_table
from eyewire_validator.volumes.dust import Dust
from eyewire_validator.volumes.geometry import VolumeGeometry
from eyewire_validator.volumes.store import VolumeStore
from eyewire_validator.voxel_network.samples import SampleLoader


def picture_task(task: int) -> TaskPicture:
    """Answer a task again; its segments are as they were decided."""
    scores = segments[segments["task"] == task]
    return TaskPicture.of(
        loader.load(task),
        answerer([task])[0][params.loops],
        store.get(loader.lineage.task(task).volume_id).segmentation,
        outcomes(scores, threshold),
    )


with job_log(snakemake.log[0], snakemake.output), torch_threads(snakemake.threads):
    files, params = snakemake.input, snakemake.params
    index = read_table(Path(files.index), TASK_INDEX)
    store = VolumeStore(map(Path, files.volumes), VolumeGeometry(**params.geometry))
    settings = model_settings(params.model)
    answerer = load_answerer(
        settings,
        Resources(store=store, dust=Dust(**params.dust), loops=[params.loops]),
        Path(files.checkpoint),
    )(index)
    # An agglomeration has no context channels to be shown.
    shown = (
        settings if isinstance(settings, NetworkSettings) else NetworkSettings(title="")
    )
    loader = SampleLoader(index, store, shown)
    answers = read_table(Path(files.answers), TASK_ANSWERS)
    segments = read_table(Path(files.segments), SEGMENT_SCORES)
    threshold = read_json(Path(files.decisions))["threshold"]
    heading = Heading(**params.heading)
    typical = typical_task(read_table(Path(files.tasks), TASK_METRICS))
    first, *others = (Path(png).with_suffix("") for png in snakemake.output.png)
    worst = worst_tasks(answers, len(others))
    shown = [(first, typical, f"median of {len(answers):,} tasks")]
    shown += [
        (stem, task, f"place {place} of {len(answers):,} by edits")
        for place, (stem, task) in enumerate(zip(others, worst, strict=False), start=1)
    ]
    for stem, task, chosen in shown:
        figure = draw_task(
            picture_task(task),
            heading,
            task=task,
            chosen=chosen,
            threshold=params.threshold,
            at_errors=stem != first,
        )
        save_figure(figure, stem)
    for stem in others[len(worst) :]:
        save_figure(draw_no_task(heading, len(answers)), stem)
    table = answers.set_index("task").loc[[task for _, task, _ in shown]].reset_index()
    table.insert(0, "figure", [stem.name for stem, *_ in shown])
    write_bytes(Path(snakemake.output.csv), table.to_csv(index=False).encode())
