import json

import numpy as np
import pandas as pd
import pytest

from eyewire_validator.errors import TableError
from eyewire_validator.evaluation.bootstrap import (
    intervals,
    paired_difference,
    resample_cells,
    summarize_replicates,
)
from eyewire_validator.evaluation.decisions import Decisions, decide
from eyewire_validator.evaluation.ranking import batches_of, rank_segments
from eyewire_validator.evaluation.segment_metrics import (
    METRICS,
    evaluate_cells,
    metrics_of,
)

DECISIONS = Decisions(0.5, None, None, tasks=0, cells=0, segments=0)


def evaluated(drawn):
    """Evaluate tasks drawn by (cell, task): ``+`` is chosen rightly, ``-`` wrongly."""
    tasks = pd.DataFrame(drawn.keys(), columns=["cell", "task"]).assign(
        volume=7,
        seed_full_voxels=10,
        dust_truth_segments=0,
        dust_truth_full_voxels=0,
        alarm=None,
    )
    rows = [
        (task, np.float32(0.9), mark == "+", 5)
        for (_, task), marks in drawn.items()
        for mark in marks
    ]
    segments = pd.DataFrame(rows, columns=["task", "probability", "truth", "voxels"])
    segments = segments.astype({"probability": "float32", "truth": bool})
    answers = decide(
        segments.astype({"task": int, "voxels": int}),
        tasks,
        DECISIONS,
        volume_voxels=1000,
    )
    return evaluate_cells(answers, rank_segments(batches_of(segments), answers))


def cells_of(*marks):
    """Evaluate cells of one task each."""
    return evaluated({(cell, cell): marks[cell] for cell in range(len(marks))})


MIXED = cells_of("+", "+-", "++", "+--", "-", "", "+++-", "+-")
WORSE = cells_of("-", "+-", "+-", "---", "-", "", "+---", "+-")


def test_as_many_cells_are_drawn_as_there_are():
    drawn = resample_cells(range(7), resamples=100)
    assert drawn.shape == (100, 7)
    assert (drawn.sum(axis=1) == 7).all()
    # Each cell is left out of a resample with probability (6/7)^7 = 0.34.
    assert (resample_cells(range(7)) == 0).mean() == pytest.approx(0.34, abs=0.01)


def test_the_same_cells_get_the_same_draws_in_any_order():
    drawn = resample_cells([30, 10, 20])
    np.testing.assert_array_equal(drawn, resample_cells([30, 10, 20]))
    np.testing.assert_array_equal(drawn[:, [1, 2, 0]], resample_cells([10, 20, 30]))


def test_another_seed_gives_other_draws():
    assert (resample_cells(range(9)) != resample_cells(range(9), random_seed=1)).any()


def test_a_cell_given_twice_is_refused():
    with pytest.raises(TableError, match="3 cells, but 2 different"):
        resample_cells([4, 5, 4])


def test_interval_of_a_mean_of_many_cells():
    # The share of right answers among 400 cells: 0.5 with a standard error of 0.025.
    found = summarize_replicates([cells_of(*["+", "-"] * 200)])["metrics"]["exact"]
    assert found["value"] == 0.5
    assert found["low"] == pytest.approx(0.5 - 1.96 * 0.025, abs=0.004)
    assert found["high"] == pytest.approx(0.5 + 1.96 * 0.025, abs=0.004)


def test_intervals_are_percentiles_and_values_no_medians():
    resampled = pd.DataFrame({"iou": np.arange(101.0)})
    found = intervals(pd.Series({"iou": 3.0}), resampled, level=0.9)["iou"]
    assert found == pytest.approx({"value": 3, "low": 5, "high": 95, "undefined": 0})


def test_the_value_is_the_point_estimate():
    found = summarize_replicates([MIXED])["metrics"]
    ones = metrics_of(MIXED, np.ones((1, 8), int)).iloc[0]
    for name in ("precision", "edits", "voxel_iou", "pr_auc", "vi_split"):
        assert found[name]["value"] == ones[name]
        assert found[name]["low"] < ones[name] < found[name]["high"]


def test_cells_and_not_tasks_are_drawn():
    marks = ["+", "-"] * 8
    alone = cells_of(*marks)
    # The same tasks, but all that go wrong belong to one of two cells.
    joined = evaluated({(task % 2, task): mark for task, mark in enumerate(marks)})
    widths = []
    for statistics in (alone, joined):
        found = summarize_replicates([statistics])["metrics"]["exact"]
        assert found["value"] == 0.5
        widths.append(found["high"] - found["low"])
    assert widths[0] == pytest.approx(0.5, abs=0.01)
    assert widths[1] == 1


