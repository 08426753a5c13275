"""Where arrays lie, and what of them is covered by all."""

import numpy as np
import pytest

from eyewire_validator.errors import SandboxError
from eyewire_validator.sandbox.frames import common_part
from eyewire_validator.storage.array_files import OpenedArray


def array(shape, resolution=None, offset=None):
    return OpenedArray(np.zeros(shape, np.uint8), resolution, offset)


def test_arrays_of_one_shape_are_taken_as_they_are():
    part = common_part({"image": array((4, 5, 6)), "labels": array((4, 5, 6))})
    assert part.shape == (4, 5, 6)
    assert part.corners == {"image": (0, 0, 0), "labels": (0, 0, 0)}


def test_labels_within_a_padded_image_are_found():
    image = array((8, 9, 9), (40, 4, 4))
    labels = array((4, 5, 6), (40, 4, 4.0), (80, 8, 8))
    part = common_part({"image": image, "labels": labels})
    assert part.shape == (4, 5, 6)
    assert part.corners == {"image": (2, 2, 2), "labels": (0, 0, 0)}


def test_labels_that_reach_out_of_the_image_are_cut():
    image = array((4, 4, 4), (40, 4, 4), (80, 0, 0))
    labels = array((4, 4, 8), (40, 4, 4), (40, 0, -8))
    part = common_part({"image": image, "labels": labels})
    assert part.shape == (3, 4, 4)
    assert part.corners == {"image": (0, 0, 0), "labels": (1, 0, 2)}


def test_an_array_without_a_place_lies_where_the_others_of_its_shape_do():
    labels = array((4, 4, 4), (40, 4, 4), (80, 0, 0))
    part = common_part({"image": array((4, 4, 4)), "labels": labels})
    assert part.corners["image"] == (0, 0, 0)
    with pytest.raises(SandboxError, match=r"attributes .* \(without: image\)"):
        common_part({"image": array((8, 4, 4)), "labels": labels})


@pytest.mark.parametrize(
    ("resolution", "offset", "error"),
    [
        ((50, 4, 4), (0, 0, 0), r"voxels of labels are \(50, 4, 4\) nm, .* of image"),
        ((40, 4, 4), (0, 2, 0), r"offset of labels is \(0, 2, 0\) nm, .* of image"),
        ((40, 4, 4), (160, 0, 0), "have no part in common"),
    ],
)
def test_arrays_that_do_not_fit_each_other_are_refused(resolution, offset, error):
    image = array((4, 4, 4), (40, 4, 4))
    with pytest.raises(SandboxError, match=error):
        common_part({"image": image, "labels": array((4, 4, 4), resolution, offset)})


def test_an_array_of_another_dimension_is_refused():
    with pytest.raises(SandboxError, match="expected one, "):
        common_part({"image": array((4, 4)), "labels": array((4, 4))})
