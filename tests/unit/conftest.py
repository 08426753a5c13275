"""Tiny volumes and task indexes, in the form that the workflow gives them."""

import numpy as np
import pandas as pd
import pytest

from eyewire_validator.storage.files import write_array
from eyewire_validator.storage.schemas.index import TASK_INDEX
from eyewire_validator.storage.schemas.volumes import (
    COVERAGE,
    SEGMENT_GRAPH,
    SEGMENTS_OF_VOLUME,
)
from eyewire_validator.storage.tables import read_table, write_table
from eyewire_validator.volumes.geometry import VolumeGeometry
from eyewire_validator.volumes.store import VolumeStore


@pytest.fixture
def geometry():
    """8 coarse voxels an edge, 6 from one volume to the next."""
    return VolumeGeometry(size=32, overlap=8, factor=4)


@pytest.fixture
def make_index(tmp_path):
    """Return a function that makes a TASK_INDEX of rows (dictionaries)."""

    def make(*rows):
        defaults = {
            "cell": 7, "parent": None, "volume": None, "depth": 0, "status": 0,
            "weight": 3.0, "votes": 3, "seed": [1], "aggregate": [1], "split": None,
            "seed_voxels": 1, "aggregate_voxels": 1,
            "seedless_voxels": 0, "min_z": 0, "min_y": 0, "min_x": 0,
            "max_z": 32, "max_y": 32, "max_x": 32, "state": "labelled",
            "excluded": None,
        }  # fmt: skip
        rows = [{**defaults, **row} for row in rows]
        agreed = [{"aggregate_weights": [1.0] * len(row["aggregate"])} for row in rows]
        frame = pd.DataFrame([{**a, **r} for a, r in zip(agreed, rows, strict=True)])
        nullable = [field.name for field in TASK_INDEX if field.nullable]
        for name in set(nullable) - {"weight", "split", "excluded"}:
            frame[name] = frame[name].astype("Int64")
        path = tmp_path / "index.parquet"
        write_table(path, frame, TASK_INDEX)
        return read_table(path, TASK_INDEX)

    return make


def write_tables(folder, segmentation):
    """Write segments.parquet and coverage.parquet of a coarse segmentation."""
    coarse_voxels = np.flatnonzero(segmentation)
    coverage = {
        "segment": segmentation.flat[coarse_voxels],
        "coarse_voxel": coarse_voxels,
        "voxels": 64,
    }
    write_table(folder / "coverage.parquet", pd.DataFrame(coverage), COVERAGE)
    rows = []
    for segment in np.unique(segmentation[segmentation > 0]):
        where = np.argwhere(segmentation == segment)
        corners = zip("zyx", where.min(axis=0), where.max(axis=0), strict=True)
        boxes = [
            {f"min_{axis}": 4 * low, f"max_{axis}": 4 * high + 4}
            for axis, low, high in corners
        ]
        sizes = {"voxels": 64 * len(where), "coarse_voxels": len(where)}
        rows.append({"segment": segment, **sizes, **boxes[0], **boxes[1], **boxes[2]})
    segments = pd.DataFrame(rows, columns=SEGMENTS_OF_VOLUME.names)
    write_table(folder / "segments.parquet", segments, SEGMENTS_OF_VOLUME)


@pytest.fixture
def make_store(tmp_path, geometry):
    """Return a function that makes a store of volumes, id to segmentation.

    Images are random, seeded by the volume's id. All 64 voxels of a coarse voxel are of
    its segment. Graphs, volume to [(one, other, affinity)], are empty if not given.
    """

    def make(segmentations, graphs=None):
        folder = tmp_path / "volumes"
        folder.mkdir(exist_ok=True)
        for volume, segmentation in segmentations.items():
            generator = np.random.default_rng(volume)
            image = generator.integers(0, 256, geometry.coarse_shape, np.uint8)
            write_array(folder / str(volume) / "image.lzma", image)
            write_array(
                folder / str(volume) / "segmentation.lzma",
                np.asarray(segmentation, np.uint16),
            )
            write_tables(folder / str(volume), np.asarray(segmentation))
            edges = (graphs or {}).get(volume, [])
            graph = pd.DataFrame(edges, columns=SEGMENT_GRAPH.names)
            write_table(folder / str(volume) / "graph.parquet", graph, SEGMENT_GRAPH)
        return VolumeStore([folder], geometry)

    return make


@pytest.fixture
def octants():
    """Segmentation (8, 8, 8) of eight segments of 4 x 4 x 4 voxels, ids 1 to 8."""
    ids = np.arange(1, 9, dtype=np.uint16).reshape(2, 2, 2)
    return ids.repeat(4, 0).repeat(4, 1).repeat(4, 2)


# Splits of the volumes of `membranes_store`, by id.
MEMBRANE_SPLITS = {11: "train", 12: "train", 13: "validation", 14: "test"}


@pytest.fixture
def membranes_store(make_store, octants):
    """Return a store of volumes of octants, with membranes across z and y, not x."""
    store = make_store(dict.fromkeys(MEMBRANE_SPLITS, octants))
    for volume in MEMBRANE_SPLITS:
        generator = np.random.default_rng(volume)
        image = generator.integers(180, 220, octants.shape).astype(np.uint8)
        image[3:5], image[:, 3:5] = 40, 40
        write_array(store.folders[volume] / "image.lzma", image)
    return store


@pytest.fixture
def membranes_index(make_index):
    """Return an index of four tasks a volume: two octants along x are one cell."""
    rows = [
        {"volume": volume, "seed": cell[:1], "aggregate": cell, "split": split}
        for volume, split in MEMBRANE_SPLITS.items()
        for cell in ([1, 2], [3, 4], [5, 6], [7, 8])
    ]
    return make_index(*({"task": task, **row} for task, row in enumerate(rows)))
