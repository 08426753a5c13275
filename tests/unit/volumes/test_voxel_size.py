"""Tests for the size of voxels."""

import json

import pytest

from eyewire_validator.errors import ConfigError
from eyewire_validator.volumes.voxel_size import coarsened, voxel_size


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
    assert coarsened(None, 4) is None
