import json

import numpy as np
import pandas as pd
import pytest
from skimage.metrics import variation_of_information

from eyewire_validator.errors import ConfigError, TableError
from eyewire_validator.evaluation.decisions import (
    Decisions,
    DecisionSettings,
    choose_decisions,
    decide,
    decided_unseen,
    reaches,
)
from eyewire_validator.evaluation.ranking import batches_of, rank_segments
from eyewire_validator.evaluation.risk import Risk, choose_acceptance
from eyewire_validator.storage.schemas.evaluation import TASK_ANSWERS, UNCERTAINTIES

# So loose that two cells are enough, of which nothing is wrong.
RISK = Risk(false_merge=0.8, confidence=0.6)
SETTINGS = DecisionSettings(RISK, reject_recall=0.75)


def segments_of(*rows):
    """Make segments from (task, probability, belongs, voxels)."""
    frame = pd.DataFrame(rows, columns=["task", "probability", "truth", "voxels"])
    types = {"task": "int64", "probability": "float32", "truth": "bool"}
    return frame.astype({**types, "voxels": "int64"})


def scored(drawn, voxels=None):
    """Make the segments of task 1 from a line such as ``9+ 8- 8+``."""
    words = drawn.split()
    return segments_of(
        *(
            (1, int(word[0]) / 10, word[1] == "+", size)
            for word, size in zip(words, voxels or [1] * len(words), strict=True)
        )
    )


