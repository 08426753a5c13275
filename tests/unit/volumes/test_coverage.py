import numpy as np
import pandas as pd
import pytest

from eyewire_validator.errors import VolumeError
from eyewire_validator.volumes.coarse import coverage_table
from eyewire_validator.volumes.coverage import SegmentCoverage
from eyewire_validator.volumes.downsampling import count_blocks
from eyewire_validator.volumes.dust import Dust

SIDES = [f"{side}_{axis}" for side in ("min", "max") for axis in "zyx"]


def covered_by(segmentation, factor):
    """Return the table of the coarse voxels that segments cover."""
    return pd.DataFrame(coverage_table(count_blocks(segmentation, factor)))


def coverage_of(segmentation, factor):
    """Build the coverage of a full-resolution segmentation."""
    sizes = np.bincount(segmentation.ravel())
    rows = []
    for segment in np.flatnonzero(sizes[1:]) + 1:
        where = np.argwhere(segmentation == segment)
        box = [*where.min(axis=0), *(where.max(axis=0) + 1)]
        rows.append([segment, sizes[segment], 0, *box])
    names = ["segment", "voxels", "coarse_voxels", *SIDES]
    covered = covered_by(segmentation, factor)
    shape = tuple(edge // factor for edge in segmentation.shape)
    return SegmentCoverage.build(pd.DataFrame(rows, columns=names), covered, shape)


@pytest.fixture
def segmentation():
    return np.random.default_rng(4).integers(0, 6, (8, 8, 8)).astype(np.uint16)


def test_the_mean_is_over_every_voxel_of_a_segment(segmentation):
    """Also over those that the vote painted over: compared at full resolution."""
    coverage = coverage_of(segmentation, 4)
    coarse = np.random.default_rng(5).random((3, 2, 2, 2)).astype(np.float32)
    full = coarse.repeat(4, 1).repeat(4, 2).repeat(4, 3).astype(np.float64)
    found = coverage.mean(coarse)
    assert found.shape == (5, 3)
    for row, segment in enumerate(range(1, 6)):
        np.testing.assert_allclose(
            found[row], full[:, segmentation == segment].mean(axis=1)
        )
    np.testing.assert_array_equal(coverage.mean(coarse[0]), found[:, 0])


def test_a_segment_that_vanishes_still_gets_a_score():
    segmentation = np.full((4, 4, 4), 1, np.uint16)
    segmentation[0, 0, 0] = 2
    coverage = coverage_of(segmentation, 4)
    mask = np.full((1, 1, 1), 0.25, np.float32)
    assert coverage.mean(mask).tolist() == [0.25, 0.25]


def test_candidates_are_neither_seed_nor_dust():
    segmentation = np.zeros((8, 8, 8), np.uint16)
    segmentation[:2, :2, :3] = 1  # 12 voxels
    segmentation[4:6, 4:6, :2] = 2  # 8 voxels
    segmentation[7, :, :] = 3  # one voxel thin
    segmentation[2:4, :, :] = 4  # the seed
    coverage = coverage_of(segmentation, 4)
    seed = np.array([4])
    assert coverage.candidates(seed, Dust(8)).tolist() == [True, False, False, False]
    assert coverage.candidates(seed, Dust(7)).tolist() == [True, True, False, False]
    assert coverage.candidates(seed, Dust(8, 0)).tolist() == [True, False, True, False]


def test_tables_of_different_volumes_are_refused(segmentation):
    coverage = coverage_of(segmentation, 4)
    other = covered_by(segmentation[::-1].copy() % 5, 4)
    others = coverage.segments[coverage.segments["segment"] > 1]
    for segments, covered in (
        (coverage.segments, other),
        (others, covered_by(segmentation, 4)),
    ):
        with pytest.raises(VolumeError, match=r"disagree about the\s+sizes"):
            SegmentCoverage.build(segments, covered, (2, 2, 2))


def test_the_order_of_the_tables_does_not_matter(segmentation):
    coverage = coverage_of(segmentation, 4)
    covered = covered_by(segmentation, 4)
    other = SegmentCoverage.build(coverage.segments[::-1], covered[::-1], (2, 2, 2))
    pd.testing.assert_frame_equal(other.segments, coverage.segments)
    np.testing.assert_array_equal(other.shares.todense(), coverage.shares.todense())


def test_a_point_lies_in_its_segment_in_volumes_that_are_no_cubes():
    segmentation = np.full((4, 8, 16), 1, np.uint16)
    segmentation[1, 5, 11] = 2
    assert coverage_of(segmentation, 1).points[1].tolist() == [1, 5, 11]
