"""Tests for what a person sees of a question, and how it is packed."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from eyewire_validator.review.crops import EDGE, cut_crop, pack_crop
from eyewire_validator.volumes.store import CoarseVolume

NOWHERE = (0, 0, 0)


def volume(segmentation):
    segmentation = np.asarray(segmentation, np.uint16)
    image = (np.arange(segmentation.size) % 251).astype(np.uint8)
    return CoarseVolume(image.reshape(segmentation.shape), segmentation)


def line(text):
    """A volume of one row, a digit a voxel."""
    return volume([[list(map(int, text))]])


def unpack(runs, shape):
    """Read runs as the page does."""
    found, value, shift = [], 0, 0
    for byte in base64.b64decode(runs):
        value += (byte & 127) << shift
        shift += 7
        if byte < 128:
            found += [value % 8] * (value // 8)
            value = shift = 0
    return np.reshape(found, shape)


def test_seed_and_candidate_are_told_apart():
    crop = cut_crop(line("011220"), np.array([1]), 2, NOWHERE)
    assert crop.labels.tolist() == [[[0, 1, 1, 2, 2, 0]]]


@pytest.mark.parametrize(
    ("row", "labels"),
    [
        ("912755", "412300"),  # the last touches neither
        ("112000077", "112000033"),  # a membrane is between
        ("1120000077", "1120000000"),  # more than a membrane
    ],
)
def test_neighbours_touch_seed_or_candidate(row, labels):
    crop = cut_crop(line(row), np.array([1]), 2, NOWHERE)
    assert "".join(map(str, crop.labels.ravel())) == labels


def test_of_many_neighbours_those_that_touch_most_are_shown():
    others = "7888999665"
    crop = cut_crop(volume([[[1] * 10, list(map(int, others))]]), [1], 2, NOWHERE)
    assert "".join(map(str, crop.labels[0, 1])) == "0333444550"


@pytest.mark.parametrize(
    ("row", "seed", "contact"),
    [
        ("11222", 1, 2),
        ("1100222", 1, 4),  # they do not touch: the nearest
        ("00222", 1, 3),  # no seed in view: the middle of the candidate
    ],
)
def test_it_looks_at_where_the_candidate_touches_the_seed(row, seed, contact):
    crop = cut_crop(line(row), np.array([seed]), 2, NOWHERE)
    assert crop.contact == (0, 0, contact)


def test_where_the_candidate_vanished_it_looks_at_its_point():
    assert cut_crop(line("1100"), np.array([1]), 2, (0, 0, 9)).contact == (0, 0, 3)


def test_a_large_volume_is_cut_around_the_contact():
    segmentation = np.ones((70, 70, 70))
    segmentation[60:, 40, 40] = 2
    crop = cut_crop(volume(segmentation), np.array([1]), 2, NOWHERE)
    assert crop.image.shape == crop.labels.shape == (EDGE,) * 3
    assert crop.labels[crop.contact] == 2
    # The middle of the candidate, as all of it touches the seed.
    assert crop.contact == (64 - (70 - EDGE), 24, 24)


def test_labels_come_back_from_their_runs():
    segmentation = np.random.default_rng(0).integers(0, 4, (3, 4, 5)).repeat(9, axis=2)
    crop = cut_crop(volume(segmentation), np.array([1]), 2, NOWHERE)
    packed = pack_crop(crop)
    assert (unpack(packed["runs"], packed["shape"]) == crop.labels).all()


def test_slices_lie_in_the_sheet_row_by_row():
    image = np.zeros((5, 16, 16), np.uint8)
    image += np.arange(0, 250, 50, dtype=np.uint8)[:, None, None]
    crop = cut_crop(CoarseVolume(image, image + 1), np.array([1]), 2, NOWHERE)
    sheet = base64.b64decode(pack_crop(crop)["sheet"].partition(",")[2])
    grey = np.asarray(Image.open(io.BytesIO(sheet)).convert("L"))
    assert grey.shape == (32, 48)
    middles = grey[8::16, 8::16].ravel()[:5].astype(int)
    assert np.abs(middles - [0, 50, 100, 150, 200]).max() < 5