def tasks_of(*numbers, seed=10, dust=0):
    return pd.DataFrame(
        {
            "task": numbers,
            "cell": [number // 10 for number in numbers],
            "volume": [7] * len(numbers),
            "seed_full_voxels": seed,
            "dust_truth_segments": int(dust > 0),
            "dust_truth_full_voxels": dust,
            "alarm": None,
        }
    )


def thresholds(threshold=None, accept=None, reject=None):
    return Decisions(threshold, accept, reject, tasks=1, cells=1, segments=1)


def chosen_on(segments, tasks, settings=SETTINGS):
    return choose_decisions(rank_segments(batches_of(segments), tasks), tasks, settings)


def choose(drawn, voxels=None, *, settings=SETTINGS, dust=0):
    return chosen_on(scored(drawn, voxels), tasks_of(1, dust=dust), settings)


def between(passing, below):
    return (np.float32(passing) + np.float32(below)) / np.float32(2)


def test_a_threshold_takes_what_is_on_it_and_none_takes_nothing():
    probability = pd.Series([0.4, 0.5, 0.9], dtype="float32")
    assert reaches(probability, 0.5).tolist() == [False, True, True]
    assert not reaches(probability, None).any()


def test_a_threshold_that_went_through_json_meets_its_segment():
    probability = np.array([0.9, 0.8], np.float32)
    kept = json.loads(json.dumps(float(probability[0])))
    assert reaches(probability, kept).tolist() == [True, False]


def test_threshold_leaves_the_fewest_edits():
    assert choose("9+ 8- 7+ 6+ 5-").threshold == between(0.6, 0.5)  # 1, of 3 without
    # However large a segment is: one voxel counts as much as a thousand.
    assert choose("9+ 8- 7-", [1, 1, 1000]).threshold == between(0.9, 0.8)


def test_threshold_agrees_with_trying_them_all():
    rng = np.random.default_rng(3)
    segments = pd.DataFrame(
        {
            "task": 1,
            "probability": (np.arange(300) // 15 / 20).astype(np.float32),
            "truth": rng.random(300) < np.arange(300) / 300,
            "voxels": rng.integers(1, 1000, 300),
        }
    )
    tasks = tasks_of(1, dust=500)
    found = chosen_on(segments, tasks)

    def edits(threshold):
        answers = decide(
            segments, tasks, thresholds(threshold), volume_voxels=1_000_000
        )
        return answers["edits"].item()

    tried = sorted(map(float, segments["probability"].unique()))
    best = min(tried[1:], key=lambda value: (edits(value), -value))
    assert found.threshold == between(best, tried[tried.index(best) - 1])
    assert edits(found.threshold) == edits(best) < edits(None)


def test_of_equals_the_highest_threshold_is_taken():
    assert choose("9+ 8- 7+").threshold == between(0.9, 0.8)  # 1 edit either way
    assert choose("9+ 8- 7+ 6+").threshold == between(0.6, 0)


def test_segments_of_the_same_probability_are_chosen_together():
    found = choose("9+ 9- 8+ 8+")
    assert found.threshold == between(0.8, 0)  # and not at 9, before its tie
    assert choose("9+ 9-").threshold is None


def test_nothing_is_chosen_where_that_leaves_fewer_edits():
    assert choose("9- 8+ 7- 6+").threshold is None


@pytest.mark.parametrize("drawn", ["9- 8-", "0+ 0+ 9-", "0+ 0-", ""])
def test_nothing_is_chosen_or_accepted_where_nothing_would_be_right(drawn):
    found = choose(drawn)
    assert found.threshold is found.accept is found.reject is None


def many_cells(number, drawn):
    """Draw a task of each of so many cells, as `scored` does."""
    tasks = [10 * cell for cell in range(number)]
    segments = [scored(drawn).assign(task=task) for task in tasks]
    return pd.concat(segments, ignore_index=True), tasks_of(*tasks)


def test_accept_keeps_the_risk_over_cells():
    segments, tasks = many_cells(70, "9+ 8+ 7- 6-")
    asked = {"false_merge": 0.05, "confidence": 0.95}
    found = chosen_on(segments, tasks, DecisionSettings(Risk(**asked), 0.75))
    assert (found.accept, found.coverage) == (between(0.8, 0.7), 1)
    assert 0 < found.bound < 0.05
    cells = segments["task"] // 10
    alone = choose_acceptance(
        segments["probability"], segments["truth"], cells, **asked
    )
    assert (alone.threshold, alone.bound) == (found.accept, found.bound)


def test_too_few_cells_accept_nothing_and_say_so():
    asked = Risk(false_merge=0.05, confidence=0.95)
    found = chosen_on(*many_cells(60, "9+ 8+"), DecisionSettings(asked, 0.75))
    assert (found.accept, found.bound, found.missing) == (None, None, 5)
    assert "5 more cells are missing" in found.describe_acceptance()
    assert "where 60 were answered" in found.describe_acceptance()


def test_it_is_said_what_bounds_the_errors_of_what_is_accepted():
    kept = Decisions(0.5, 0.9, 0.1, 9, 3, 99, bound=0.041, coverage=0.31)
    assert "at most 4.1% of a cell's accepted segments" in kept.describe_acceptance()
    assert "31% of what belongs" in kept.describe_acceptance()
    older = thresholds(0.5, 0.9, 0.1)
    assert "nothing bounds their errors" in older.describe_acceptance()
    assert "too much is wrong" in thresholds(0.5).describe_acceptance()


def test_reject_keeps_enough_of_what_belongs():
    settings = DecisionSettings(RISK, reject_recall=0.75)
    drawn = "9+ 8- 7+ 6+ 5- 4+ 3-"
    assert choose(drawn, settings=settings).reject == between(0.6, 0.5)
    assert choose("9+ 8+ 0+ 0+", settings=settings).reject is None


def test_reject_is_never_above_accept():
    segments, tasks = many_cells(9, "9+ 8+")
    found = chosen_on(segments, tasks, DecisionSettings(RISK, 0.5))
    assert found.accept == found.reject == between(0.8, 0)


def test_a_threshold_lies_above_the_next_probability_however_near_it_is():
    high = np.float32(0.7)
    low = np.nextafter(high, np.float32(0))
    segments = segments_of((1, high, True, 5), (1, low, False, 5))
    assert chosen_on(segments, tasks_of(1)).threshold > low


def test_what_they_were_chosen_on_is_counted():
    segments = segments_of((10, 0.5, True, 5), (11, 0.5, True, 5))
    found = chosen_on(segments, tasks_of(10, 11, 20, 21, 30))
    assert (found.tasks, found.cells, found.segments) == (5, 3, 2)


def test_thresholds_survive_json():
    values = np.linspace(0.01, 0.99, 99, dtype=np.float32)
    for value in values:
        segments = segments_of((1, value, True, 5), (20, value, True, 5))
        found = chosen_on(segments, tasks_of(1, 20))
        kept = Decisions.from_json(json.loads(json.dumps(found.as_json())))
        assert kept == found
        answers = decide(segments, tasks_of(1, 20), kept, volume_voxels=100)
        assert answers["tp"].tolist() == [1, 1]
        assert answers["maybe"].tolist() == [0, 0]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_threshold_written_by_hand_meets_its_segment(dtype):
    segments = scored("9+ 7+").astype({"probability": dtype})
    answers = decide(segments, tasks_of(1), thresholds(0.7), volume_voxels=100)
    assert answers["tp"].item() == 2


def test_decisions_of_another_version_are_refused():
    values = {**thresholds(0.5).as_json(), "cutoff": 1}
    del values["tasks"]
    with pytest.raises(TableError, match="cutoff, tasks missing or unknown"):
        Decisions.from_json(values)


def test_decisions_of_before_they_were_bounded_are_read():
    older = thresholds(0.5, 0.9, 0.1)
    values = older.as_json()
    for name in ("bound", "coverage", "missing"):
        del values[name]
    assert Decisions.from_json(values) == older


def test_settings_are_shares():
    with pytest.raises(ConfigError, match=r"reject_recall is 99, expected a share"):
        DecisionSettings(RISK, 99)


def test_settings_are_taken_from_the_configuration():
    section = {"risk": {"false_merge": 0.8, "confidence": 0.6}, "reject_recall": 0.75}
    assert DecisionSettings.from_config(section) == SETTINGS


def test_every_task_is_answered_in_order_and_counted():
    segments = segments_of(
        (22, 0.9, True, 5),
        (11, 0.9, False, 3),
        (22, 0.2, True, 7),
        (22, 0.5, False, 11),
        (22, 0.1, False, 13),
    )
    tasks = tasks_of(22, 33, 11, seed=2, dust=1)
    found = decide(
        segments, tasks, thresholds(0.5, 0.6, 0.5), volume_voxels=100
    ).set_index("task")
    assert found.index.tolist() == [22, 33, 11]
    assert found["cell"].tolist() == [2, 3, 1]
    assert found["candidates"].tolist() == [4, 0, 1]
    counts = ["tp", "fp", "fn", "edits", "maybe", "accepted_wrongly"]
    assert found.loc[22, counts].tolist() == [1, 1, 1, 2, 1, 0]
    assert found.loc[11, counts].tolist() == [0, 1, 0, 1, 0, 1]
    assert found.loc[33, counts].tolist() == [0] * 6
    assert found["rejected_wrongly"].tolist() == [1, 0, 0]
    voxels = ["tp_voxels", "fp_voxels", "fn_voxels"]
    assert found.loc[22, voxels].tolist() == [5, 11, 7]
    assert found["seed_full_voxels"].tolist() == [2, 2, 2]
    assert found["dust_truth_full_voxels"].tolist() == [1, 1, 1]


def test_columns_are_those_of_the_table_without_uncertainty():
    found = decide(
        scored("9+"), tasks_of(1).set_index([[40]]), thresholds(), volume_voxels=100
    )
    columns = [c for c in TASK_ANSWERS.names if not c.startswith(UNCERTAINTIES)]
    assert sorted(found.columns) == sorted(columns)
    assert not found.drop(columns="alarm").isna().any(axis=None)
    assert all(
        str(found[c].dtype)
        == str(TASK_ANSWERS.field(c).type).replace("double", "float64")
        for c in columns
        if c != "alarm"
    )


def test_without_thresholds_nothing_is_decided():
    found = decide(scored("9+ 1-"), tasks_of(1), thresholds(), volume_voxels=100)
    counts = ["tp", "fp", "fn", "maybe", "accepted_wrongly", "rejected_wrongly"]
    assert found[counts].to_numpy().tolist() == [[0, 0, 1, 2, 0, 0]]


def test_tasks_without_any_candidate():
    none = scored("9+").iloc[:0]
    found = decide(none, tasks_of(1, 2), thresholds(0.5), volume_voxels=100)
    assert found["candidates"].tolist() == found["edits"].tolist() == [0, 0]
    assert found["vi_split"].tolist() == found["vi_merge"].tolist() == [0, 0]
    assert chosen_on(none, tasks_of(1, 2)).tasks == 2


def test_vi_is_that_of_the_two_masks():
    rng = np.random.default_rng(5)
    segmentation = rng.integers(0, 9, (12, 12, 12))
    seed, dust = [1], [8]  # 0 is background
    truth, answer = [2, 3, 5], [3, 4]
    sizes = np.bincount(segmentation.ravel())
    segments = segments_of(
        *((1, s in answer, s in truth, sizes[s]) for s in range(2, 8))
    )
    tasks = tasks_of(1, seed=sizes[1], dust=sizes[8])
    found = decide(segments, tasks, thresholds(0.5), volume_voxels=segmentation.size)
    split, merge = variation_of_information(
        np.isin(segmentation, seed + truth + dust).astype(int),
        np.isin(segmentation, seed + answer).astype(int),
        ignore_labels=(),
    )
    assert found["vi_split"].item() == pytest.approx(split, rel=1e-12)
    assert found["vi_merge"].item() == pytest.approx(merge, rel=1e-12)
    assert split != pytest.approx(merge, rel=1e-3)


def test_a_right_answer_has_no_vi():
    found = decide(scored("9+ 1-"), tasks_of(1), thresholds(0.5), volume_voxels=100)
    assert str(found["vi_split"].item()) == str(found["vi_merge"].item()) == "0.0"


def test_truth_may_be_the_neuron():
    segments = scored("9+ 8-").assign(neuron=[False, True])
    tasks = tasks_of(1)
    found = decide(segments, tasks, thresholds(0.9), volume_voxels=100, truth="neuron")
    assert found[["tp", "fp", "fn"]].to_numpy().tolist() == [[0, 1, 1]]


def test_unknown_neurons_are_refused():
    segments = scored("9+ 8-").assign(neuron=[None, True])
    with pytest.raises(TableError, match="neuron is empty for 1 of 2 segments"):
        decide(segments, tasks_of(1), thresholds(), volume_voxels=100, truth="neuron")


def test_segments_of_unknown_tasks_are_refused():
    with pytest.raises(TableError, match="task 1 has segments but no row among 2"):
        chosen_on(scored("9+"), tasks_of(2, 3))
    with pytest.raises(TableError, match="task 1 has several rows"):
        chosen_on(scored("9+"), tasks_of(1, 1))


def test_a_volume_that_cannot_hold_its_segments_is_refused():
    with pytest.raises(TableError, match="counts up to 18 voxels in a volume of 17"):
        decide(scored("9+ 8-", [3, 5]), tasks_of(1), thresholds(0.1), volume_voxels=17)


def test_where_the_alarm_rings_nothing_is_decided_unseen():
    segments = pd.DataFrame(
        {"task": [1, 1, 2, 2], "probability": np.float32([0.9, 0.1, 0.9, 0.1])}
    )
    tasks = pd.DataFrame({"task": [1, 2], "alarm": [None, "strange"]})
    decisions = Decisions(0.5, accept=0.8, reject=0.2, tasks=1, cells=1, segments=2)
    accepted, rejected = decided_unseen(segments, tasks, decisions)
    assert accepted.tolist() == [True, False, False, False]
    assert rejected.tolist() == [False, True, False, False]
