"""Tests for the way back from segments to the user's own data."""

import numpy as np
import pandas as pd
import pytest

from eyewire_validator.errors import TableError
from eyewire_validator.storage.schemas.volumes import COVERAGE, SUPERVOXELS
from eyewire_validator.storage.tables import write_table
from eyewire_validator.tasks.lineage import Task
from eyewire_validator.tasks.origins import Origins
from eyewire_validator.volumes.coverage import SegmentCoverage

HIGH = 2**64 - 7


@pytest.fixture
def coverage():
    """Segment 1 is a bow around segment 2, in 4 coarse voxels an edge."""
    places = {1: [0, 1, 2, 3, 4, 7, 8, 11], 2: [5, 6]}
    rows = [(s, p, 8) for s, found in places.items() for p in found]
    segments = pd.DataFrame({"segment": [1, 2], "voxels": [64, 16]})
    table = pd.DataFrame(rows, columns=COVERAGE.names)
    return SegmentCoverage.build(segments, table, (4, 4, 4))


@pytest.fixture
def task():
    none = np.array([])
    return Task(7, 3, None, 11, (100, 200, 300), np.array([2]), none, none, False)


@pytest.fixture
def supervoxels(tmp_path):
    path = tmp_path / "supervoxels.parquet"
    rows = [(11, 1, HIGH), (11, 2, 5), (12, 1, 6)]
    write_table(path, pd.DataFrame(rows, columns=SUPERVOXELS.names), SUPERVOXELS)
    return path


def test_a_point_lies_in_its_segment_even_if_its_centre_does_not(coverage):
    assert coverage.points.tolist() == [[0, 0, 1], [0, 1, 1]]


def test_own_ids_and_places_in_the_own_data(task, coverage, supervoxels):
    found = Origins(supervoxels).of(task, coverage, factor=(2, 2, 2))
    assert found["supervoxel"].tolist() == [HIGH, 5]
    assert [found[axis].tolist() for axis in "zyx"] == [
        [101, 101],
        [201, 203],
        [303, 303],
    ]
    assert Origins(supervoxels).of_seed(task) == [5]


def test_places_follow_the_edges_of_a_coarse_voxel(task, coverage):
    found = Origins().of(task, coverage, factor=(1, 4, 2))
    assert [found[axis].tolist() for axis in "zyx"] == [
        [100, 100],
        [202, 206],
        [303, 303],
    ]


def test_without_a_table_ids_are_the_users_own(task, coverage):
    found = Origins().of(task, coverage, factor=(2, 2, 2))
    assert found["supervoxel"].tolist() == [1, 2]


def test_a_table_without_the_segment_is_refused(coverage, supervoxels):
    none = np.array([])
    stranger = Task(7, 3, None, 12, None, np.array([2]), none, none, False)
    with pytest.raises(TableError, match=r"volume 12: segment .+make the sandbox"):
        Origins(supervoxels).of(stranger, coverage, factor=(2, 2, 2))
