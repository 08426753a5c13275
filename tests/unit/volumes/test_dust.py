import numpy as np
import pytest

from eyewire_validator.volumes.dust import Dust


@pytest.mark.parametrize(
    ("size", "voxels"),
    [
        ((256, 256, 256), 100),
        ((128, 128, 128), 25),
        ((32, 32, 32), 1),
        ((64, 256, 256), 50),
    ],
)
def test_the_default_is_that_of_eyewire_scaled_with_the_cross_section(size, voxels):
    assert Dust.of(None, 1, size) == Dust(voxels, 1)
    assert Dust.of(10, 0, size) == Dust(10, 0)


def test_dust_is_small_or_thin():
    voxels, edges = np.array([8, 9, 9]), np.array([[2, 2, 2], [9, 9, 2], [9, 9, 1]])
    assert Dust(8).among(voxels, edges).tolist() == [True, False, True]
    assert Dust(8, 0).among(voxels, edges).tolist() == [True, False, False]
    assert Dust(7, 2).among(voxels, edges).tolist() == [True, True, True]


def test_a_single_slice_is_thin_where_slices_are_not_thick():
    voxels, edges = np.array([900, 900]), np.array([[1, 30, 30], [30, 30, 1]])
    assert Dust(8).among(voxels, edges).tolist() == [True, True]
    assert Dust(8).among(voxels, edges, (30, 6, 6)).tolist() == [False, True]
