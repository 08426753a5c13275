import numpy as np
import pandas as pd
import pytest

from eyewire_validator.answers import answer_in_segments, no_segments
from eyewire_validator.audit.own_answer import audit_answers, audit_inputs
from eyewire_validator.config.families import NetworkSettings
from eyewire_validator.errors import VolumeError
from eyewire_validator.tasks import context as contexts
from eyewire_validator.tasks.lineage import Lineage

# A root, its child and its grandchild; the last segment of each is not in its seed.
TASKS = [
    {"task": 1, "volume": 11, "aggregate": [1, 8]},
    {"task": 2, "volume": 12, "aggregate": [1, 2], "parent": 1, "depth": 1},
    {"task": 3, "volume": 11, "aggregate": [1, 3], "parent": 2, "depth": 2},
]
TASK_IDS = [1, 2, 3]
HONEST = NetworkSettings(
    title="honest", context="ancestors", context_channels=2, loops=2
)
LEAKED = NetworkSettings(
    title="leaked", context="published", context_channels=2, loops=2
)


@pytest.fixture
def index(make_index):
    return make_index(*TASKS)


@pytest.fixture
def store(make_store, octants):
    return make_store({11: octants, 12: octants})


@pytest.mark.parametrize("context", ["none", "ancestors", "ancestors_registered"])
def test_honest_inputs_pass(index, store, context):
    channels = 0 if context == "none" else 2
    settings = NetworkSettings(
        title="honest", context=context, context_channels=channels, loops=2
    )
    found = audit_inputs(index, store, settings, TASK_IDS, 0)
    assert found.passed
    assert (found.tasks, found.changed, found.blind) == (3, 0, 0)


def test_the_published_context_fails(index, store):
    found = audit_inputs(index, store, LEAKED, TASK_IDS, 0)
    assert not found.passed
    assert (found.blanked, found.permuted, found.changed) == (3, 3, 3)
    assert found.first_tasks == (1, 2, 3)
    assert found.parts == ("context 1",)
    assert list(found.reasons()) == [
        "the input to 3 of 3 tasks changed with their own aggregate (context 1), "
        "first 1, 2, 3"
    ]


def test_a_context_that_leaks_one_task_is_caught(index, store, monkeypatch):
    def leaks_task_2(task, ancestor, store):
        told = task if task.task == 2 else ancestor
        return store.get(told.volume_id).mask(told.aggregate)

    monkeypatch.setitem(contexts._MASKS, "ancestors", leaks_task_2)
    found = audit_inputs(index, store, HONEST, TASK_IDS, 0)
    assert not found.passed
    assert (found.changed, found.first_tasks, found.parts) == (1, (2,), ("context 1",))


def test_a_leak_of_the_number_of_segments_alone_shows_when_blanked(
    index, store, monkeypatch
):
    def leaks_a_count(task, ancestor, store):
        return np.full(store.geometry.coarse_shape, len(task.aggregate) > 0)

    monkeypatch.setitem(contexts._MASKS, "ancestors", leaks_a_count)
    found = audit_inputs(index, store, HONEST, [2], 0)
    assert (found.blanked, found.permuted, found.changed) == (1, 0, 1)


def test_an_aggregate_that_cannot_be_seen_proves_nothing(make_index, make_store):
    """The volume has the one segment 1; the aggregate is another."""
    index = make_index({"task": 1, "volume": 11, "aggregate": []})
    store = make_store({11: np.ones((8, 8, 8))})
    found = audit_inputs(index, store, LEAKED, [1], 0)
    assert (found.changed, found.blind) == (0, 1)
    assert not found.passed
    assert "not checkable" in "".join(found.reasons())


def test_a_loader_that_ignores_the_index_is_blind(index, store, monkeypatch):
    shape = (5, *store.geometry.coarse_shape)
    monkeypatch.setattr(
        "eyewire_validator.voxel_network.samples.SampleLoader.load",
        lambda self, task: np.zeros(shape, np.uint8),
    )
    found = audit_inputs(index, store, HONEST, TASK_IDS, 0)
    assert found.blind == 3
    assert not found.passed


def test_no_task_is_no_pass(index, store):
    assert not audit_inputs(index, store, HONEST, [], 0).passed


def test_a_task_without_a_volume_is_named(make_index, store):
    index = make_index({"task": 4, "volume": None})
    with pytest.raises(VolumeError, match="task 4 has no volume"):
        audit_inputs(index, store, HONEST, [4], 0)


def answerer_of(segments_of, octants):
    """Return what makes an answerer that chooses ``segments_of(task, lineage)``."""

    def make(index):
        lineage = Lineage(index)

        def answer(tasks):
            found = []
            for row in map(lineage.task, tasks):
                probability = no_segments()
                probability[segments_of(row, lineage)] = 1
                found.append({1: answer_in_segments(octants, row.seed, probability)})
            return found

        return answer

    return make


def test_an_answer_from_the_parents_aggregate_passes(index, store, octants):
    def parents(row, lineage):
        return [s for task in lineage.ancestors(row, 1) for s in task.aggregate]

    make = answerer_of(parents, octants)
    assert audit_answers(make, index, store, TASK_IDS, 0).passed


def test_an_answer_that_knows_the_truth_fails(index, store, octants):
    make = answerer_of(lambda row, lineage: row.aggregate, octants)
    found = audit_answers(make, index, store, TASK_IDS, 0)
    assert found.changed == 3
    assert found.parts == ("probability, loops 1", "segments, loops 1")


@pytest.mark.parametrize(
    "column", ["aggregate_weights", "aggregate_voxels", "seedless_voxels"]
)
def test_what_the_index_says_about_the_answer_is_altered_too(
    index, store, octants, column
):
    """An answer taken from how large the truth is, or how sure the crowd was."""

    def make(index):
        told = index.set_index("task")[column].to_dict()
        segment = {task: int(np.sum(value)) % 9 for task, value in told.items()}
        return answerer_of(lambda row, _: [segment[row.task]], octants)(index)

    known = index.assign(
        aggregate_weights=[[0.9, 6.0]] * 3, aggregate_voxels=128, seedless_voxels=64
    )
    assert audit_answers(make, known, store, TASK_IDS, 0).changed == 3


def test_the_index_is_left_as_it_was(index, store):
    before = index.copy(deep=True)
    audit_inputs(index, store, LEAKED, TASK_IDS, 0)
    pd.testing.assert_frame_equal(index, before)
