"""Tests for how volumes look, and what rings the alarm."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from eyewire_validator.volumes.appearance import RATE, Appearance, Familiar, Tissue
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


def noisy(image, number, deviation=5.0):
    """Return an image as another session would show it."""
    noise = np.random.default_rng(number).normal(0, deviation, image.shape)
    return np.clip(image + noise, 0, 255).astype(np.uint8)


def look(image, segmentation=SEGMENTS):
    return Appearance.of(CoarseVolume(image, segmentation))


LOOKS = [look(noisy(IMAGE, number)) for number in range(12)]
FAMILIAR = Familiar.of({"columns": LOOKS}, {"columns": NM})


def strange(image, segmentation=SEGMENTS, voxel_nm=NM):
    return " ".join(FAMILIAR.strange(look(image, segmentation), voxel_nm))


def test_dark_membranes_have_a_contrast_above_0():
    assert look(IMAGE).contrast == pytest.approx(100 / IMAGE.std())
    assert look(IMAGE).constant_slices == 0


def test_grain_is_the_deviation_of_noise():
    grey = np.random.default_rng(0).normal(128, 20, (16, 64, 64)).astype(np.uint8)
    assert Appearance.of_image(grey).grain == pytest.approx(0, abs=0.05)


def test_detail_is_measured_where_it_is():
    stripes = np.indices((16, 16, 16))[2]
    fine, coarse = (
        Appearance.of_image(np.where(stripes // edge % 2, 200, 100).astype(np.uint8))
        for edge in (2, 4)
    )
    assert (fine.fine, coarse.coarse) == pytest.approx((0, 0))
    assert fine.coarse == coarse.fine == -5


def test_what_was_learned_from_is_not_strange():
    assert [strange(noisy(IMAGE, number)) for number in range(100, 120)] == [""] * 20


@pytest.mark.parametrize(
    ("image", "said"),
    [
        (255 - noisy(IMAGE, 99), "contrast is reversed (turn it: image.invert"),
        (IMAGE * 0, "it has slices of a single grey value"),
        (IMAGE // 160, "its grey values span less"),
        (IMAGE // 4, "its grey values span less"),
        (noisy(IMAGE + 60, 99), "it is brighter"),
        (noisy(IMAGE, 99, 30), "it is noisier"),
        (gaussian_filter(noisy(IMAGE, 99), 1), "it is blurred"),
        (
            np.where(np.arange(8)[:, None, None] < 1, 60, noisy(IMAGE, 99)),
            "slices of a single grey value",
        ),
    ],
)
def test_what_is_off_the_most_is_told(image, said):
    assert said in strange(image.astype(np.uint8))


def test_the_share_of_false_alarms_is_kept():
    draw = np.random.default_rng(0)
    rang = [
        Tissue.of(Appearance(*row) for row in rows[:-1]).distance(Appearance(*rows[-1]))
        > 1
        for rows in draw.normal(0, 1, (400, 13, 7))
    ]
    assert np.mean(rang) < 2 * RATE


def test_a_volume_is_compared_with_the_nearest_tissue():
    bright = [look(noisy(IMAGE + 60, number)) for number in range(12)]
    tissues = {"columns": LOOKS, "bright": bright}
    both = Familiar.of(tissues, {"columns": NM, "bright": (30.0, 6.0, 6.0)})
    seen = look(noisy(IMAGE + 60, 99))
    assert list(both.strange(seen)) == []
    assert list(both.strange(seen, NM)) == ["it is brighter"]
    assert (FAMILIAR.voxel_nm, both.voxel_nm) == (NM, None)


def test_too_few_volumes_say_nothing():
    few = Familiar.of({"columns": LOOKS[:2]}, {"columns": NM})
    assert few.tissues == {}
    assert list(few.strange(look(IMAGE * 0), NM)) == []


def test_an_image_without_segments_is_compared_by_the_rest():
    assert list(FAMILIAR.strange(Appearance.of_image(noisy(IMAGE, 99)))) == []
    inverted = Appearance.of_image(255 - noisy(IMAGE, 99))
    assert list(FAMILIAR.strange(inverted)) == ["it is darker"]


def test_voxels_of_another_size_are_told_where_both_are_known():
    seen = noisy(IMAGE, 99)
    told = strange(seen, voxel_nm=(30.0, 10.0, 10.0))
    assert told == "its voxels have another size, 30 x 10 x 10 nm, not 10 x 10 x 10"
    assert strange(seen, voxel_nm=(12.0, 8.0, 10.0)) == ""
    assert strange(seen, voxel_nm=None) == ""


def test_segments_of_single_slices_have_a_contrast_too():
    single = SEGMENTS + 10 * np.arange(8, dtype=np.uint16)[:, None, None]
    assert strange(noisy(IMAGE, 99), single) == ""


def test_it_survives_a_checkpoint():
    back = Familiar.from_plain(FAMILIAR.as_plain())
    seen = look(noisy(IMAGE, 99))
    assert back.voxel_nm == back.tissues["columns"].voxel_nm == NM
    one, other = (familiar.tissues["columns"] for familiar in (back, FAMILIAR))
    assert one.distance(seen) == other.distance(seen)


def test_ranges_of_a_former_version_say_the_size_of_voxels_alone():
    old = {"ranges": {"mean": [90, 120]}, "voxel_nm": [10, 10, 10]}
    familiar = Familiar.from_plain(old)
    assert (familiar.tissues, familiar.voxel_nm) == ({}, NM)
    assert list(familiar.strange(look(IMAGE * 0), (30, 6, 6))) == [
        "its voxels have another size, 30 x 6 x 6 nm, not 10 x 10 x 10"
    ]
