"""Faces between segments, on drawn volumes."""

import numpy as np

from eyewire_validator.volumes.contacts import (
    Contacts,
    faces_along,
    faces_with_seed,
    pairs_of,
)

DRAWN = np.array([[[1, 1, 2], [1, 0, 2], [3, 3, 3]]], np.uint16)


def test_contacts_are_faces():
    contacts = Contacts.find(DRAWN)
    assert contacts.pairs.tolist() == [[1, 2], [1, 3], [2, 3]]
    assert contacts.faces.tolist() == [1, 1, 1]
    # Faces with 0 count, the border of the volume does not.
    assert contacts.surface[[1, 2, 3]].tolist() == [4, 3, 3]
    np.testing.assert_allclose(contacts.graph().weights, 1 / 3)


def test_a_volume_of_one_segment_has_no_contacts():
    contacts = Contacts.find(np.ones((2, 2, 2), np.uint16))
    assert contacts.graph().pairs.shape == (0, 2)


def test_background_is_asked_for():
    touching, codes = faces_along(1, DRAWN)
    assert touching.squeeze(1).tolist() == [[False] * 3, [True, False, True]]
    assert pairs_of(codes).tolist() == [[1, 3], [2, 3]]
    _, codes = faces_along(1, DRAWN, with_background=True)
    assert pairs_of(codes).tolist() == [[0, 1], [1, 3], [0, 3], [2, 3]]


def test_a_segment_shares_faces_with_every_segment_of_the_seed():
    contacts = Contacts.find(DRAWN)
    found = faces_with_seed(contacts.pairs, contacts.faces, np.array([1, 2]))
    assert found[:4].tolist() == [0, 0, 0, 2]
