"""List what is to be done with each segment and each task, by the user's own ids."""

from pathlib import Path

import pandas as pd

from eyewire_validator.evaluation.decision_list import (
    list_answers,
    list_unanswered,
)
from eyewire_validator.jobs.log import job_log
from eyewire_validator.models.thresholds import read_thresholds
from eyewire_validator.storage.schemas.answers import ANSWERS
from eyewire_validator.storage.schemas.evaluation import SEGMENT_SCORES, TASK_METRICS
from eyewire_validator.storage.schemas.index import OPEN, TASK_INDEX
from eyewire_validator.storage.tables import read_table, write_csv, write_table
from eyewire_validator.tasks.lineage import Lineage
from eyewire_validator.tasks.origins import Origins
from eyewire_validator.volumes.frame import Frame

with job_log(snakemake.log[0], snakemake.output):
    files, params = snakemake.input, snakemake.params
    index = read_table(Path(files.index), TASK_INDEX)
    lineage = Lineage(index)
    origins = Origins(files.supervoxels)
    thresholds = read_thresholds(Path(files.thresholds))
    frame = Frame.open(params.voxel_nm, files.manifest)
    left_out = index[(index["state"] == OPEN) & index["excluded"].notna()]
    answers, verdicts = [], [list_unanswered(left_out)]
    for split, segments, tasks in zip(
        params.splits, files.segments, files.tasks, strict=True
    ):
        metrics = read_table(Path(tasks), TASK_METRICS)
        seeds = {task: origins.of_seed(lineage.task(task)) for task in metrics["task"]}
        listed, of_tasks = list_answers(
            read_table(Path(segments), SEGMENT_SCORES),
            metrics,
            thresholds,
            seeds,
            frame,
            split,
        )
        answers.append(listed)
        verdicts.append(of_tasks)
    listed = pd.concat(answers, ignore_index=True)
    write_table(Path(snakemake.output.answers), listed, ANSWERS, params.metadata)
    # For people, the most probable segments of each task come first.
    by_task = listed.sort_values(["task", "probability"], ascending=[True, False])
    write_csv(Path(snakemake.output.decisions), by_task)
    of_tasks = pd.concat(verdicts, ignore_index=True)
    write_csv(Path(snakemake.output.tasks), of_tasks)
    print(of_tasks.groupby(["split", "verdict"]).size().to_string())
