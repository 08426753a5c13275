"""Spawning from volume to volume, on drawn slabs and a drawn chain of volumes."""

import numpy as np
from numpy.typing import NDArray

from eyewire_validator.sandbox.bucket.regions import Borders, find_borders
from eyewire_validator.sandbox.bucket.volumes import Volume, VolumeBox, describe
from eyewire_validator.sandbox.tracing.crowd import CrowdAnswer
from eyewire_validator.sandbox.tracing.spawning import SpawnedTask, Tracer
from eyewire_validator.volumes.dust import Dust
from eyewire_validator.volumes.geometry import VolumeGeometry
from eyewire_validator.volumes.spawning import Slab, connected_to, spawn_seeds

NO_BORDERS = Borders(np.empty((0, 2), np.int64), np.empty(0, int), np.empty(0))


def draw(*rows: str) -> NDArray[np.uint16]:
    """One section; digits are segments, dots are nothing."""
    digits = [[0 if c == "." else int(c) for c in row] for row in rows]
    return np.array([digits], np.uint16)


def seeds(
    parent: NDArray[np.uint16],
    child: NDArray[np.uint16],
    answer: list[int],
    borders: Borders = NO_BORDERS,
    prior: float = 1000,
) -> list[dict[int, int]]:
    sizes = np.bincount(child.ravel(), minlength=10)
    slab = Slab(parent, child, 2, True, sizes, prior)
    return spawn_seeds(slab, answer, np.ones(10, bool), borders.pairs)


def test_covered_segments_become_seeds() -> None:
    parent = draw("111111", "111111", "222222")
    child = draw("333333", "444444", "555555")
    found = seeds(parent, child, [1])
    assert sorted(found, key=str) == [{3: 6}, {4: 6}]


def test_seeds_that_touch_share_a_task() -> None:
    parent = draw("111111", "111111", "222222")
    child = draw("333333", "444444", "555555")
    borders = find_borders(child, child)
    assert seeds(parent, child, [1], borders) == [{3: 6, 4: 6}]


def test_a_piece_that_ends_in_the_near_half_spawns_nothing() -> None:
    parent = draw("111...", "......")
    child = draw("333333", "......")
    assert seeds(parent, child, [1]) == []


def test_partly_covered_segments_are_left_out_beside_better_ones() -> None:
    parent = draw("111111", "11....")
    child = draw("333333", "444444")
    assert seeds(parent, child, [1]) == [{3: 6}]


def test_without_a_match_the_best_share_is_taken() -> None:
    # 3 is covered by half, 4 by a third: neither reaches 0.6, 3 scores higher.
    parent = draw("111111", "......", "......")
    child = draw("333444", "333444", "...444")
    assert seeds(parent, child, [1]) == [{3: 3}]


def test_connected_to_walks_only_within() -> None:
    pairs = np.array([[1, 2], [2, 3], [3, 4]])
    assert connected_to({1}, pairs, {1, 2, 4}) == {1, 2}
    assert connected_to({9}, pairs, {1, 2}) == set()


def tube(corner: int, label: int) -> Volume:
    """A volume of 16^3 with one tube along x, and a stranger beside it."""
    segmentation = np.zeros((16, 16, 16), np.uint16)
    segmentation[5:11, 5:11, 1:15] = label
    segmentation[1:4, 5:11, 1:15] = 9
    neurons = np.where(segmentation == label, 1, np.where(segmentation == 9, 2, 0))
    image = np.full((16, 16, 16), 100, np.uint8)
    box = VolumeBox(corner, corner + 1, (0, 0, corner), (16, 16, 16))
    return describe(box, segmentation, image, neurons)


def trace(volumes: list[Volume], dust: Dust) -> list[SpawnedTask]:
    """Trace neuron 1 by players who know the truth."""
    near = {v.box.corner: v for v in volumes}
    return Tracer(near, VolumeGeometry(16, 4, 2), 0.5, dust).trace(
        1,
        lambda volume, seed, truth: CrowdAnswer(dict.fromkeys(truth, 1.0), 0.0, 1.0, 2),
    )


def test_a_neurite_is_followed_through_three_volumes() -> None:
    volumes = [tube(0, 3), tube(12, 4), tube(24, 5)]
    tasks = trace(volumes, Dust(0))
    by_volume = {task.volume: task for task in tasks}
    assert {volume: task.truth for volume, task in by_volume.items()} == {
        1: {3},
        13: {4},
        25: {5},
    }
    root = next(task for task in tasks if task.parent is None)
    assert all(task.parent is not None for task in tasks if task is not root)
    # The slab is 4 wide; without its outer voxels the tube has 2 x 6 x 6 there.
    assert [t.seed for t in tasks if t is not root] == [{4: 72}, {3: 72}]


def test_the_best_match_depends_on_the_prior() -> None:
    # 3 is covered by 4 of 7 voxels, 4 by 11 of 20.
    parent = draw("1" * 15, "." * 15)
    child = draw("333344444444444", "333444444444...")
    assert seeds(parent, child, [1], prior=1000) == [{4: 11}]
    assert seeds(parent, child, [1], prior=1) == [{3: 4}]


def test_dust_spawns_nothing() -> None:
    volumes = [tube(0, 3), tube(12, 4)]
    size = int(volumes[1].sizes[4])
    assert len(trace(volumes, Dust(size - 1))) == 2
    assert len(trace(volumes, Dust(size))) == 1
    assert len(trace(volumes, Dust(0, 5))) == 2
    assert len(trace(volumes, Dust(0, 6))) == 1


def test_a_neurite_that_runs_through_a_foreign_segment_is_one() -> None:
    volume = tube(0, 3)
    segmentation = np.asarray(volume.segmentation).copy()
    neurons = np.where(segmentation == 3, 1, 0)
    # Segment 9 swallows a stretch of the tube, but most of it is of neuron 2.
    segmentation[3:16, 5:11, 6:9] = 9
    neurons[11:, 5:11] = 2
    neurons[1:4, 5:11] = 2
    segmentation[5:11, 5:11, 9:15] = 4
    image = np.full(segmentation.shape, 100, np.uint8)
    volume = describe(volume.box, segmentation, image, neurons)
    assert volume.owners[[3, 4, 9]].tolist() == [1, 1, 2]
    (task,) = trace([volume], Dust(0))
    assert task.truth == {3, 4}
