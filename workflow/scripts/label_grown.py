"""Write grown cells as a volume of labels."""

from pathlib import Path

from eyewire_validator.growth.block import Block, corners_in
from eyewire_validator.growth.labels import CellLabels, segments_of_grown
from eyewire_validator.jobs.log import job_log
from eyewire_validator.storage.array_files.ome_zarr_writer import create_zarr_labels
from eyewire_validator.storage.array_files.precomputed_writer import PRECOMPUTED_LABELS
from eyewire_validator.storage.schemas.cells import CATALOG
from eyewire_validator.storage.schemas.growth import GROWN
from eyewire_validator.storage.tables import read_table
from eyewire_validator.volumes.dust import Dust
from eyewire_validator.volumes.store import VolumeStore

with job_log(snakemake.log[0], snakemake.output):
    files, params = snakemake.input, snakemake.params
    store = VolumeStore.open(
        files.volumes, params.geometry, params.voxel_nm, files.manifest
    )
    corners = corners_in(read_table(Path(files.catalog), CATALOG))
    grown = read_table(Path(files.grown), GROWN)
    labels = CellLabels(segments_of_grown(grown), Block(store, corners, Dust(0)))
    for name, create in (
        ("labels", PRECOMPUTED_LABELS),
        ("zarr", create_zarr_labels),
    ):
        labels.mosaic.write(Path(snakemake.output[name]), create, labels.read)
    shape = labels.mosaic.shape.tolist()
    print(f"{grown['cell'].nunique()} cells in {shape} voxels (z, y, x)")
