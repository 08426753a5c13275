"""Index the tasks and split them."""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from eyewire_validator.jobs.log import job_log
from eyewire_validator.storage.files import read_json, write_json
from eyewire_validator.storage.hashes import file_hash, settings_hash
from eyewire_validator.storage.schemas.cells import CELL_TASKS
from eyewire_validator.storage.schemas.index import TASK_INDEX
from eyewire_validator.storage.schemas.registry import REGISTRY
from eyewire_validator.storage.schemas.volumes import SEGMENTS_OF_VOLUME
from eyewire_validator.storage.tables import (
    read_columns,
    read_table,
    read_tables,
    write_table,
)
from eyewire_validator.tasks.index import (
    COLUMNS,
    build_index,
    cells_in_progress,
    cut_aggregates,
)
from eyewire_validator.tasks.split import SplitSettings, assign_splits, count_splits


def segments_of_volumes() -> Iterator[tuple[int, pd.DataFrame]]:
    """Read the segments of one volume after the other."""
    for manifest, folder in zip(manifests, snakemake.input.volumes, strict=True):
        for volume in read_json(manifest):
            segments = Path(folder) / volume / "segments.parquet"
            columns = ["segment", "coarse_voxels"]
            table = read_columns(segments, SEGMENTS_OF_VOLUME, columns)
            yield int(volume), table.to_pandas()


with job_log(snakemake.log[0], snakemake.output):
    manifests = [Path(manifest) for manifest in snakemake.input.manifests]
    registry = read_table(Path(snakemake.input.registry), REGISTRY)
    of_listed = [
        cell
        for table in snakemake.input.listed
        for cell in read_columns(Path(table), CELL_TASKS, ["cell"])["cell"].to_pylist()
    ]
    # No name holds on to the tables in between: each is as large as the index.
    index = assign_splits(
        build_index(
            cut_aggregates(
                read_tables(map(Path, snakemake.input.tables), CELL_TASKS, COLUMNS),
                **snakemake.params.aggregate,
            ),
            segments_of_volumes(),
            cells_in_progress(registry, of_listed),
        ),
        SplitSettings(**snakemake.params.split),
        snakemake.params.stride,
    )
    # Other bytes of a volume make another index, and stale what is made from both.
    volumes = {"volumes": settings_hash([file_hash(file) for file in manifests])}
    write_table(Path(snakemake.output.index), index, TASK_INDEX, volumes)
    write_json(Path(snakemake.output.counts), count_splits(index))
