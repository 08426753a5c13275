"""The drawn tissue: same seed, same tissue; volumes agree where they overlap."""

import numpy as np
import pytest

from eyewire_validator.sandbox.tissue.rendering import from_jpegs, render, to_jpegs
from eyewire_validator.sandbox.tissue.retina import Tissue, grow_tissue


def grow(seed: int) -> Tissue:
    return grow_tissue((48, 48, 88), 2, 10.0, 40.0, seed)


@pytest.fixture(scope="module")
def tissue() -> Tissue:
    return grow(1)


def test_same_seed_same_tissue(tissue: Tissue) -> None:
    again, other = grow(1), grow(2)
    np.testing.assert_array_equal(again.balls, tissue.balls)
    np.testing.assert_array_equal(again.organelles, tissue.organelles)
    assert not np.array_equal(other.balls[:50], tissue.balls[:50])


def test_tissue_is_full_of_neurons(tissue: Tissue) -> None:
    neuron = render(tissue, (0, 0, 0), (48, 48, 48)).neuron
    assert (neuron > 0).mean() > 0.99
    assert len(np.unique(neuron)) > 30
    assert {1, 2} <= set(np.unique(tissue.neurons))


def test_overlapping_boxes_show_the_same(tissue: Tissue) -> None:
    left = render(tissue, (0, 0, 0), (48, 48, 48))
    right = render(tissue, (0, 0, 37), (48, 48, 48))
    np.testing.assert_array_equal(left.image[:, :, 37:], right.image[:, :, :11])
    np.testing.assert_array_equal(left.neuron[:, :, 37:], right.neuron[:, :, :11])


def test_membranes_are_dark(tissue: Tissue) -> None:
    picture = render(tissue, (0, 0, 0), (48, 48, 48))
    inner = picture.neuron[1:-1, 1:-1, 1:-1]
    is_border = np.zeros(inner.shape, bool)
    for axis in range(3):
        for step in (-1, 1):
            is_border |= np.roll(picture.neuron, step, axis)[1:-1, 1:-1, 1:-1] != inner
    grey = picture.image[1:-1, 1:-1, 1:-1]
    assert grey[is_border].mean() < grey[~is_border].mean() - 20


def test_jpegs_keep_the_picture(tissue: Tissue) -> None:
    image = render(tissue, (0, 0, 0), (16, 48, 48)).image
    decoded = from_jpegs(to_jpegs(image))
    assert decoded.shape == image.shape
    assert decoded.dtype == np.uint8
    assert np.abs(decoded.astype(int) - image).mean() < 6
