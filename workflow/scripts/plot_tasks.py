"""Picture tasks and their answers: a typical one, then those with the most edits."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from eyewire_validator.answers import (
    Answer,
    Resources,
    answer_in_segments,
    no_segments,
)
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
from eyewire_validator.storage.files import read_json
from eyewire_validator.storage.schemas.evaluation import (
    SEGMENT_SCORES,
    TASK_ANSWERS,
    TASK_METRICS,
)
from eyewire_validator.storage.schemas.index import TASK_INDEX
from eyewire_validator.storage.tables import read_table, read_tables, write_csv
from eyewire_validator.tasks.lineage import Lineage
from eyewire_validator.volumes.dust import Dust
from eyewire_validator.volumes.geometry import VolumeGeometry
from eyewire_validator.volumes.store import VolumeStore

# From a task to its sample, (channels, z, y, x) uint8, and its answer.
Read = Callable[[int], tuple[NDArray[np.uint8], Answer]]


def network_reader() -> Read:
    """Return what loads a task's sample and has the network answer it again."""
    from eyewire_validator.learning.devices import torch_threads
    from eyewire_validator.models.answer import load_answerer
    from eyewire_validator.voxel_network.samples import SampleLoader

    resources = Resources(store=store, dust=Dust(**params.dust), loops=[params.loops])
    answerer = load_answerer(settings, resources, Path(files.checkpoint))(index)
    loader = SampleLoader(index, store, settings)

    def read(task: int) -> tuple[NDArray[np.uint8], Answer]:
        with torch_threads(snakemake.threads):
            return loader.load(task), answerer([task])[0][params.loops]

    return read


def segment_reader() -> Read:
    """Return what loads a task's sample and paints its segments as scored."""

    def read(task: int) -> tuple[NDArray[np.uint8], Answer]:
        row = lineage.task(task)
        volume = store.get(row.volume_id)
        masks = [volume.mask(row.seed), volume.mask(row.aggregate)]
        scores = segments[segments["task"] == task]
        probability = no_segments()
        probability[scores["segment"]] = scores["probability"]
        answer = answer_in_segments(volume.segmentation, row.seed, probability)
        return np.stack([volume.image, *masks]), answer

    return read


def picture_task(task: int) -> TaskPicture:
    """Picture a task; its segments are as they were decided."""
    return TaskPicture.of(
        *read(task),
        store.get(lineage.task(task).volume_id).segmentation,
        outcomes(segments[segments["task"] == task], threshold),
    )


with job_log(snakemake.log[0], snakemake.output):
    files, params = snakemake.input, snakemake.params
    index = read_table(Path(files.index), TASK_INDEX)
    store = VolumeStore(map(Path, files.volumes), VolumeGeometry(**params.geometry))
    settings = model_settings(params.model)
    lineage = Lineage(index)
    answers = read_table(Path(files.answers), TASK_ANSWERS)
    segments = read_tables(
        [Path(files.segments)],
        SEGMENT_SCORES,
        ["task", "segment", "probability", "truth"],
    )
    threshold = read_json(Path(files.decisions))["threshold"]
    is_network = isinstance(settings, NetworkSettings)
    read = network_reader() if is_network else segment_reader()
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
    write_csv(Path(snakemake.output.csv), table, exact=True)
