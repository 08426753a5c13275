"""Oddities: each is made as often as it says, and is what it says."""

from dataclasses import replace

import numpy as np
import pytest

from eyewire_validator.sandbox.bucket.volumes import Volume, VolumeBox, describe
from eyewire_validator.sandbox.oddities import (
    add_oddities,
    disturb_replies,
    plant_speck,
)
from eyewire_validator.sandbox.service.replies import (
    Cell,
    ServedTask,
    number_tasks,
    serve,
)
from eyewire_validator.sandbox.tracing.crowd import CrowdAnswer
from eyewire_validator.sandbox.tracing.spawning import SpawnedTask
from eyewire_validator.volumes.downsampling import count_blocks, vote


@pytest.mark.parametrize("factor", [2, 4])
def test_a_speck_vanishes_when_downsampled(factor: int) -> None:
    segmentation = np.zeros((16, 16, 16), np.uint16)
    segmentation[4:12, 4:12, 4:12] = 5
    allowed = np.zeros(segmentation.shape, bool)
    allowed[8:, 8:, 8:] = True
    plant_speck(segmentation, allowed, factor, np.random.default_rng(0))
    assert (segmentation == 1).sum() == 2
    assert allowed[segmentation == 1].all()
    assert set(np.unique(vote(count_blocks(segmentation, factor)))) == {0, 5}


def test_no_speck_without_room() -> None:
    segmentation = np.ones((8, 8, 8), np.uint16)
    plant_speck(segmentation, np.zeros((8, 8, 8), bool), 4, np.random.default_rng(0))
    assert (segmentation == 1).all()


def a_volume() -> Volume:
    segmentation = np.full((8, 8, 8), 3, np.uint16)
    segmentation[4:] = 4
    segmentation[0, 0, :2] = 9  # the speck
    return describe(
        VolumeBox(1, 2, (0, 0, 0), (8, 8, 8)),
        segmentation,
        np.full((8, 8, 8), 100, np.uint8),
        np.ones((8, 8, 8), int),
    )


def a_task(number: int) -> ServedTask:
    answer = CrowdAnswer({3: 1.0, 4: 0.9}, 0.5, 5.0, 1)
    parent = 0 if number else None
    return serve(SpawnedTask(number, parent, 2, {3: 20}, {3, 4, 9}, answer), False)


def two_cells() -> list[Cell]:
    """Two cells, each a root with twelve children."""
    cells = [
        Cell(
            cell,
            "bipolar",
            "Completed",
            "{}",
            "",
            100,
            cell,
            [a_task(n) for n in range(13)],
        )
        for cell in (1, 2)
    ]
    return number_tasks(cells, 100)


def test_each_oddity_is_made_and_counted() -> None:
    before = {t.task.task: t for cell in two_cells() for t in cell.tasks}
    cells, made = add_oddities(two_cells(), [a_volume()], np.random.default_rng(0))
    tasks = [served for cell in cells for served in cell.tasks]
    changed = {
        "vanishing_seeds": [t for t in tasks if t.task.seed == {9: 2}],
        "empty_aggregates": [t for t in tasks if t.segments == {}],
        "empty_aggregate_lists": [t for t in tasks if t.segments == []],
        "aggregates_without_seed": [t for t in tasks if t.segments == {"4": 0.9}],
        "frozen_tasks": [t for t in tasks if t.status == 10],
        "stashed_tasks": [t for t in tasks if t.status == 6],
        "unlisted_parents": [t for t in tasks if t.task.parent == 7],
        "duplicate_tasks": [t for t in tasks if t.status == 11],
    }
    assert made == {name: len(found) for name, found in changed.items()}
    assert all(made.values())
    untouched = [t for t in tasks if before.get(t.task.task) == t]
    assert len(untouched) == len(before) - sum(made.values()) + made["duplicate_tasks"]
    assert len({t.task.task for t in tasks}) == len(tasks) == len(before) + 2


def test_rejected_cells_and_parents_stay_ordinary() -> None:
    first, second = two_cells()
    cells, _ = add_oddities(
        [first, replace(second, status="")], [a_volume()], np.random.default_rng(0)
    )
    assert cells[0].tasks[0] == first.tasks[0]
    ordinary = [t for t in cells[1].tasks if t.status != 11]
    assert ordinary == second.tasks


def test_replies_are_disturbed_now_and_then() -> None:
    replies = {
        str(n): {
            "id": n,
            "weightsum": 3,
            "data": {"segmentation": {"id": 5}},
            "users": "",
            "wiki_notes": "",
        }
        for n in range(100)
    }
    made = disturb_replies(replies)
    as_text = [r for r in replies.values() if isinstance(r["id"], str)]
    lacking = [r for r in replies.values() if "users" not in r]
    assert made == {
        "numbers_as_text": len(as_text),
        "without_users_and_notes": len(lacking),
    }
    assert as_text
    assert lacking
    assert all(int(key) == int(r["id"]) for key, r in replies.items())
