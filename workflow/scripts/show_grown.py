"""Write a state of Neuroglancer, and what grown cells are shown beside in it."""

from pathlib import Path

import pandas as pd

from eyewire_validator.growth.block import Block, corners_in
from eyewire_validator.growth.labels import CellLabels, segments_of_truth
from eyewire_validator.growth.mosaic import Mosaic
from eyewire_validator.growth.neuroglancer import make_state, point_in
from eyewire_validator.growth.shown import best_and_worst
from eyewire_validator.growth.truth import truth_of
from eyewire_validator.jobs.log import job_log
from eyewire_validator.storage.array_files.precomputed_writer import (
    PRECOMPUTED_IMAGE,
    PRECOMPUTED_LABELS,
)
from eyewire_validator.storage.files import write_json
from eyewire_validator.storage.schemas.cells import CATALOG
from eyewire_validator.storage.schemas.growth import GROWN
from eyewire_validator.storage.schemas.index import TASK_INDEX
from eyewire_validator.storage.tables import read_table
from eyewire_validator.volumes.dust import Dust
from eyewire_validator.volumes.store import VolumeStore

with job_log(snakemake.log[0], snakemake.output):
    files, params, output = snakemake.input, snakemake.params, snakemake.output
    store = VolumeStore.open(
        files.volumes, params.geometry, params.voxel_nm, files.manifest
    )
    corners = corners_in(read_table(Path(files.catalog), CATALOG))
    block = Block(store, corners, Dust(0))
    grown = read_table(Path(files.grown), GROWN)
    image = Mosaic(block, block.corners)
    image.write(Path(output.image), PRECOMPUTED_IMAGE, image.image)
    folders = {"image": output.image, "grown": files.labels}
    cells = []
    if files.cells:
        truth = truth_of(read_table(Path(files.index), TASK_INDEX))
        labels = CellLabels(segments_of_truth(truth), block)
        labels.mosaic.write(Path(output.truth), PRECOMPUTED_LABELS, labels.read)
        folders["truth"] = output.truth
        measured = pd.read_csv(files.cells)
        found = best_and_worst(measured[measured["how"] == "grown"])
        cells = [*dict.fromkeys(found.values())]
    first = cells or grown["cell"].head(1).tolist()
    point = point_in(grown, first[0], block) if first else (0, 0, 0)
    sources = {
        name: f"precomputed://{params.served_at}/{folder}"
        for name, folder in folders.items()
    }
    state = make_state(sources, store.coarse_voxel_nm, point, cells)
    write_json(Path(output.state), state)
    print(f"{', '.join(sources)}; at {list(point)} (z, y, x) {cells or 'all cells'}")
