"""List what is to be done with each segment, by the user's own ids."""

from pathlib import Path

import pandas as pd

from eyewire_validator.evaluation.comparison import to_csv
from eyewire_validator.evaluation.decision_list import list_decisions
from eyewire_validator.evaluation.decisions import Decisions
from eyewire_validator.jobs.log import job_log
from eyewire_validator.storage.files import read_json, write_bytes
from eyewire_validator.storage.schemas.evaluation import SEGMENT_SCORES, TASK_ANSWERS
from eyewire_validator.storage.schemas.index import TASK_INDEX
from eyewire_validator.storage.tables import read_table
from eyewire_validator.tasks.lineage import Lineage
from eyewire_validator.tasks.origins import Origins
from eyewire_validator.volumes.voxel_size import voxel_size

with job_log(snakemake.log[0], snakemake.output):
    files, params = snakemake.input, snakemake.params
    manifest = Path(files.manifest) if files.manifest else None
    lineage = Lineage(read_table(Path(files.index), TASK_INDEX))
    origins = Origins(Path(files.supervoxels) if files.supervoxels else None)
    splits = []
    for split, segments, answers, summary in zip(
        params.splits, files.segments, files.answers, files.summaries, strict=True
    ):
        tasks = read_table(Path(answers), TASK_ANSWERS)
        listed = list_decisions(
            read_table(Path(segments), SEGMENT_SCORES),
            tasks,
            Decisions.from_json(read_json(Path(summary))["decisions"]),
            {task: origins.of_seed(lineage.task(task)) for task in tasks["task"]},
            voxel_nm=voxel_size(params.voxel_nm, manifest),
            offset_nm=read_json(manifest)["offset_nm"] if manifest else None,
        )
        splits.append(listed.assign(split=split))
    text = to_csv(pd.concat(splits, ignore_index=True))
    write_bytes(Path(snakemake.output[0]), text.encode())
