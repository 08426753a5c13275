import json
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from eyewire_validator.errors import TableError
from eyewire_validator.evaluation.calibration import Calibration
from eyewire_validator.evaluation.decisions import Decisions
from eyewire_validator.evaluation.ranking import batches_of
from eyewire_validator.evaluation.summary import (
    Evaluated,
    answer_tasks,
    judge_uncertainties,
    summarize_evaluation,
)
from eyewire_validator.storage.schemas.evaluation import (
    SEGMENT_SCORES,
    TASK_ANSWERS,
    TASK_METRICS,
)
from eyewire_validator.storage.tables import make_frame

DECISIONS = Decisions(0.5, accept=0.8, reject=0.25, tasks=9, cells=4, segments=99)
CALIBRATION = Calibration(2.0, (0.0, 1.0), (0.0, 1.0))
VOLUME_VOXELS = 10_000


def table(schema, *rows):
    """Make a table; what is not given is empty, or 0 where that is not allowed."""
    defaults = {field.name: None if field.nullable else 0 for field in schema}
    return make_frame([{**defaults, **row} for row in rows], schema)


def segments_of(*rows):
    """Make segments from (task, probability, in the aggregate, in the neuron)."""
    names = ("task", "probability", "truth", "neuron")
    return table(
        SEGMENT_SCORES,
        *({**dict(zip(names, row, strict=True)), "voxels": 100} for row in rows),
    )


# Tasks 1 and 2 are of cell 7; task 3, of cell 8, has no candidates.
TASKS = table(
    TASK_METRICS,
    {"task": 2, "cell": 7},
    {"task": 3, "cell": 8, "dust_truth_segments": 1, "dust_truth_full_voxels": 50},
    {"task": 1, "cell": 7, "guess": 3, "truth": 4, "intersection": 2, "union": 5},
)
SEGMENTS = segments_of(
    (1, 0.875, True, True),
    (1, 0.625, False, True),  # one that the players overlooked
    (1, 0.001, False, False),
    (2, 0.375, True, True),
    (2, 0.250, False, False),
)


def answers_to(segments):
    evaluated = Evaluated(TASKS, batches_of(segments))
    return answer_tasks(evaluated, DECISIONS, VOLUME_VOXELS)


def summary_of(segments, **metadata):
    return summarize_evaluation(
        Evaluated(TASKS, batches_of(segments)),
        answers_to(segments),
        DECISIONS,
        CALIBRATION,
        metadata={
            "leaked": "false",
            "standing": "result",
            "settings": "0123456789ab",
            **metadata,
        },
        bootstrap={"resamples": 20, "random_seed": 0},
        volume_voxels=VOLUME_VOXELS,
    )


def value_of(summary, metric):
    return summary["metrics"][metric]["value"]


def test_an_answer_holds_decisions_and_uncertainty_in_the_order_of_the_tasks():
    found = answers_to(SEGMENTS)
    assert found.columns.tolist() == TASK_ANSWERS.names
    assert found["task"].tolist() == [2, 3, 1]
    assert found["candidates"].tolist() == [2, 0, 3]
    assert found["edits"].tolist() == [1, 0, 1]
    assert found["maybe"].tolist() == [2, 0, 1]
    np.testing.assert_allclose(found["probability_sum"], [0.625, np.nan, 0.501])
    np.testing.assert_allclose(found["probability_max"], [0.375, np.nan, 0.375])


def test_answers_are_the_same_however_segments_come():
    cuts = [0, 0, 1, 5]
    batches = Evaluated(
        TASKS,
        lambda names: (
            SEGMENTS[list(names)][start:stop] for start, stop in pairwise(cuts)
        ),
    )
    found = answer_tasks(batches, DECISIONS, VOLUME_VOXELS)
    pd.testing.assert_frame_equal(found, answers_to(SEGMENTS))


def test_the_segments_of_a_task_lie_together():
    apart = SEGMENTS.iloc[[0, 3, 1, 2, 4]]
    batches = Evaluated(
        TASKS, lambda names: (apart[list(names)][i : i + 1] for i in range(5))
    )
    with pytest.raises(TableError, match="segments of task 1 do not lie together"):
        answer_tasks(batches, DECISIONS, VOLUME_VOXELS)


