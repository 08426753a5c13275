import numpy as np
import pytest

from eyewire_validator.voxel_network.sampling import (
    chances_by_fill,
    chances_by_loss,
    draw_tasks,
    newer_losses,
)

TASKS = np.arange(10, 16)


def test_without_chances_each_task_is_drawn_once():
    """As a plain permutation, so that older trainings come again."""
    found = draw_tasks(TASKS, None, np.random.default_rng(1))
    expected = np.random.default_rng(1).permutation(TASKS)
    np.testing.assert_array_equal(found, expected)


def test_tasks_are_drawn_in_proportion_to_their_chances():
    chances = np.array([0, 1, 2, 3, 0, 6.0])
    generator = np.random.default_rng(2)
    drawn = np.concatenate([draw_tasks(TASKS, chances, generator) for _ in range(2000)])
    assert len(drawn) == 12_000
    counts = np.bincount(drawn, minlength=16)[10:]
    np.testing.assert_allclose(counts / 1000, chances, atol=0.15)


def test_chances_are_the_losses_and_their_mean_where_none_is_known():
    assert chances_by_loss(TASKS[:3], {10: 1.0, 12: 3.0, 99: 50.0}).tolist() == [
        1,
        2,
        3,
    ]
    assert chances_by_loss(TASKS[:3], {}).tolist() == [1, 1, 1]


def test_losses_are_smoothed_whatever_their_order():
    """Half of what was before and half of the mean of what is now."""
    expected = {1: 4.0, 2: 2.0, 3: 7.0}
    for order in ([0, 1, 2], [2, 1, 0]):
        tasks, losses = np.array([2, 3, 2])[order], np.array([1, 7, 5])[order]
        assert (
            newer_losses({1: 4.0, 2: 1.0}, tasks.tolist(), losses.tolist()) == expected
        )


def test_much_and_little_to_find_are_drawn_evenly(make_index):
    """Nothing and less than 1/64 of the seed are one kind, as are 8 times and more."""
    found = {10: 0, 11: 15, 12: 16, 13: 1000, 14: 1999, 15: 8000, 16: 30_000, 17: 1}
    index = make_index(
        *(
            {"task": task, "seed_voxels": 1000, "seedless_voxels": count}
            for task, count in found.items()
        )
    )
    chances = chances_by_fill(np.array(list(found)), index)
    assert chances.tolist() == pytest.approx(
        [1 / 3, 1 / 3, 1, 1 / 2, 1 / 2, 1 / 2, 1 / 2, 1 / 3]
    )
