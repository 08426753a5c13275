"""Contacts between segments, on volumes of a few drawn blocks."""

import numpy as np
import plain_contacts
import pytest

from eyewire_validator.agglomeration.contacts import (
    DescribedContacts,
    close_gaps,
    describe_contacts,
)
from eyewire_validator.agglomeration.features import FEATURES, FILTERS
from eyewire_validator.agglomeration.filters import filter_image
from eyewire_validator.volumes.store import CoarseVolume

SIZE = 12


def volume(*blocks, dark=None):
    """Segments 1, 2, ... side by side along x, each so many voxels wide."""
    ids = np.repeat(np.arange(1, len(blocks) + 1), blocks).astype(np.uint16)
    segmentation = np.broadcast_to(ids, (SIZE, SIZE, SIZE)).copy()
    generator = np.random.default_rng(0)
    image = generator.integers(150, 170, segmentation.shape).astype(np.uint8)
    if dark is not None:
        image[:, :, dark - 1 : dark + 1] = 40
    return CoarseVolume(image, segmentation)


def feature(contacts: DescribedContacts, name: str) -> np.ndarray:
    return contacts.features[:, FEATURES.index(name)]


def test_neighbours_are_found_with_their_faces():
    contacts = describe_contacts(volume(4, 5, 3), "unit")
    assert contacts.pairs.tolist() == [[1, 2], [2, 3]]
    assert contacts.area.tolist() == [SIZE**2, SIZE**2]
    assert contacts.features.shape == (2, len(FEATURES))
    assert contacts.features.dtype == np.float32
    assert np.isfinite(contacts.features).all()


def test_a_membrane_is_darker_and_more_of_a_sheet_than_cytoplasm():
    """Between 1 and 2 lies a dark sheet; between 2 and 3 there is none."""
    contacts = describe_contacts(volume(4, 4, 4, dark=4), "unit")
    grey, sheet = feature(contacts, "grey_mean"), feature(contacts, "sheet_1.6_0_mean")
    assert grey[0] < grey[1] - 1
    assert sheet[0] > sheet[1] + 0.5
    assert feature(contacts, "grey_over_lower")[0] < feature(
        contacts, "grey_over_lower"
    )[1]  # fmt: skip


def test_sides_are_ordered_by_size_not_by_id():
    small_first = describe_contacts(volume(3, 9), "unit")
    large_first = describe_contacts(volume(9, 3), "unit")
    for name in ("log_voxels_smaller", "log_voxels_larger", "log_faces"):
        assert feature(small_first, name) == feature(large_first, name)
    assert feature(small_first, "log_voxels_smaller") == pytest.approx(
        np.log1p(3 * SIZE**2)
    )


