"""Pieces of labels, against those of scikit-image, which takes many times longer."""

import numpy as np
import pytest
from skimage.measure import label

from eyewire_validator.sandbox.bucket.pieces import find_runs, label_pieces


def test_runs_end_with_their_row() -> None:
    one = np.array([[[5, 5, 0], [0, 0, 0]]])
    other = np.array([[[1, 1, 1], [1, 1, 2]]])
    assert find_runs(one).tolist() == [0, 2, 3]
    assert find_runs(one, other).tolist() == [0, 2, 3, 5]


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize(("by_corners", "connectivity"), [(False, 1), (True, 3)])
def test_pieces_are_as_in_scikit_image(
    seed: int, by_corners: bool, connectivity: int
) -> None:
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, rng.integers(2, 5), rng.integers(2, 9, 3))
    expected = label(labels, connectivity=connectivity)  # type: ignore[no-untyped-call]
    found = label_pieces(labels, by_corners=by_corners)
    np.testing.assert_array_equal(found, expected)


def test_the_highest_labels_stay_apart() -> None:
    labels = np.array([[[2**64 - 1, 2**63, 0, 2**64 - 1]]], np.uint64)
    assert label_pieces(labels).tolist() == [[[1, 2, 0, 3]]]