def test_segments_are_judged_by_the_aggregate_and_by_the_neuron():
    found = summary_of(SEGMENTS)
    assert (found["segments"]["tasks"], found["segments"]["cells"]) == (3, 2)
    assert value_of(found["segments"], "f1") == 2 / 4
    assert value_of(found["neurons"], "f1") == 4 / 5
    np.testing.assert_allclose(value_of(found["segments"], "pr_auc"), (1 + 2 / 3) / 2)
    assert value_of(found["neurons"], "pr_auc") == 1


def test_without_all_neurons_nothing_is_said_of_them():
    some_unknown = SEGMENTS.assign(neuron=[None, *SEGMENTS["neuron"][1:]])
    assert summary_of(some_unknown)["neurons"] is None


def test_the_voxels_and_the_model_are_told():
    found = summary_of(SEGMENTS)
    assert (found["leaked"], found["standing"], found["n"]) == (False, "result", 3)
    assert found["full"]["pooled"]["iou"] == 2 / 5
    assert found["decisions"] == DECISIONS.as_json()
    assert json.loads(json.dumps(found, allow_nan=False)) == found


def test_a_leaked_model_is_told_apart():
    found = summary_of(SEGMENTS, leaked="true", standing="leaked")
    assert (found["leaked"], found["standing"]) == (True, "leaked")


def test_calibration_is_judged_with_and_without_what_is_plainly_outside():
    found = summary_of(SEGMENTS)
    assert found["calibration"]["segments"] == 5
    assert found["contested"]["segments"] == 4
    wrong = np.array([0.125, 0.625, 0.625, 0.25])
    assert found["contested"]["raw"]["brier"] == np.mean(wrong**2)


@pytest.mark.parametrize(
    ("segments", "told"),
    [(SEGMENTS[2:3], {"calibration", "neurons"}), (SEGMENTS[:0], set())],
    ids=["all plainly outside", "no candidates"],
)
def test_of_no_segments_nothing_is_told(segments, told):
    parts = {"calibration", "contested", "neurons"}
    found = summary_of(segments)
    assert {part for part in parts if found[part] is not None} == told


def answers_of(**columns):
    """Make the answers to three tasks; the last one has no candidates."""
    empty = table(TASK_ANSWERS, {}, {}, {})
    return empty.assign(
        candidates=[3, 2, 0], tp=[3, 0, 0], fp=[0, 1, 9], fn=[0, 1, 9],
        edits=[0, 2, 18], **columns,
    )  # fmt: skip


def test_an_uncertainty_is_worth_what_its_order_spares():
    """The first needs no edits, the second two; the third cannot be ranked."""
    found = judge_uncertainties(
        answers_of(entropy_sum=[0.1, 0.9, None], entropy_max=[0.9, 0.1, None])
    )
    expected = {
        "tasks": 2,
        "best_augrc": 0.25,
        "random_augrc": 0.5,
        "entropy_sum": {
            "augrc": 0.25, "aurc": 0.5, "coverage_at_1": 0.5, "coverage_at_2": 0.5
        },
        "entropy_max": {
            "augrc": 0.75, "aurc": 1.5, "coverage_at_1": 0.0, "coverage_at_2": 0.0
        },
    }  # fmt: skip
    assert found == expected


def test_the_two_risks_are_one_and_two_percent():
    """2 of 100 segments are wrong, one of them missed."""
    answers = answers_of(entropy_sum=[0.1, 0.9, None]).assign(tp=[98, 0, 0])
    found = judge_uncertainties(answers)["entropy_sum"]
    assert (found["coverage_at_1"], found["coverage_at_2"]) == (0.5, 1.0)


def test_an_uncertainty_that_a_model_lacks_is_left_out():
    found = judge_uncertainties(answers_of())
    assert set(found) == {"tasks", "best_augrc", "random_augrc"}


def test_a_summary_is_the_same_again():
    assert summary_of(SEGMENTS) == summary_of(SEGMENTS)
