import numpy as np
import pytest

from eyewire_validator.audit.split import audit_split


def volume(number, split, corner=(0, 0, 0), **others):
    """Make a row of a volume of 32 voxels an edge that begins at ``corner``."""
    bounds = {f"min_{axis}": low for axis, low in zip("zyx", corner, strict=True)}
    bounds |= {f"max_{axis}": low + 32 for axis, low in zip("zyx", corner, strict=True)}
    own = {"task": number, "cell": number, "volume": number, "split": split}
    return {**own, **bounds, **others}


@pytest.mark.parametrize(
    "corner", [(32, 0, 0), (0, 32, 0), (0, 0, 32), (0, -32, 0), (32, 32, 32)]
)
def test_touching_volumes_share_nothing(make_index, corner):
    found = audit_split(make_index(volume(1, "train"), volume(2, "test", corner)))
    assert found.passed
    assert (found.volumes, found.overlaps, found.shared_voxels) == (2, 0, 0)


@pytest.mark.parametrize("corner", [(31, 31, 31), (-31, 31, -31)])
def test_one_shared_voxel_is_caught(make_index, corner):
    found = audit_split(make_index(volume(1, "train"), volume(2, "test", corner)))
    assert not found.passed
    assert (found.overlaps, found.shared_voxels) == (1, 1)


def test_shared_voxels_are_counted_and_named(make_index):
    index = make_index(
        volume(1, "train"),
        volume(2, "validation", (0, 0, 24)),
        volume(3, "test", (0, 0, 60)),
        volume(4, "train", (100, 0, 0)),
        volume(5, "train", (100, 0, 8)),
    )
    found = audit_split(index)
    assert found.overlaps == 1
    assert found.shared_voxels == 32 * 32 * 8
    assert list(found.reasons()) == [
        "1 pairs of volumes of different splits share 8192 voxels, first 1 (train) and "
        "2 (validation)"
    ]


def test_a_volume_of_two_splits_shares_all_of_it(make_index):
    index = make_index(volume(1, "train"), volume(1, "test", task=2))
    found = audit_split(index)
    assert (found.volumes, found.shared_voxels) == (1, 32**3)
    assert (found.cells, found.first_cells, found.tasks) == (1, (1,), 0)


def test_overlaps_are_those_of_every_pair(make_index):
    generator = np.random.default_rng(5)
    corners = generator.integers(0, 90, (30, 3))
    splits = generator.choice(["train", "validation", "test"], 30)
    index = make_index(
        *(
            volume(number, split, corner.tolist())
            for number, (split, corner) in enumerate(zip(splits, corners, strict=True))
        )
    )
    expected = [
        np.clip(32 - abs(corners[one] - corners[other]), 0, None).prod()
        for one in range(30)
        for other in range(one)
        if splits[one] != splits[other]
    ]
    found = audit_split(index)
    assert found.overlaps == np.count_nonzero(expected) > 5
    assert found.shared_voxels == sum(expected)


def test_a_task_in_two_splits_is_named(make_index):
    far = (200, 0, 0)
    found = audit_split(make_index(volume(1, "train"), volume(1, "test", far)))
    assert (found.tasks, found.first_tasks) == (1, (1,))
    assert not found.passed


def test_volumes_without_bounds_cannot_pass(make_index):
    index = make_index(volume(1, "train"), volume(2, "test", (64, 0, 0), max_y=None))
    found = audit_split(index)
    assert (found.volumes, found.unbounded, found.overlaps) == (2, 1, 0)
    assert not found.passed
    assert "not checkable: 1 of 2 volumes" in "".join(found.reasons())


def test_unused_tasks_are_not_asked_about(make_index):
    index = make_index(volume(1, "train"), volume(1, None, task=2, excluded="buffer"))
    assert audit_split(index).passed
