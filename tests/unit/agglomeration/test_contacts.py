"""Contacts between segments, on volumes of a few drawn blocks."""

import numpy as np
import pytest

from eyewire_validator.agglomeration.contacts import (
    DescribedContacts,
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
    assert contacts.faces.tolist() == [SIZE**2, SIZE**2]
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
