import pytest
import torch

from eyewire_validator.learning.symmetry import SYMMETRIES, apply, choose, symmetries_of

CUBE = torch.arange(27).reshape(3, 3, 3)


def key(tensor):
    return tuple(tensor.flatten().tolist())


IMAGES = {key(apply(CUBE, symmetry)) for symmetry in SYMMETRIES}


def test_there_are_48_different_ones():
    assert len(SYMMETRIES) == len(IMAGES) == 48


def test_one_of_them_does_nothing():
    assert key(CUBE) in IMAGES


@pytest.mark.parametrize("first", SYMMETRIES)
def test_two_of_them_make_another(first):
    turned = apply(CUBE, first)
    assert {key(apply(turned, second)) for second in SYMMETRIES} == IMAGES


@pytest.mark.parametrize("symmetry", SYMMETRIES)
def test_neighbours_stay_neighbours(symmetry):
    where = torch.nonzero(torch.isin(apply(CUBE, symmetry), torch.tensor([13, 14])))
    assert (where[0] - where[1]).abs().sum() == 1


def test_axes_and_flips_are_as_described():
    #  z becomes the last axis: (z, y, x) -> (y, x, z), then the first is flipped.
    symmetry = next(s for s in SYMMETRIES if s == ((1, 2, 0), (True, False, False)))
    turned = apply(CUBE, symmetry)
    assert turned[0, 1, 2] == CUBE[2, 2, 1]


def test_some_are_the_first_of_all():
    assert len({key(apply(CUBE, symmetry)) for symmetry in choose(48)}) == 48
    assert choose(8) == choose(48)[:8]
    assert key(apply(CUBE, choose(1)[0])) == key(CUBE)
    assert len({symmetry.axes for symmetry in choose(6)}) == 5


def test_channels_turn_alike():
    stack = torch.stack([CUBE, CUBE + 100])[None]
    for symmetry in SYMMETRIES:
        turned = apply(stack, symmetry)
        assert turned.shape == (1, 2, 3, 3, 3)
        assert torch.equal(turned[0, 0] + 100, turned[0, 1])


@pytest.mark.parametrize(
    ("voxel_nm", "count"),
    [
        (None, 48), ((10, 10, 10), 48), ((11.5, 10, 10), 48), ((11.6, 10, 10), 16),
        ((23, 16.5, 16.5), 16), ((6, 6, 30), 16), ((6, 12, 30), 8),
    ],
)  # fmt: skip
def test_only_edges_that_are_alike_are_swapped(voxel_nm, count):
    symmetries = symmetries_of(voxel_nm)
    assert symmetries[0] == SYMMETRIES[0]
    assert len(symmetries) == len(set(choose(count, symmetries))) == count
    if voxel_nm and voxel_nm[1] == voxel_nm[2] and count == 16:
        assert all(symmetry.axes[0] == 0 for symmetry in symmetries)
