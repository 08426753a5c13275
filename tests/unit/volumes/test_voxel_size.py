"""Tests for the size of voxels."""

import json

import numpy as np
import pytest

from eyewire_validator.errors import ConfigError
from eyewire_validator.volumes.voxel_size import (
    coarsened,
    relative_areas,
    relative_edges,
    voxel_size,
)


@pytest.fixture
def manifest(tmp_path):
    path = tmp_path / "manifest.json"
    path.write_text(json.dumps({"voxel_nm": [40.0, 4.0, 4.0]}))
    return path


def test_the_config_or_the_file_says_it(manifest):
    assert voxel_size([30, 6, 6]) == (30.0, 6.0, 6.0)
    assert voxel_size(None, manifest) == voxel_size([40, 4, 4], manifest)
    assert voxel_size(None) is None


def test_a_contradiction_is_refused(manifest):
    with pytest.raises(ConfigError, match=r"voxel_nm is \[4, 4, 40\], but .+\[40\.0"):
        voxel_size([4, 4, 40], manifest)


def test_coarse_voxels_are_larger():
    assert coarsened((40.0, 4.0, 4.0), 4) == (160.0, 16.0, 16.0)
    assert coarsened((40.0, 4.0, 4.0), (1, 4, 2)) == (40.0, 16.0, 8.0)
    assert coarsened(None, 4) is None


@pytest.mark.parametrize("edges", [None, (10.0, 10.0, 10.0), (7.3, 7.3, 7.3)])
def test_cubes_of_any_size_are_counted_in_voxels(edges):
    """Exactly, so that what is measured of them is not changed in the last bit."""
    assert relative_edges(edges) == relative_areas(edges) == (1, 1, 1)


def test_flat_voxels_are_measured_in_the_edges_of_a_cube_of_their_volume():
    np.testing.assert_allclose(relative_edges((8, 1, 1)), [4, 0.5, 0.5])
    np.testing.assert_allclose(relative_areas((8, 1, 1)), [0.25, 2, 2])
