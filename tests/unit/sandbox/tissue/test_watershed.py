"""The watershed, against that of scikit-image, which takes several times longer."""

import numpy as np
import pytest
from skimage.segmentation import watershed as plain_watershed

from eyewire_validator.sandbox.tissue.watershed import watershed


@pytest.mark.parametrize("heights", [2, 20, 1000])
@pytest.mark.parametrize("seed", range(10))
def test_basins_are_as_in_scikit_image(seed: int, heights: int) -> None:
    rng = np.random.default_rng(seed)
    shape = tuple(rng.integers(2, 12, 3))
    landscape = rng.integers(-heights, heights, shape).astype(np.float32)
    markers = np.zeros(shape, np.int32)
    begins = rng.permutation(landscape.size)[:5]
    markers.flat[begins] = rng.integers(1, 4, len(begins))
    # No two markers are equally high: their order is any in scikit-image.
    landscape.flat[begins] += np.linspace(0.1, 0.5, len(begins), dtype=np.float32)
    within = rng.random(shape) < 0.9
    expected = plain_watershed(landscape, markers, mask=within)  # type: ignore[no-untyped-call]
    np.testing.assert_array_equal(watershed(landscape, markers, within), expected)


def test_equal_markers_flood_in_the_order_of_voxels() -> None:
    markers = np.array([[[2, 0, 1]]], np.int32)
    flat = np.zeros(markers.shape, np.float32)
    within = np.ones(markers.shape, bool)
    assert watershed(flat, markers, within).tolist() == [[[2, 2, 1]]]
