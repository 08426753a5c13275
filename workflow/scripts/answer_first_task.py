"""Draw one task, have the ready-made model answer it, and show the answer."""

import sys
from pathlib import Path

import numpy as np
import pandas as pd

from eyewire_validator.answers import answer_in_segments, no_segments
from eyewire_validator.figures import Heading, TaskPicture, draw_task, save_figure
from eyewire_validator.jobs.log import job_log
from eyewire_validator.learning.devices import torch_threads
from eyewire_validator.models.segment_validator import load_segment_validator
from eyewire_validator.sandbox.sample_task import SampleTask, draw_sample_task
from eyewire_validator.sandbox.tissue.retina import RetinaSettings
from eyewire_validator.storage.tables import write_csv
from eyewire_validator.volumes.dust import Dust
from eyewire_validator.volumes.geometry import VolumeGeometry

# Rows of the answer that are printed.
SHOWN = 6


def picture_of(task: SampleTask, answer: pd.DataFrame) -> TaskPicture:
    """Picture the task with every segment as probable as it was answered."""
    seed, truth = (np.array(sorted(part)) for part in (task.seed, task.truth))
    probability = no_segments()
    probability[answer["segment"]] = answer["probability"]
    ids = answer["segment"].to_numpy(np.int64)
    chosen, belongs = answer["chosen"], answer["belongs"]
    image, segmentation, _ = task.volume
    return TaskPicture.of(
        np.stack([image, task.volume.mask(seed), task.volume.mask(truth)]),
        answer_in_segments(segmentation, seed, probability),
        segmentation,
        {
            "correct": ids[chosen & belongs],
            "missed": ids[~chosen & belongs],
            "false": ids[chosen & ~belongs],
        },
    )


def in_words(task: SampleTask, answer: pd.DataFrame, picture: str) -> str:
    """Describe the question, the answer, and how much of it is right."""
    seed = ", ".join(map(str, sorted(task.seed)))
    right = int((answer["chosen"] & answer["belongs"]).sum())
    first = answer.head(SHOWN).to_string(
        index=False, formatters={"probability": "{:.2f}".format}
    )
    return (
        f"A first answer, of the ready-made model to one task of {len(answer):,} "
        f"segments: which belong with segment {seed}?\n{first}\n... It chose "
        f"{answer['chosen'].sum()}, of which {right} belong; "
        f"{answer['belongs'].sum()} do.\nPicture: {picture}"
    )


with (
    job_log(snakemake.log[0], snakemake.output),
    torch_threads(snakemake.threads),
):
    params, output = snakemake.params, snakemake.output
    task = draw_sample_task(
        RetinaSettings(**params.retina),
        VolumeGeometry(**params.geometry),
        Dust(**params.dust),
        params.random_seed,
    )
    validator = load_segment_validator(snakemake.input[0])
    answer = validator.answer(task.volume.image, task.volume.segmentation, task.seed)
    answer["chosen"] = answer["probability"] > params.threshold
    answer["belongs"] = answer["segment"].isin(task.truth)
    figure = draw_task(
        picture_of(task, answer),
        Heading(validator.info.model_settings.title, "", leaked=False),
        task=1,
        chosen="the neuron with the most segments",
        threshold=params.threshold,
    )
    save_figure(figure, Path(output.png).with_suffix(""))
    write_csv(Path(output.csv), answer, exact=True)
    # In the log of the job, and on the terminal.
    for stream in (sys.stdout, sys.__stderr__):
        print(in_words(task, answer, output.png), file=stream)
