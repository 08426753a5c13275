"""Supervoxels made of an image, by a network that knows what dark voxels are."""

import numpy as np
import pytest
import torch

from eyewire_validator.agglomeration import oversegmentation
from eyewire_validator.agglomeration.oversegmentation import (
    mean_affinities,
    oversegment,
)
from eyewire_validator.errors import ModelError


class DarkIsBoundary(torch.nn.Module):
    """Gives each voxel the affinities that its own grey value stands for."""

    def __init__(self) -> None:
        super().__init__()
        self.slope = torch.nn.Parameter(torch.tensor(20.0))

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return (self.slope * image).expand(-1, 3, -1, -1, -1)


@pytest.fixture
def network() -> DarkIsBoundary:
    return DarkIsBoundary()


@pytest.fixture
def rooms() -> np.ndarray:
    """Eight bright rooms, with dark walls between them."""
    image = np.full((24, 24, 24), 200, np.uint8)
    for axis in range(3):
        np.moveaxis(image, axis, 0)[11:13] = 50
    return image


def test_what_dark_walls_part_lies_in_pieces_of_its_own(network, rooms) -> None:
    pieces = oversegment(network, rooms)
    assert pieces.dtype == np.uint32
    assert pieces.min() == 1
    corners = [np.s_[1:9], np.s_[15:23]]
    owners = [
        set(np.unique(pieces[z, y, x]).tolist())
        for z in corners
        for y in corners
        for x in corners
    ]
    assert sum(map(len, owners)) == len(set().union(*owners))


def test_the_same_image_gives_the_same_pieces(network, rooms) -> None:
    np.testing.assert_array_equal(
        oversegment(network, rooms), oversegment(network, rooms)
    )


@pytest.mark.parametrize("tile", [8, 64])
def test_tiles_leave_no_trace(network, rooms, tile, monkeypatch) -> None:
    whole = mean_affinities(network, rooms)
    monkeypatch.setattr(oversegmentation, "TILE", tile)
    np.testing.assert_array_equal(mean_affinities(network, rooms), whole)


def test_an_image_that_needs_too_much_memory_is_refused(network, monkeypatch) -> None:
    monkeypatch.setattr(oversegmentation, "MOST_BYTES", 1000)
    with pytest.raises(ModelError, match=r"shape \(9, 9, 9\) is too large"):
        oversegment(network, np.zeros((9, 9, 9), np.uint8))
