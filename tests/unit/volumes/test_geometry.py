import numpy as np
import pytest

from eyewire_validator.errors import ConfigError
from eyewire_validator.volumes.geometry import (
    VolumeGeometry,
    grid_positions,
    shift_into_frame,
)


def test_eyewires_geometry():
    geometry = VolumeGeometry()
    assert geometry.stride == (224, 224, 224)
    assert geometry.coarse_shape == (64, 64, 64)
    assert geometry.as_config() == {"size": 256, "overlap": 32, "factor": 4}


def test_each_axis_may_have_its_own():
    geometry = VolumeGeometry(size=[32, 128, 96], overlap=16, factor=(1, 4, 2))
    assert geometry.stride == (16, 112, 80)
    assert geometry.coarse_shape == (32, 32, 48)
    assert geometry.voxels == 32 * 128 * 96
    assert VolumeGeometry(**geometry.as_config()) == geometry
    assert geometry.as_config()["overlap"] == 16


@pytest.mark.parametrize(
    ("geometry", "message"),
    [
        ((64, 64, 4), "overlap 64 must be below"),
        ((64, 9, 4), "does not divide"),
        (((64, 64, 8), 8, 4), r"overlap 8 must be below size \(64, 64, 8\)"),
        ((64, 8, (4, 4, 3)), r"factor \(4, 4, 3\) does not divide the size of 64"),
    ],
)
def test_impossible_geometry_is_refused(geometry, message):
    with pytest.raises(ConfigError, match=message):
        VolumeGeometry(*geometry)


def test_grid_positions_of_the_real_data():
    corners = np.array([[434, 498, 466], [434 + 224, 498, 466 + 448]])
    assert grid_positions(corners, 224).tolist() == [[0, 0, 0], [1, 0, 2]]
    assert grid_positions(corners, (112, 224, 64)).tolist() == [[0, 0, 0], [2, 0, 7]]


def test_a_volume_that_was_shifted_inwards_is_of_the_layer_that_it_starts_in():
    corners = np.array([[0, 0, 0], [0, 0, 56], [0, 0, 112], [0, 0, 130]])
    assert grid_positions(corners, 56)[:, 2].tolist() == [0, 1, 2, 2]


def test_a_mask_moves_by_the_offset():
    mask = np.zeros((3, 3, 3), int)
    mask[0, 1, 2] = 5
    assert shift_into_frame(mask, (1, 0, -2))[1, 1, 0] == 5
    assert shift_into_frame(mask, (0, 0, 1)).sum() == 0
    assert shift_into_frame(mask, (9, 0, 0)).sum() == 0
