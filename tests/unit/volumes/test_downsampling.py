"""The kernels against a plain, slow reading of their rules."""

from collections import Counter
from itertools import product

import numpy as np
import pytest

from eyewire_validator.errors import VolumeError
from eyewire_validator.volumes.downsampling import (
    bounding_boxes,
    count_blocks,
    downsample_image,
    vote,
)


def blocks(array, factor):
    """Yield (coarse position, voxels of its block as a list of ints)."""
    edges = np.broadcast_to(factor, 3)
    for position in product(*map(range, array.shape // edges)):
        window = tuple(map(slice, position * edges, np.add(position, 1) * edges))
        yield position, array[window].ravel().tolist()


def plain_vote(segmentation, factor):
    """The rule of the design, word by word."""
    totals = Counter(segmentation.ravel().tolist())
    coarse = np.zeros(segmentation.shape // np.broadcast_to(factor, 3), np.uint16)
    for position, voxels in blocks(segmentation, factor):
        votes = Counter(segment for segment in voxels if segment != 0)
        if votes:
            most = max(votes.values())
            tied = [segment for segment, count in votes.items() if count == most]
            coarse[position] = min(tied, key=lambda s: (totals[s], s))
    return coarse


def voted(segmentation, factor):
    return vote(count_blocks(segmentation, factor))


def random_volume(ids, shape=(8, 12, 16), seed=7):
    return np.random.default_rng(seed).choice(np.array(ids, np.uint16), shape)


VOLUMES = {
    "few ids, so many ties": random_volume([0, 1, 2, 3]),
    "mostly zero": random_volume([0] * 30 + [5, 9, 65535]),
    "highest ids": random_volume([65533, 65534, 65535, 32768, 32767]),
    "every voxel its own id": random_volume(range(1, 65536)),
    "all zero": np.zeros((8, 8, 8), np.uint16),
    "two halves": np.repeat(np.array([3, 2], np.uint16), 256).reshape(8, 8, 8),
}


@pytest.mark.parametrize("factor", [1, 2, 4, (1, 4, 2)])
@pytest.mark.parametrize("name", VOLUMES)
def test_vote_is_the_plain_reading(name, factor):
    expected = plain_vote(VOLUMES[name], factor)
    np.testing.assert_array_equal(voted(VOLUMES[name], factor), expected)


def test_vote_for_a_factor_that_is_no_power_of_two():
    segmentation = random_volume([0, 1, 2, 7], (9, 6, 12))
    np.testing.assert_array_equal(voted(segmentation, 3), plain_vote(segmentation, 3))


def row_of_blocks(*blocks_of_two):
    """Lay blocks of 2 cubed, given as 8 ids each, side by side along x."""
    cubes = [np.array(ids, np.uint16).reshape(2, 2, 2) for ids in blocks_of_two]
    return np.concatenate(cubes, axis=2)


@pytest.mark.parametrize(
    ("block", "elsewhere", "winner"),
    [
        pytest.param([0] * 8, [1] * 8, 0, id="zero only if all are zero"),
        pytest.param([0] * 7 + [4], [4] * 8, 4, id="one nonzero beats seven zeros"),
        pytest.param([0, 0, 0, 0, 6, 6, 6, 9], [0] * 8, 6, id="most frequent nonzero"),
        pytest.param([5, 5, 5, 5, 8, 8, 8, 8], [5] * 8, 8, id="tie: rarer in volume"),
        pytest.param([5, 5, 5, 5, 8, 8, 8, 8], [8] * 8, 5, id="tie: rarer, other way"),
        pytest.param([8, 8, 8, 8, 5, 5, 5, 5], [0] * 8, 5, id="still a tie: lower id"),
        pytest.param([0, 0, 0, 0, 7, 7, 7, 7], [7] * 8, 7, id="tie with zero"),
    ],
)
def test_vote_rules_one_by_one(block, elsewhere, winner):
    assert voted(row_of_blocks(block, elsewhere), 2)[0, 0, 0] == winner


def test_vote_ignores_how_the_array_lies_in_memory():
    segmentation = random_volume([0, 1, 2])
    np.testing.assert_array_equal(
        voted(np.asfortranarray(segmentation), 4), voted(segmentation, 4)
    )


@pytest.mark.parametrize("factor", [2, 4, (4, 1, 2)])
@pytest.mark.parametrize("name", VOLUMES)
def test_coverage_is_the_plain_count(name, factor):
    expected = [
        (coarse_voxel, segment, count)
        for coarse_voxel, (_, voxels) in enumerate(blocks(VOLUMES[name], factor))
        for segment, count in sorted(Counter(voxels).items())
        if segment != 0
    ]
    found = count_blocks(VOLUMES[name], factor)
    rows = list(zip(found.coarse_voxel, found.segment, found.voxels, strict=True))
    assert rows == expected


@pytest.mark.parametrize("name", VOLUMES)
def test_coverage_sums_to_the_sizes(name):
    sizes = np.bincount(VOLUMES[name].ravel(), minlength=65536)
    sizes[0] = 0
    np.testing.assert_array_equal(count_blocks(VOLUMES[name], 4).sizes(), sizes)


@pytest.mark.parametrize("name", VOLUMES)
def test_boxes_hold_their_segments_tightly(name):
    segmentation = VOLUMES[name]
    boxes = bounding_boxes(segmentation)
    for segment in np.unique(segmentation):
        places = np.argwhere(segmentation == segment)
        expected = [places.min(axis=0).tolist(), (places.max(axis=0) + 1).tolist()]
        assert boxes[segment].tolist() == expected


@pytest.mark.parametrize(
    ("voxels", "mean"),
    [
        ([0] * 7 + [4], 0),  # 0.5, down to even
        ([0] * 7 + [12], 2),  # 1.5, up to even
        ([2] * 7 + [6], 2),  # 2.5, down to even
        ([254] * 4 + [255] * 4, 254),  # 254.5
        ([0] * 7 + [5], 1),  # 0.625
        ([255] * 8, 255),
    ],
)
def test_image_mean_is_rounded_half_to_even(voxels, mean):
    image = np.array(voxels, np.uint8).reshape(2, 2, 2)
    assert downsample_image(image, 2).tolist() == [[[mean]]]


@pytest.mark.parametrize("factor", [1, 2, 3, 4, (1, 3, 4)])
def test_image_mean_of_every_block(factor):
    image = np.random.default_rng(3).integers(0, 256, (12, 24, 36), dtype=np.uint8)
    coarse = downsample_image(image, factor)
    assert coarse.dtype == np.uint8
    for position, voxels in blocks(image, factor):
        # Python's round() rounds fractions of integers half to even.
        assert coarse[position] == round(sum(voxels) / len(voxels))


def test_segmentations_of_another_dtype_are_refused():
    with pytest.raises(VolumeError, match="uint32, expected uint16"):
        count_blocks(np.zeros((4, 4, 4), np.uint32), 4)


@pytest.mark.parametrize(
    ("function", "dtype"), [(count_blocks, np.uint16), (downsample_image, np.uint8)]
)
def test_shapes_that_the_factor_does_not_divide_are_refused(function, dtype):
    with pytest.raises(VolumeError, match=r"\(4, 4, 6\).*volumes\.factor"):
        function(np.zeros((4, 4, 6), dtype), 4)
