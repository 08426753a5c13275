"""Supervoxels of drawn images: membranes part, gaps in membranes do not."""

import numpy as np
from numpy.typing import NDArray

from eyewire_validator.sandbox.tissue.supervoxels import oversegment, renumber


def two_rooms(wall: int) -> NDArray[np.uint8]:
    """Two bright rooms, parted at x = 16 by a sheet of grey value ``wall``."""
    image = np.full((32, 32, 32), 150, np.uint8)
    image[:, :, 15:17] = wall
    return image


def cut(image: NDArray[np.uint8]) -> NDArray[np.uint16]:
    return oversegment(image, 12.0, np.random.default_rng(0))


def test_a_membrane_parts_segments() -> None:
    segmentation = cut(two_rooms(wall=60))
    left = set(np.unique(segmentation[:, :, :15])) - {0}
    right = set(np.unique(segmentation[:, :, 17:])) - {0}
    assert left
    assert right
    assert not left & right
    assert (segmentation[:, :, 15:17] == 0).mean() > 0.9


def test_without_stain_they_merge() -> None:
    segmentation = cut(two_rooms(wall=150))
    assert segmentation[16, 16, 8] == segmentation[16, 16, 24] != 0


def test_outermost_voxels_are_empty() -> None:
    segmentation = cut(two_rooms(wall=60))
    assert segmentation.dtype == np.uint16
    for axis in range(3):
        assert not np.moveaxis(segmentation, axis, 0)[[0, -1]].any()


def test_ids_are_shuffled_and_dust_is_gone() -> None:
    segmentation = np.repeat(np.arange(101), 5)
    segmentation[-4:] = 0  # the last segment keeps one voxel
    ids = renumber(segmentation, 3, np.random.default_rng(0))
    kept = ids[5:-5].reshape(-1, 5)
    assert (ids[-5:] == 0).all()
    assert (kept == kept[:, :1]).all()
    order = kept[:, 0].tolist()
    assert len(set(order)) == 99
    assert order != sorted(order)
    assert max(order) > 99  # there are gaps
