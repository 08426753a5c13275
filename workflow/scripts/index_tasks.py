"""Index the tasks and split them."""

from pathlib import Path

import pandas as pd

from eyewire_validator.files import read_json, write_json
from eyewire_validator.index import build_index, cut_aggregates
from eyewire_validator.logs import job_log
from eyewire_validator.split import SplitSettings, assign_splits, count_splits
from eyewire_validator.tables import (
    CELL_TASKS,
    SEGMENTS_OF_VOLUME,
    TASK_INDEX,
    read_table,
    write_table,
)

with job_log(snakemake.log[0]):
    tasks = pd.concat(
        read_table(Path(table), CELL_TASKS) for table in snakemake.input.tables
    )
    segments = pd.concat(
        read_table(
            Path(manifest).parents[1] / volume / "segments.parquet", SEGMENTS_OF_VOLUME
        ).assign(volume=int(volume))
        for manifest in snakemake.input.manifests
        for volume in read_json(Path(manifest))
    )
    index = assign_splits(
        build_index(cut_aggregates(tasks, **snakemake.params.aggregate), segments),
        SplitSettings(**snakemake.params.split),
        snakemake.params.stride,
    )
    write_table(Path(snakemake.output.index), index, TASK_INDEX)
    write_json(Path(snakemake.output.counts), count_splits(index))
