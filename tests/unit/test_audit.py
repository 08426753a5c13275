import json

import numpy as np
import pandas as pd
import pytest

from eyewire_validator import contexts
from eyewire_validator.answers import answer_in_segments, no_segments
from eyewire_validator.audit import (
    audit_answers,
    audit_checkpoint,
    audit_inputs,
    audit_split,
    model_verdict,
    require_expected,
    to_text,
    verdict,
)
from eyewire_validator.errors import AuditError, VolumeError
from eyewire_validator.lineage import Lineage
from eyewire_validator.models.checkpoint import CheckpointInfo
from eyewire_validator.models.settings import ModelSettings

# A root, its child and its grandchild; the last segment of each is not in its seed.
TASKS = [
    {"task": 1, "volume": 11, "aggregate": [1, 8]},
    {"task": 2, "volume": 12, "aggregate": [1, 2], "parent": 1, "depth": 1},
    {"task": 3, "volume": 11, "aggregate": [1, 3], "parent": 2, "depth": 2},
]
TASK_IDS = [1, 2, 3]
HONEST = ModelSettings("honest", "lwunet", "ancestors", 2, 2)
LEAKED = ModelSettings("leaked", "lwunet", "published", 2, 2)


@pytest.fixture
def index(make_index):
    return make_index(*TASKS)


@pytest.fixture
def store(make_store, octants):
    return make_store({11: octants, 12: octants})


@pytest.mark.parametrize("context", ["none", "ancestors", "ancestors_registered"])
def test_honest_inputs_pass(index, store, context):
    channels = 0 if context == "none" else 2
    settings = ModelSettings("honest", "lwunet", context, channels, 2)
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
        return contexts._own_aggregate(task if task.task == 2 else ancestor, store)

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
        "eyewire_validator.samples.SampleLoader.load",
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


@pytest.mark.parametrize("provenance", [{}, {"index": "another"}])
def test_a_checkpoint_of_another_split_is_not_checkable(provenance):
    info = CheckpointInfo(HONEST, provenance=provenance)
    assert "not checkable" in audit_checkpoint(info, "this")


def test_a_checkpoint_of_this_split_is_checkable():
    info = CheckpointInfo(HONEST, provenance={"index": "this"})
    assert audit_checkpoint(info, "this") is None


@pytest.fixture
def audits(index, store):
    return {
        settings.title: audit_inputs(index, store, settings, TASK_IDS, 0)
        for settings in (HONEST, LEAKED)
    }


@pytest.fixture
def split(make_index):
    return audit_split(make_index(volume(1, "train"), volume(2, "test", (32, 0, 0))))


@pytest.mark.parametrize(
    ("name", "leaked", "doubts", "passed", "as_expected"),
    [
        ("honest", False, [], True, True),
        ("leaked", True, [], False, True),
        ("leaked", False, [], False, False),
        ("honest", True, [], True, False),
        ("honest", False, ["not checkable"], False, False),
        ("honest", True, ["not checkable"], False, False),
        ("leaked", True, ["not checkable"], False, True),
    ],
)
def test_a_leaked_model_must_be_caught_and_an_honest_one_pass(
    audits, split, name, leaked, doubts, passed, as_expected
):
    found = model_verdict(audits[name], doubts, leaked=leaked)
    assert (found["passed"], found["as_expected"]) == (passed, as_expected)
    assert bool(found["reasons"]) == (not passed)
    overall = verdict({"model": found}, split)
    assert overall["as_expected"] == as_expected
    assert ("NOT AS EXPECTED" in to_text(overall)) == (not as_expected)


def test_a_verdict_survives_json(audits, split):
    found = verdict({"a": model_verdict(audits["leaked"], [], leaked=True)}, split)
    again = json.loads(json.dumps(found))
    assert again["models"]["a"]["own_answer"]["parts"] == ["context 1"]
    assert to_text(again) == to_text(found)
    require_expected(again)


def test_what_is_not_as_expected_is_refused_by_name(audits, make_index):
    models = {
        "good": model_verdict(audits["honest"], [], leaked=False),
        "bad": model_verdict(audits["leaked"], [], leaked=False),
    }
    overlapping = audit_split(make_index(volume(1, "train"), volume(2, "test")))
    with pytest.raises(AuditError, match="not as expected for bad, split;"):
        require_expected(verdict(models, overlapping))


def test_the_index_is_left_as_it_was(index, store):
    before = index.copy(deep=True)
    audit_inputs(index, store, LEAKED, TASK_IDS, 0)
    pd.testing.assert_frame_equal(index, before)