def test_undefined_resamples_are_counted_not_dropped_in_silence():
    statistics = cells_of("", "+", "-")
    found = summarize_replicates([statistics])["metrics"]
    # Nothing is answered where only the first cell is drawn: 1 in 27.
    assert found["precision"]["undefined"] == pytest.approx(2000 / 27, abs=25)
    assert found["exact"]["undefined"] == 0
    assert found["precision"]["low"] == 0


def test_no_interval_where_most_resamples_are_undefined():
    nan = np.nan
    resampled = pd.DataFrame({"f1": [1, 2, nan, nan], "iou": [1, nan, nan, nan]})
    found = intervals(pd.Series({"f1": 1.5, "iou": nan}), resampled, level=0)
    assert found["f1"] == {"value": 1.5, "low": 1.5, "high": 1.5, "undefined": 2}
    assert found["iou"] == {"value": None, "low": None, "high": None, "undefined": 3}


def test_replicates_are_averaged_and_their_spread_is_shown():
    replicates = [MIXED, WORSE, WORSE]
    found = summarize_replicates(replicates)
    precisions = [
        metrics_of(each, np.ones((1, 8), int))["precision"].item()
        for each in replicates
    ]
    precision = found["metrics"]["precision"]
    assert precision["value"] == pytest.approx(np.mean(precisions))
    assert precision["spread"] == pytest.approx(np.std(precisions, ddof=1))
    assert (found["tasks"], found["cells"], found["replicates"]) == (8, 8, 3)
    # A task without answer has no precision; so has no recall where nothing belongs.
    assert found["undefined_tasks"]["mean_precision"] == 1
    assert found["undefined_tasks"]["mean_recall"] == (2 + 4 + 4) / 3


def test_one_undefined_replicate_makes_the_mean_undefined():
    found = summarize_replicates([cells_of("+", "+-"), cells_of("", "")])["metrics"]
    assert found["precision"]["value"] is found["precision"]["spread"] is None
    assert found["precision"]["undefined"] == 2000
    assert found["exact"]["value"] == 3 / 4


def test_replicates_are_resampled_together():
    # Each of these cells goes right in one replicate only: their mean does not vary.
    one, other = cells_of(*"+-" * 10), cells_of(*"-+" * 10)
    found = summarize_replicates([one, other])["metrics"]["exact"]
    assert (found["low"], found["high"]) == (0.5, 0.5)


def test_a_single_replicate_has_no_spread():
    found = summarize_replicates([MIXED])["metrics"]
    assert {found[name]["spread"] for name in METRICS} == {None}


def test_a_single_cell_has_no_interval():
    found = summarize_replicates([cells_of("+-")])["metrics"]["precision"]
    assert found["value"] == 0.5
    assert found["low"] is found["high"] is None


def test_no_cells_at_all():
    found = summarize_replicates([evaluated({})])
    assert found["tasks"] == found["cells"] == 0
    assert found["metrics"]["exact"]["value"] is None


def test_summaries_are_json_and_always_the_same():
    texts = {
        json.dumps([summarize_replicates(each), paired_difference(each, each)],
                   allow_nan=False)
        for each in ([MIXED, WORSE], [MIXED, WORSE])
    }  # fmt: skip
    assert len(texts) == 1


def test_a_model_does_not_differ_from_itself():
    found = paired_difference([MIXED, WORSE], [MIXED, WORSE])
    assert list(found) == list(METRICS)
    for name in METRICS:
        difference = found[name]
        assert difference["value"] == difference["low"] == difference["high"] == 0


def test_a_difference_is_paired():
    found = paired_difference([MIXED], [WORSE])["exact"]
    assert found["value"] == 2 / 8
    one = summarize_replicates([MIXED])["metrics"]["exact"]
    other = summarize_replicates([WORSE])["metrics"]["exact"]
    assert found["low"] >= 0 > one["low"] - other["high"]


def test_a_model_that_is_better_in_every_cell_is_surely_better():
    better = cells_of(*["+", "++-"] * 5)
    worse = cells_of(*["+-", "++--"] * 5)
    found = paired_difference([better], [worse])["to_remove"]
    assert found == pytest.approx({"value": -1, "low": -1, "high": -1, "undefined": 0})


def test_other_cells_or_tasks_are_refused():
    two, three = cells_of("+", "-"), cells_of("+", "-", "+")
    moved = evaluated({(0, 0): "+", (1, 9): "-"})
    with pytest.raises(TableError, match=r"2 cells against 3, 1 of them .* \[2\]"):
        paired_difference([two], [three])
    with pytest.raises(TableError, match=r"2 tasks against 2, 2 of them"):
        paired_difference([two], [moved])
    with pytest.raises(TableError, match="2 cells against 3"):
        summarize_replicates([two, three])
    with pytest.raises(TableError, match="no replicate"):
        summarize_replicates([])
