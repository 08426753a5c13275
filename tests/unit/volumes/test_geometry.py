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
    assert (geometry.stride, geometry.coarse_size) == (224, 64)


@pytest.mark.parametrize(
    ("geometry", "message"),
    [((64, 64, 4), "overlap 64 must be below"), ((64, 9, 4), "does not divide")],
)
def test_impossible_geometry_is_refused(geometry, message):
    with pytest.raises(ConfigError, match=message):
        VolumeGeometry(*geometry)


def test_grid_positions_of_the_real_data():
    corners = np.array([[434, 498, 466], [434 + 224, 498, 466 + 448]])
    assert grid_positions(corners, 224).tolist() == [[0, 0, 0], [1, 0, 2]]


def test_a_mask_moves_by_the_offset():
    mask = np.zeros((3, 3, 3), int)
    mask[0, 1, 2] = 5
    assert shift_into_frame(mask, (1, 0, -2))[1, 1, 0] == 5
    assert shift_into_frame(mask, (0, 0, 1)).sum() == 0
    assert shift_into_frame(mask, (9, 0, 0)).sum() == 0
