"""Skeletonize the cells whose answer is known."""

from pathlib import Path

from eyewire_validator.growth.block import Block, corners_in
from eyewire_validator.growth.skeletons import skeletons_of
from eyewire_validator.growth.truth import truth_of
from eyewire_validator.jobs.log import job_log
from eyewire_validator.storage.schemas.cells import CATALOG
from eyewire_validator.storage.schemas.growth import SKELETON_NODES
from eyewire_validator.storage.schemas.index import TASK_INDEX
from eyewire_validator.storage.tables import read_table, write_table
from eyewire_validator.volumes.dust import Dust
from eyewire_validator.volumes.store import VolumeStore

with job_log(snakemake.log[0], snakemake.output):
    files, params = snakemake.input, snakemake.params
    store = VolumeStore.open(
        files.volumes, params.geometry, params.voxel_nm, files.manifest
    )
    corners = corners_in(read_table(Path(files.catalog), CATALOG))
    block = Block(store, corners, Dust(0))
    truth = truth_of(read_table(Path(files.index), TASK_INDEX))
    nodes = skeletons_of(block, truth)
    write_table(Path(snakemake.output[0]), nodes, SKELETON_NODES)
    print(f"{nodes['cell'].nunique()} cells, {len(nodes)} nodes")