def test_grey_values_count_in_deviations_of_the_image():
    drawn = volume(6, 6)
    brighter = CoarseVolume(drawn.image // 2 + 100, drawn.segmentation)
    exact = CoarseVolume((drawn.image // 2 * 2), drawn.segmentation)
    np.testing.assert_allclose(
        describe_contacts(brighter, "unit").features,
        describe_contacts(exact, "unit").features,
        atol=1e-3,
    )


def test_segments_meet_across_a_membrane_that_was_left_out():
    drawn = volume(5, 2, 5)
    segmentation = np.where(drawn.segmentation == 2, 0, drawn.segmentation)
    contacts = describe_contacts(CoarseVolume(drawn.image, segmentation), "unit")
    assert contacts.pairs.tolist() == [[1, 3]]


def test_a_single_segment_touches_nothing():
    contacts = describe_contacts(volume(SIZE), "unit")
    assert contacts.pairs.shape == (0, 2)
    assert contacts.features.shape == (0, len(FEATURES))


def test_an_image_of_one_grey_value_filters_to_nothing():
    filtered = filter_image(np.full((6, 6, 6), 90, np.uint8))
    assert filtered.shape == (len(FILTERS), 6, 6, 6)
    assert filtered.dtype == np.float32
    assert not np.abs(filtered).max()


def drawn_volume(shape, background):
    """Bricks of random ids in noise, of which a share is background."""
    generator = np.random.default_rng(2)
    bricks = generator.integers(1, 300, [edge // 4 + 1 for edge in shape])
    segmentation = np.kron(bricks, np.ones((4, 4, 4), np.uint16))
    segmentation = segmentation[tuple(map(slice, shape))].astype(np.uint16)
    segmentation[generator.random(shape) < background] = 0
    return CoarseVolume(
        generator.integers(0, 256, shape).astype(np.uint8), segmentation
    )


@pytest.mark.parametrize("background", [0.0, 0.1, 0.9, 0.99, 1.0])
def test_gaps_close_as_by_expand_labels(background):
    """All ties, too: where most is background, a third of the voxels have some."""
    segmentation = drawn_volume((20, 17, 22), background).segmentation
    found = close_gaps(segmentation)
    assert found.dtype == np.int32
    np.testing.assert_array_equal(found, plain_contacts.close_gaps(segmentation))


def test_contacts_are_described_as_in_whole_array_steps():
    """To the bit: sums are added up in the same order."""
    drawn = drawn_volume((21, 18, 23), 0.1)
    found = describe_contacts(drawn, "unit")
    pairs, faces, features = plain_contacts.describe_contacts(drawn)
    np.testing.assert_array_equal(found.pairs, pairs)
    np.testing.assert_array_equal(found.area, faces)
    for column, name in enumerate(FEATURES):
        # The eigenvalues come from another algorithm, see below.
        tolerance = {"rtol": 1e-5, "atol": 1e-6} if "sheet" in name else {"rtol": 0}
        np.testing.assert_allclose(
            found.features[:, column], features[:, column], **tolerance, err_msg=name
        )


def test_eigenvalues_are_those_of_lapack():
    """Both compute as float64, by other ways, and round to float32."""
    image = drawn_volume((19, 20, 21), 0).image
    image[:8] = 77  # all are zero
    image[8:12] = image[8:12, :1, :1]  # two are equal
    np.testing.assert_allclose(
        filter_image(image), plain_contacts.filter_image(image), rtol=1e-6, atol=1e-7
    )


FLAT = (8.0, 1.0, 1.0)  # edges of 4, 0.5 and 0.5 of those of a cube of that volume


def test_contacts_of_flat_voxels_are_measured_in_those_of_cubes():
    drawn = volume(4, 8)
    flat = describe_contacts(drawn._replace(voxel_nm=FLAT), "unit")
    assert flat.area.tolist() == [2 * SIZE**2]
    cubes = describe_contacts(drawn, "unit")
    ratio = feature(flat, "distance") / feature(cubes, "distance")
    np.testing.assert_allclose(ratio, 0.5)
    spread = np.sqrt((16 + 0.25) * (SIZE**2 - 1) / 12)
    np.testing.assert_allclose(feature(flat, "spread"), spread, rtol=1e-6)
    np.testing.assert_allclose(feature(flat, "log_faces"), np.log(2 * SIZE**2))
    of_cubes = describe_contacts(drawn._replace(voxel_nm=(7.0, 7.0, 7.0)), "unit")
    np.testing.assert_array_equal(of_cubes.features, cubes.features)


def test_gaps_close_to_the_nearest_segment_by_length():
    segmentation = np.zeros((3, 1, 6), np.uint16)
    segmentation[0, 0, 0], segmentation[2, 0, 5] = 1, 2
    found = close_gaps(segmentation, (4.0, 0.5, 0.5))
    assert found[:, 0].tolist() == [[1] * 5 + [0], [0] * 6, [0] + [2] * 5]


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_filters_see_the_same_along_every_axis_of_flat_voxels(axis):
    """A wave as long as 40 edges of a cube, sampled every 2 or every 0.7 of them."""
    edges = (2.0, 0.5**0.5, 0.5**0.5)
    shape = [int((80 if axis == other else 22) / edges[other]) for other in range(3)]
    places = np.indices(shape)[axis] * edges[axis]
    wave = np.rint(127 + 100 * np.sin(2 * np.pi * places / 40)).astype(np.uint8)
    found = filter_image(wave, edges)
    found = np.moveaxis(found, axis + 1, 1)
    found = found[:, :, found.shape[2] // 2, found.shape[3] // 2]
    filtered = dict(zip(FILTERS, found, strict=True))
    steepest = 2**0.5 * 2 * np.pi / 40
    assert filtered["gradient_2.0"].max() == pytest.approx(steepest, rel=0.06)
    curved = 2**0.5 * (2 * np.pi / 40) ** 2 * 2.5**2
    assert filtered["sheet_2.5_0"].max() == pytest.approx(curved, rel=0.12)
