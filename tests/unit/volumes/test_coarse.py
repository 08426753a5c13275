"""A volume to its coarse files, and back."""

import hashlib
from dataclasses import dataclass

import numpy as np
import pytest

from eyewire_validator.storage.schemas.volumes import (
    COVERAGE,
    SEGMENT_GRAPH,
    SEGMENTS_OF_VOLUME,
)
from eyewire_validator.storage.tables import read_table
from eyewire_validator.volumes.coarse import downsample_volume, write_volume
from eyewire_validator.volumes.downsampling import count_blocks, downsample_image, vote
from eyewire_validator.volumes.geometry import VolumeGeometry
from eyewire_validator.volumes.raw import RAW_EDGE
from eyewire_validator.volumes.store import VolumeStore


def edges_of(*rows):
    return np.array(list(rows), RAW_EDGE)


@dataclass
class Drawn:
    """A raw volume of given arrays, in the place of `raw_volumes.RawVolume`."""

    pixels: np.ndarray
    ids: np.ndarray
    pairs: np.ndarray
    geometry = VolumeGeometry(size=8, overlap=4, factor=4)

    def image(self):
        return self.pixels

    def segmentation(self):
        return self.ids

    def edges(self):
        return self.pairs


@pytest.fixture
def raw():
    generator = np.random.default_rng(5)
    image = generator.integers(0, 256, (8, 8, 8), np.uint8)
    segmentation = generator.choice(np.array([0, 3, 65535], np.uint16), (8, 8, 8))
    return Drawn(image, segmentation, edges_of((65535, 3, 0.5)))


def test_what_is_written_can_be_read(tmp_path, raw):
    folder = tmp_path / "41"
    hashes = write_volume(folder, downsample_volume(raw))
    found = VolumeStore([tmp_path], raw.geometry).get(41)
    np.testing.assert_array_equal(found.image, downsample_image(raw.image(), 4))
    coarse = vote(count_blocks(raw.segmentation(), 4))
    np.testing.assert_array_equal(found.segmentation, coarse)
    assert {path.name for path in folder.iterdir()} == hashes.keys()
    for name, digest in hashes.items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest


def test_the_tables_lead_back_to_the_segments(tmp_path, raw):
    segmentation = raw.segmentation()
    write_volume(tmp_path, downsample_volume(raw))
    segments = read_table(tmp_path / "segments.parquet", SEGMENTS_OF_VOLUME)
    cover = read_table(tmp_path / "coverage.parquet", COVERAGE)
    coarse = vote(count_blocks(segmentation, 4))
    assert segments["segment"].tolist() == [3, 65535]
    assert segments["voxels"].tolist() == [
        (segmentation == s).sum() for s in (3, 65535)
    ]
    assert segments["coarse_voxels"].tolist() == [
        (coarse == s).sum() for s in (3, 65535)
    ]
    assert (
        cover.groupby("segment")["voxels"].sum().tolist() == segments["voxels"].tolist()
    )
    last = cover[(cover["segment"] == 3) & (cover["coarse_voxel"] == 7)]
    assert last["voxels"].item() == (segmentation[4:, 4:, 4:] == 3).sum()


def written(folder, segmentation, edges):
    """Write a volume of this segmentation; its segments and its graph, as lists."""
    image = np.zeros((8, 8, 8), np.uint8)
    raw = Drawn(image, segmentation, edges_of(*edges))
    write_volume(folder, downsample_volume(raw))
    segments = read_table(folder / "segments.parquet", SEGMENTS_OF_VOLUME)
    graph = read_table(folder / "graph.parquet", SEGMENT_GRAPH)
    return segments.to_numpy().tolist(), graph.to_numpy().tolist()


def test_boxes_of_segments_end_before_their_maximum(tmp_path):
    drawn = np.zeros((8, 8, 8), np.uint16)
    drawn[1, 2, 3] = 9
    drawn[1:5, 6, 7] = 4
    segments, _ = written(tmp_path, drawn, [])
    assert segments == [
        [4, 4, 2, 1, 6, 7, 5, 7, 8],
        [9, 1, 1, 1, 2, 3, 2, 3, 4],
    ]


def test_edges_are_ascending_and_join_two_segments_of_the_volume(tmp_path, caplog):
    drawn = np.repeat(np.array([2, 5, 7, 8], np.uint16), 128).reshape(8, 8, 8)
    edges = [(8, 5, 0.5), (7, 7, 1), (5, 2, 0.25), (2, 6, 0.75), (0, 2, 1)]
    _, graph = written(tmp_path, drawn, edges)
    assert graph == [[2, 5, 0.25], [5, 8, 0.5]]
    assert "3 of 5 edges join no two segments" in caplog.text


def test_a_volume_of_nothing_has_empty_tables(tmp_path):
    assert written(tmp_path, np.zeros((8, 8, 8), np.uint16), []) == ([], [])


def test_the_same_volume_gives_the_same_bytes(tmp_path, raw):
    coarse = downsample_volume(raw)
    first, second = (write_volume(tmp_path / n, coarse) for n in "ab")
    assert first == second
