import numpy as np
import pytest

from eyewire_validator.agglomeration.contact_shapes import describe_shapes
from eyewire_validator.agglomeration.features import SHAPES
from eyewire_validator.volumes.store import CoarseVolume

# Two pieces of one rod along x, and a third rod beside them.
ONE, OTHER, BESIDE = 1, 2, 3


def rods(voxel=1):
    """Draw rods 6 thick and 40 long; ``voxel`` is the length of a voxel along x."""
    drawn = np.full((6, 12, 40 // voxel), BESIDE, np.uint16)
    drawn[:, :6, : 24 // voxel] = ONE
    drawn[:, :6, 24 // voxel :] = OTHER
    return drawn


def shapes_of(segmentation, voxel_nm=None):
    image = np.zeros(segmentation.shape, np.uint8)
    return describe_shapes(CoarseVolume(image, segmentation, voxel_nm))


def described(shapes, *pair):
    row = shapes.pairs.tolist().index(list(pair))
    return dict(zip(SHAPES, shapes.described[row].tolist(), strict=True))


def test_a_rod_goes_on_in_its_other_half_and_not_in_the_one_beside():
    shapes = shapes_of(rods())
    assert shapes.pairs.tolist() == [[1, 2], [1, 3], [2, 3]]
    assert shapes.voxels.tolist()[0] == [36 * 24, 36 * 16]
    along, across = described(shapes, ONE, OTHER), described(shapes, ONE, BESIDE)
    assert along["goes_on"] > 0.95
    assert along["both_to_normal"] > 0.95
    assert across["axes"] > 0.95
    assert across["smaller_to_normal"] < 0.1
    assert along["straight_both"] > across["straight_both"]
    assert along["width_in_calibres"] == pytest.approx(
        6 / (2 * along["calibre_smaller"]), rel=1e-3
    )
    assert across["length"] > along["length"]


def test_shares_are_of_the_surface_and_of_the_smaller_segment_first():
    shapes = shapes_of(rods())
    found = described(shapes, ONE, OTHER)
    # Of both halves' surfaces counts what touches another segment.
    assert found["share_of_smaller"] == pytest.approx(36 / (36 + 6 * 16))
    assert found["share_of_larger"] == pytest.approx(36 / (36 + 6 * 24))


@pytest.mark.parametrize("axes", [(2, 0, 1), (1, 2, 0)])
def test_a_turned_volume_has_the_same_shapes(axes):
    plain, turned = shapes_of(rods()), shapes_of(rods().transpose(axes))
    np.testing.assert_array_equal(plain.pairs, turned.pairs)
    np.testing.assert_allclose(plain.described, turned.described, atol=1e-4)


def test_long_voxels_are_as_long_as_they_are():
    fine = shapes_of(rods(), (10, 10, 10))
    long = shapes_of(rods(2), (10, 10, 20))
    # Lengths are in edges of a cube of a voxel's volume.
    edge = 2 ** (1 / 3)
    for name in ("calibre_smaller", "length"):
        # The ball is larger as well, so only what it does not cut is the same.
        before, after = (described(one, ONE, OTHER)[name] for one in (fine, long))
        assert after * edge == pytest.approx(before, rel=0.15)


def test_few_voxels_tell_no_direction():
    drawn = np.zeros((4, 4, 4), np.uint16)
    drawn[0, 0, :2] = ONE
    drawn[0, 0, 2:] = OTHER
    found = described(shapes_of(drawn), ONE, OTHER)
    assert np.isfinite(list(found.values())).all()


def test_a_segment_alone_meets_nothing():
    shapes = shapes_of(np.ones((5, 5, 5), np.uint16))
    assert shapes.pairs.shape == (0, 2)
    assert shapes.described.shape == (0, len(SHAPES))


def plain_ball(segmentation, middle, edges):
    """Return the voxels of a volume within 10 edges of a cube of a voxel's volume."""
    lengths = np.array(edges) / np.prod(edges) ** (1 / 3)
    places = np.indices(segmentation.shape).reshape(3, -1).T
    near = np.square((places - middle) * lengths).sum(axis=1) <= 10**2
    return places[near] * lengths, segmentation.ravel()[near]


@pytest.mark.parametrize(("voxel", "edges"), [(1, (1, 1, 1)), (2, (9, 9, 18))])
def test_what_is_summed_is_the_ball_around_the_contact(voxel, edges):
    drawn = rods(voxel)
    found = described(shapes_of(drawn, edges), ONE, OTHER)
    whole = len(plain_ball(np.zeros((30, 30, 30)), (15, 15, 15), edges)[0])
    places, ids = plain_ball(drawn, (2, 2, 24 // voxel), edges)
    for name, segment in (("smaller", OTHER), ("larger", ONE)):
        own = places[ids == segment]
        assert found[f"ball_{name}"] == pytest.approx(len(own) / whole)
        calibre = np.sqrt(np.linalg.eigvalsh(np.cov(own.T, bias=True))[1])
        assert found[f"calibre_{name}"] == pytest.approx(calibre, rel=1e-5)
