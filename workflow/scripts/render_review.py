"""Ask what people should decide, on a page and in Neuroglancer."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from eyewire_validator.growth.stops import lineage_with_stops
from eyewire_validator.jobs.log import job_log
from eyewire_validator.review.crops import cut_crop, pack_crop
from eyewire_validator.review.neuroglancer import make_state
from eyewire_validator.review.page import describe_items, hash_of_queue, page_files
from eyewire_validator.storage.files import write_json, write_text
from eyewire_validator.storage.schemas.growth import GROWN
from eyewire_validator.storage.schemas.index import TASK_INDEX
from eyewire_validator.storage.schemas.review import QUEUE
from eyewire_validator.storage.tables import read_table
from eyewire_validator.volumes.store import VolumeStore


def crops() -> Iterator[dict[str, Any]]:
    """Yield the crop of each question."""
    for row in queue.itertuples():
        task = lineage.task(row.task)
        corner = task.corner or (0, 0, 0)
        point = (np.array([row.z, row.y, row.x]) - corner) // store.geometry.factor
        yield pack_crop(cut_crop(store.get(row.volume), task.seed, row.segment, point))


with job_log(snakemake.log[0], snakemake.output):
    files, params = snakemake.input, snakemake.params
    queue = read_table(Path(files.queue), QUEUE).head(params.page_items)
    lineage = lineage_with_stops(
        read_table(Path(files.index), TASK_INDEX),
        read_table(Path(files.grown), GROWN) if files.grown else None,
    )
    store = VolumeStore.open(
        files.volumes, params.geometry, params.voxel_nm, files.manifest
    )
    unit = "nm" if store.voxel_nm else "voxels"
    items = describe_items(queue)
    state = make_state(items, hash_of_queue(items), store.voxel_nm, *params.sources)
    folder = Path(snakemake.output.page).parent
    Path(snakemake.output.parts).mkdir()
    for name, text in page_files(items, crops(), unit):
        write_text(folder / name, text)
    write_json(Path(snakemake.output.neuroglancer), state)
    print(f"{len(queue)} questions on the page")
