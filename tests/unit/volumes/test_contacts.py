"""Faces between segments, on drawn volumes."""

import numpy as np
import plain_contacts
import pytest

from eyewire_validator.volumes.contacts import (
    FEWEST_SLOTS,
    Contacts,
    area_with_seed,
    list_faces,
    mean_at_distance,
    mean_over_faces,
    share_apart,
)

DRAWN = np.array([[[1, 1, 2], [1, 0, 2], [3, 3, 3]]], np.uint16)


def test_contacts_are_faces():
    contacts = Contacts.find(DRAWN)
    assert contacts.pairs.tolist() == [[1, 2], [1, 3], [2, 3]]
    assert contacts.area.tolist() == [1, 1, 1]
    # Faces with 0 count, the border of the volume does not.
    assert contacts.surface[[1, 2, 3]].tolist() == [4, 3, 3]
    np.testing.assert_allclose(contacts.graph().weights, 1 / 3)


def test_segments_that_touch_no_other_are_told():
    assert share_apart(DRAWN) == 0
    assert share_apart(np.array([[[1, 2, 0, 3]]], np.uint16)) == 1 / 3
    assert share_apart(np.ones((2, 2, 2), np.uint16)) == 0


def test_a_volume_of_one_segment_has_no_contacts():
    contacts = Contacts.find(np.ones((2, 2, 2), np.uint16))
    assert contacts.graph().pairs.shape == (0, 2)


def test_a_segment_shares_faces_with_every_segment_of_the_seed():
    contacts = Contacts.find(DRAWN)
    found = area_with_seed(contacts.pairs, contacts.area, np.array([1, 2]))
    assert found[:4].tolist() == [0, 0, 0, 2]


@pytest.fixture(params=[np.uint16, np.int32], ids=["uint16", "int32"])
def drawn(request):
    """As many pairs that the table of contacts is enlarged several times."""
    generator = np.random.default_rng(1)
    ids = generator.integers(0, 65_536, (12, 12, 11))
    ids[generator.random(ids.shape) < 0.5] = 0
    return np.kron(ids, np.ones((2, 3, 2))).astype(request.param)


def test_contacts_are_those_of_sorted_faces(drawn):
    pairs, faces, surface = plain_contacts.find_contacts(drawn)
    found = Contacts.find(drawn)
    assert len(pairs) > FEWEST_SLOTS
    np.testing.assert_array_equal(found.pairs, pairs)
    np.testing.assert_array_equal(found.area, faces)
    np.testing.assert_array_equal(found.surface, surface)


def test_means_are_those_of_sorted_faces(drawn):
    """To a unit in the last place, as the sums are added up in another order."""
    generator = np.random.default_rng(2)
    values = generator.normal(0, 3, (3, *drawn.shape)).astype(np.float32)
    *same, means = plain_contacts.mean_over_faces(drawn, values)
    *found, found_means = mean_over_faces(drawn, values)
    for one, other in zip(found, same, strict=True):
        np.testing.assert_array_equal(one, other)
    np.testing.assert_allclose(found_means, means, rtol=1e-6, atol=1e-7)


def test_means_at_a_distance_are_of_the_same_contacts(drawn):
    values = np.random.default_rng(3).normal(0, 3, (3, *drawn.shape))
    values = values.astype(np.float32)
    pairs = mean_over_faces(drawn, values)[0]
    means = mean_at_distance(drawn, values, 4, pairs)
    expected = plain_contacts.mean_at_distance(drawn, values, 4, pairs)
    assert 0 < np.isnan(means).sum() < len(pairs)
    np.testing.assert_allclose(means, expected, rtol=1e-5, atol=1e-6)


def test_a_distance_beyond_the_volume_has_no_pairs():
    segmentation = np.array([[[3, 7, 7]]], np.int32)
    values = np.arange(9, dtype=np.float32).reshape(3, 1, 1, 3)
    pairs = np.array([[3, 7]])
    assert mean_at_distance(segmentation, values, 2, pairs).tolist() == [6]
    assert np.isnan(mean_at_distance(segmentation, values, 4, pairs)).all()


def test_faces_are_listed_by_contact(drawn):
    """And within a contact along z, y and x, each as the voxels come behind it."""
    faces = list_faces(drawn)
    pairs, count = plain_contacts.mean_over_faces(drawn, np.zeros((3, *drawn.shape)))[
        :2
    ]
    np.testing.assert_array_equal(faces.pairs, pairs)
    np.testing.assert_array_equal(faces.count, count)
    both = np.sort(drawn.ravel()[faces.voxels], axis=0).T
    np.testing.assert_array_equal(both, pairs.repeat(count, axis=0))
    before, behind = np.stack(np.unravel_index(faces.voxels, drawn.shape), axis=1)
    axis = (behind - before).argmax(axis=0)
    assert ((behind - before).sum(axis=0) == 1).all()
    same_contact = np.repeat(np.arange(len(count)), count)
    assert (np.diff(same_contact * 3 + axis) >= 0).all()


def test_ids_may_be_larger_than_uint16():
    segmentation = np.array([[[70_000, 2**31 - 1]]], np.int64)
    values = np.full((3, 1, 1, 2), 0.5, np.float32)
    pairs, faces, means = mean_over_faces(segmentation, values)
    assert pairs.tolist() == [[70_000, 2**31 - 1]]
    assert (faces.tolist(), means.tolist()) == ([1], [0.5])


def test_faces_count_by_their_area():
    areas = (0.25, 2.0, 2.0)
    contacts = Contacts.find(np.array([[[1], [2]], [[1], [1]]], np.uint16), areas)
    assert contacts.area.tolist() == [2.25]
    assert contacts.surface[1:3].tolist() == [2.25, 2.25]
    values = np.zeros((3, 2, 2, 1), np.float32)
    values[0, 0, 1], values[1, 0, 0] = 9, 1
    segmentation = np.array([[[1], [2]], [[1], [1]]], np.int32)
    _, area, means = mean_over_faces(segmentation, values, areas)
    assert area.tolist() == [2.25]
    np.testing.assert_allclose(means, (9 * 0.25 + 2) / 2.25, rtol=1e-6)
    faces = list_faces(segmentation, areas)
    assert (faces.count.tolist(), faces.area.tolist()) == ([2], [2.25])
