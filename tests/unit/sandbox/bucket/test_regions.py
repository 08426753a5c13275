"""Sizes, boxes, borders and owners of drawn segmentations."""

import numpy as np

from eyewire_validator.sandbox.bucket.folder import bounding_box_bytes
from eyewire_validator.sandbox.bucket.regions import (
    Borders,
    find_borders,
    joined_by_owners,
    majority_owners,
    maximum_spanning_tree,
    merge_borders,
)
from eyewire_validator.sandbox.bucket.volumes import VolumeBox, describe

# Two sections: 5 touches 2 directly, 2 and 7 are parted by one empty voxel,
# 7 and 9 by two.
DRAWN = np.array([[[5, 2, 0, 7, 0, 0, 9], [5, 2, 0, 7, 0, 0, 9]]], np.uint16)


def test_borders_bridge_one_voxel_but_not_two() -> None:
    borders = find_borders(DRAWN, np.full(DRAWN.shape, 100, np.uint8))
    assert borders.pairs.tolist() == [[2, 5], [2, 7]]
    assert borders.areas.tolist() == [2, 2]


def test_darkest_voxel_along_a_border_counts() -> None:
    grey = np.full(DRAWN.shape, 100, np.uint8)
    grey[0, 0, 2] = 40  # between 2 and 7, in one of their two rows
    borders = find_borders(DRAWN, grey)
    assert borders.means.tolist() == [100, 70]


def test_spanning_tree_keeps_the_brightest_way() -> None:
    drawn = np.array([[[1, 2], [3, 3]]])
    grey = np.array([[[90, 50], [80, 80]]])
    tree = maximum_spanning_tree(find_borders(drawn, grey), 3)
    # 1-2 and 2-3 both see 50; 1-3 sees 80 and must stay.
    assert [1, 3] in tree.pairs.tolist()
    assert len(tree.pairs) == 2


def test_written_boxes_are_inclusive_and_unused_ids_are_turned_inside_out() -> None:
    box = VolumeBox(1, 2, (0, 0, 0), (1, 2, 7))
    volume = describe(box, DRAWN, DRAWN.astype(np.uint8), DRAWN)
    boxes = np.frombuffer(bounding_box_bytes(volume), "<u2").reshape(-1, 2, 3)
    assert boxes[5].tolist() == [[0, 0, 0], [0, 1, 0]]
    assert boxes[1].tolist() == [[6, 1, 0], [0, 0, 0]]
    assert boxes[0].tolist() == boxes[1].tolist()


def test_owner_is_who_has_most_of_the_segment() -> None:
    segmentation = np.array([[[1, 1, 1, 1, 3, 0]]])
    owners = np.array([[[8, 8, 8, 6, 0, 6]]])
    owner, purity = majority_owners(segmentation, owners)
    assert owner.tolist() == [0, 8, 0, 0]
    assert purity.tolist() == [0, 0.75, 0, 0]


def test_borders_of_groups_are_means_by_area() -> None:
    borders = Borders(
        np.array([[1, 2], [1, 3], [2, 3]]), np.array([1, 1, 3]), np.array([9.0, 4, 8])
    )
    merged = merge_borders(borders, np.array([0, 1, 1, 2]))
    assert merged.pairs.tolist() == [[1, 2]]
    assert merged.areas.tolist() == [4]
    assert merged.means.tolist() == [7]


def test_a_piece_of_a_label_joins_its_own_segments_only() -> None:
    segmentation = np.array([[[1, 1, 9, 9, 9, 2, 2], [0, 0, 9, 9, 0, 3, 3]]])
    labels = np.array([[[5, 5, 5, 5, 6, 0, 5], [0, 0, 6, 6, 5, 0, 7]]])
    owners = np.array([0, 5, 5, 7, 0, 0, 0, 0, 0, 6])
    # The piece of 5 that begins in 1 and runs through 9 ends before the one in 2.
    assert joined_by_owners(segmentation, labels, owners).tolist() == []
    labels[0, 0, 5] = 5
    assert joined_by_owners(segmentation, labels, owners).tolist() == [[1, 2]]


def test_borders_are_those_of_every_pair_of_voxels() -> None:
    rng = np.random.default_rng(0)
    segmentation = rng.integers(0, 4, (4, 5, 6))
    grey = rng.integers(0, 256, segmentation.shape, np.uint8)
    lowest: dict[tuple[int, int], list[int]] = {}
    for axis in range(3):
        for line, greys in zip(
            lines(segmentation, axis), lines(grey, axis), strict=True
        ):
            for gap in (1, 2):
                for i in range(len(line) - gap):
                    one, other = sorted((line[i], line[i + gap]))
                    if 0 != one != other:
                        seen = lowest.setdefault((one, other), [])
                        seen.append(min(greys[i : i + gap + 1]))
    borders = find_borders(segmentation, grey)
    assert borders.pairs.tolist() == [list(pair) for pair in sorted(lowest)]
    expected = [lowest[pair] for pair in sorted(lowest)]
    assert borders.areas.tolist() == [len(seen) for seen in expected]
    assert borders.means.tolist() == [sum(seen) / len(seen) for seen in expected]


def lines(array: np.ndarray, axis: int) -> list[list[int]]:
    rows: list[list[int]] = (
        np.moveaxis(array, axis, -1).reshape(-1, array.shape[axis]).tolist()
    )
    return rows
