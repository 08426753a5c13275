"""Tests for how volumes look, and what rings the alarm."""

import numpy as np
import pytest

from eyewire_validator.volumes.appearance import Appearance, Familiar
from eyewire_validator.volumes.store import CoarseVolume

# Four columns of 8 by 8 voxels; grey 160 inside, 60 along their borders.
SEGMENTS = np.kron(np.arange(1, 5).reshape(1, 2, 2), np.ones((8, 8, 8))).astype(
    np.uint16
)
INSIDE = np.zeros(SEGMENTS.shape, np.bool_)
for rows in (slice(0, 7), slice(9, 16)):
    for columns in (slice(0, 7), slice(9, 16)):
        INSIDE[:, rows, columns] = True
IMAGE = np.where(INSIDE, 160, 60).astype(np.uint8)
NM = (10.0, 10.0, 10.0)
FAMILIAR = Familiar.of([Appearance.of(CoarseVolume(IMAGE, SEGMENTS))], NM)


def strange(image, segmentation=SEGMENTS, voxel_nm=NM):
    seen = Appearance.of(CoarseVolume(image, segmentation))
    return " ".join(FAMILIAR.strange(seen, voxel_nm))


def test_dark_membranes_have_a_contrast_above_0():
    seen = Appearance.of(CoarseVolume(IMAGE, SEGMENTS))
    assert seen.contrast == pytest.approx(100 / IMAGE.std())
    assert (seen.span, seen.constant_slices) == (100, 0)


def test_what_was_learned_from_is_not_strange():
    noise = np.random.default_rng(0).integers(-9, 10, IMAGE.shape)
    assert strange((IMAGE + noise).astype(np.uint8)) == ""


@pytest.mark.parametrize(
    ("image", "said"),
    [
        (255 - IMAGE, "contrast is reversed"),
        (IMAGE * 0, "membranes hardly show"),
        (IMAGE // 160, "another range"),
        (IMAGE // 4, "another range"),
        (np.where(INSIDE, 255, 160).astype(np.uint8), "brighter or darker"),
        (
            np.where(np.arange(8)[:, None, None] < 1, 0, IMAGE).astype(np.uint8),
            "slices",
        ),
    ],
)
def test_what_makes_answers_worthless_is_told(image, said):
    assert said in strange(image)


def test_voxels_of_another_size_are_told_where_both_are_known():
    assert "another size" in strange(IMAGE, voxel_nm=(30.0, 10.0, 10.0))
    assert strange(IMAGE, voxel_nm=(12.0, 8.0, 10.0)) == ""
    assert strange(IMAGE, voxel_nm=None) == ""


def test_segments_of_single_slices_have_a_contrast_too():
    single = SEGMENTS + 10 * np.arange(8, dtype=np.uint16)[:, None, None]
    assert strange(IMAGE, single) == ""


def test_it_survives_a_checkpoint():
    assert Familiar.from_plain(FAMILIAR.as_plain()) == FAMILIAR
