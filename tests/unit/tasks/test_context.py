import numpy as np
import pytest

from eyewire_validator.config.families import CONTEXTS
from eyewire_validator.errors import FileError
from eyewire_validator.tasks.context import (
    context_masks,
    is_leaked,
    rejected_segments,
)
from eyewire_validator.tasks.lineage import Lineage

# A grandparent, its child one stride further along x, and the task further along z.
GRANDPARENT = {"task": 1, "volume": 11, "aggregate": [1]}
PARENT = {"task": 2, "volume": 12, "aggregate": [2, 8], "parent": 1, "min_x": 24}
TASK = {"task": 3, "volume": 13, "aggregate": [3], "parent": 2, "min_x": 24}
TASK = {**TASK, "min_z": 24}


@pytest.fixture
def store(make_store, octants):
    return make_store({11: octants, 12: octants, 13: octants})


def masks(context, index, store, channels=2, task=3):
    lineage = Lineage(index)
    row = lineage.task(task)
    ancestors = lineage.ancestors(row, channels)
    return context_masks(context, row, ancestors, store, channels)


def test_none_has_no_channels(make_index, store):
    index = make_index(GRANDPARENT, PARENT, TASK)
    assert masks("none", index, store, channels=0).shape == (0, 8, 8, 8)


def test_ancestors_are_masks_in_their_own_frames_nearest_last(
    make_index, store, octants
):
    found = masks("ancestors", make_index(GRANDPARENT, PARENT, TASK), store)
    assert found.dtype == bool
    np.testing.assert_array_equal(found[0], octants == 1)
    np.testing.assert_array_equal(found[1], np.isin(octants, [2, 8]))


def test_registered_ancestors_lie_where_they_are_in_the_tasks_frame(
    make_index, store, octants
):
    found = masks("ancestors_registered", make_index(GRANDPARENT, PARENT, TASK), store)
    parent = np.zeros((8, 8, 8), bool)
    parent[:2] = np.isin(octants, [2, 8])[6:]
    np.testing.assert_array_equal(found[1], parent)
    assert parent.any()
    # The grandparent's segment 1 lies at its low end and does not reach the task.
    assert not found[0].any()


@pytest.mark.parametrize(("apart", "coarse"), [(24, 6), (23, 6), (22, 5), (21, 5)])
def test_registered_ancestors_move_to_the_nearest_coarse_voxel(
    make_index, store, octants, apart, coarse
):
    index = make_index({**PARENT, "min_z": 24 - apart}, TASK)
    found = masks("ancestors_registered", index, store, channels=1)
    expected = np.zeros((8, 8, 8), bool)
    expected[: 8 - coarse] = np.isin(octants, [2, 8])[coarse:]
    np.testing.assert_array_equal(found[0], expected)


def test_registered_grandparent_moves_along_both_axes(make_index, store, octants):
    index = make_index({**GRANDPARENT, "aggregate": [8]}, PARENT, TASK)
    found = masks("ancestors_registered", index, store)
    grandparent = np.zeros((8, 8, 8), bool)
    grandparent[:2, :, :2] = (octants == 8)[6:, :, 6:]
    np.testing.assert_array_equal(found[0], grandparent)


@pytest.mark.parametrize("context", ["ancestors", "ancestors_registered"])
def test_missing_ancestors_are_zeros_and_come_first(make_index, store, context):
    found = masks(context, make_index(PARENT, TASK), store, channels=3)
    assert found.any(axis=(1, 2, 3)).tolist() == [False, False, True]
    assert not masks(context, make_index(TASK), store).any()


@pytest.mark.parametrize("context", ["ancestors", "ancestors_registered"])
def test_an_excluded_ancestor_may_lack_its_volume(make_index, store, context):
    lost = {**PARENT, "volume": 99, "excluded": "wrong shape"}
    assert not masks(context, make_index(lost, TASK), store).any()
    with pytest.raises(FileError, match="99"):
        masks(context, make_index({**lost, "excluded": None}, TASK), store)


def test_published_is_the_answer_itself(make_index, store, octants):
    found = masks("published", make_index(GRANDPARENT, PARENT, TASK), store)
    assert not found[0].any()
    np.testing.assert_array_equal(found[1], octants == 3)


@pytest.mark.parametrize("context", CONTEXTS)
def test_only_published_looks_at_the_tasks_own_aggregate(make_index, store, context):
    channels = 0 if context == "none" else 2
    told, altered = (
        masks(
            context,
            make_index(GRANDPARENT, PARENT, {**TASK, "aggregate": aggregate}),
            store,
            channels,
        )
        for aggregate in ([3], [1, 4, 6])
    )
    assert np.array_equal(told, altered) != is_leaked(context)


def test_published_alone_is_leaked():
    assert [context for context in CONTEXTS if is_leaked(context)] == ["published"]


def rejected(index, store, task=3):
    lineage = Lineage(index)
    row = lineage.task(task)
    return rejected_segments(row, lineage.ancestors(row), store).tolist()


def test_segments_that_an_ancestor_saw_and_did_not_choose_are_rejected(
    make_index, store
):
    """The parent's volume reaches the task's octants 1 to 4; its 8 lies on 4."""
    index = make_index(GRANDPARENT, PARENT, {**TASK, "seed": [2]})
    assert rejected(index, store) == [1, 3]


def test_an_ancestors_seed_is_part_of_its_answer(make_index, store):
    parent = {**PARENT, "seed": [7]}
    assert rejected(make_index(parent, {**TASK, "seed": [2]}), store) == [1]


@pytest.mark.parametrize(
    "parent",
    [
        {**PARENT, "aggregate": []},
        {**PARENT, "volume": None},
        {**PARENT, "volume": 99, "excluded": "no volume"},
        {**PARENT, "min_z": None},
    ],
    ids=["no answer", "no volume", "volume never fetched", "nowhere"],
)
def test_an_ancestor_that_is_not_known_rejects_nothing(make_index, store, parent):
    assert rejected(make_index(parent, TASK), store) == []


def test_a_root_has_nothing_rejected(make_index, store):
    assert rejected(make_index({**TASK, "parent": None}), store) == []
