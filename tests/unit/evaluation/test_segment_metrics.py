import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import average_precision_score

from eyewire_validator.errors import TableError
from eyewire_validator.evaluation.decisions import Decisions, decide
from eyewire_validator.evaluation.ranking import batches_of, rank_segments
from eyewire_validator.evaluation.segment_metrics import (
    COUNTS,
    METRICS,
    evaluate_cells,
    metrics_of,
)

DECISIONS = Decisions(0.5, None, None, tasks=0, cells=0, segments=0)


def statistics_of(segments, tasks):
    answers = decide(segments, tasks, DECISIONS, volume_voxels=1000)
    return evaluate_cells(answers, rank_segments(batches_of(segments), answers))


def tasks_of(**cells):
    """Make tasks by cell, such as ``c1=[10, 11]``; each has a voxel of dust."""
    rows = [(task, int(cell[1:])) for cell, tasks in cells.items() for task in tasks]
    return pd.DataFrame(rows, columns=["task", "cell"]).assign(
        volume=7,
        seed_full_voxels=10,
        dust_truth_segments=1,
        dust_truth_full_voxels=1,
        alarm=None,
    )


def segments_of(**drawn):
    """Make segments by task, such as ``t10="9+5 2-7"``: a segment a word.

    It says probability in tenths, whether the segment belongs, and its voxels.
    """
    rows = [
        (int(task[1:]), int(word[0]) / 10, word[1] == "+", int(word[2:]))
        for task, words in drawn.items()
        for word in words.split()
    ]
    frame = pd.DataFrame(rows, columns=["task", "probability", "truth", "voxels"])
    return frame.astype({"task": int, "probability": "float32", "truth": bool})


def random_cells(seed, cells=5, tasks=4, candidates=30, levels=1000):
    rng = np.random.default_rng(seed)
    table = tasks_of(
        **{f"c{cell}": range(cell * 100, cell * 100 + tasks) for cell in range(cells)}
    )
    size = cells * tasks * candidates
    belongs = rng.random(size) < 0.2
    score = np.clip(rng.normal(0.3 + 0.3 * belongs, 0.2), 0, 1)
    segments = pd.DataFrame(
        {
            "task": np.repeat(table["task"], candidates),
            "probability": (np.round(score * levels) / levels).astype(np.float32),
            "truth": belongs,
            "voxels": rng.integers(1, 9, size),
        }
    )
    return segments, table


TASKS = tasks_of(c1=[10, 11], c2=[20], c3=[30])
SEGMENTS = segments_of(
    t10="9+5 8-3 2+2 1-9",  # one right, one wrong, one missed
    t11="9+4 1-9",  # exact
    t20="9-6 1-9",  # nothing belongs
)  # task 30 has no candidates at all
STATISTICS = statistics_of(SEGMENTS, TASKS)


def point(statistics=STATISTICS, multiplicities=None):
    ones = [1] * len(statistics.cells)
    return metrics_of(statistics, np.array([multiplicities or ones])).iloc[0]


def test_pooled_metrics():
    found = point()
    assert found["precision"] == 2 / 4
    assert found["recall"] == 2 / 3
    assert found["f1"] == 4 / 7
    assert found["weighted_precision"] == 9 / 18
    assert found["weighted_recall"] == 9 / 11
    assert found["weighted_f1"] == 18 / 29
    assert found["false_merge_voxels"] == 9 / 18
    assert found["missed_voxels"] == 2 / 11
    assert found["voxel_iou"] == 9 / (9 + 9 + 2 + 4)


def test_means_over_tasks():
    found = point()
    assert found["edits"] == 3 / 4
    assert found["to_add"] == 1 / 4
    assert found["to_remove"] == 2 / 4
    assert found["exact"] == 2 / 4
    assert found["false_merge_tasks"] == 2 / 4
    assert found["missed_tasks"] == 1 / 4
    assert found["mean_precision"] == pytest.approx((1 / 2 + 1 + 0) / 3)
    assert found["mean_recall"] == pytest.approx((1 / 2 + 1) / 2)
    assert found["mean_f1"] == pytest.approx((1 / 2 + 1 + 0) / 3)
    assert found["mean_voxel_iou"] == pytest.approx((5 / 11 + 4 / 5 + 0 + 0) / 4)


def test_vi_is_the_mean_of_the_tasks():
    answers = decide(SEGMENTS, TASKS, DECISIONS, volume_voxels=1000)
    assert point()["vi_split"] == pytest.approx(answers["vi_split"].mean())
    assert point()["vi_merge"] == pytest.approx(answers["vi_merge"].mean())


def test_numbers_and_what_is_undefined_stand_beside():
    found = point()
    assert (found["cells"], found["tasks"]) == (3, 4)
    assert found["mean_precision_undefined"] == 1
    assert found["mean_recall_undefined"] == 2
    assert found["mean_f1_undefined"] == 1
    assert found["mean_voxel_iou_undefined"] == 0


def test_columns():
    found = metrics_of(STATISTICS, np.ones((2, 3), int))
    assert list(found.columns) == [*METRICS, *COUNTS]
    assert (found.dtypes[list(METRICS)] == "float64").all()
    assert (found.dtypes[list(COUNTS)] == "int64").all()


def test_undefined_is_nan_and_counted():
    found = point(multiplicities=[0, 0, 2])
    undefined = ["precision", "recall", "f1", "pr_auc", "weighted_precision"]
    undefined += ["weighted_pr_auc", "mean_precision", "mean_recall", "mean_f1"]
    assert found[undefined].isna().all()
    assert found["mean_f1_undefined"] == found["tasks"] == found["cells"] == 2
    assert (found["exact"], found["voxel_iou"]) == (1, 0)


def test_no_cell_drawn_at_all():
    found = point(multiplicities=[0, 0, 0])
    assert found[list(METRICS)].isna().all()
    assert not found[list(COUNTS)].any()


def test_multiplicities_repeat_whole_cells():
    segments, tasks = random_cells(1)
    drawn = [2, 0, 1, 0, 3]
    copies = [(cell, copy) for cell, times in enumerate(drawn) for copy in range(times)]
    repeated = [
        [
            frame[frame["task"] // 100 == cell].assign(
                task=lambda rows, copy=copy: rows["task"] + 10_000 * copy
            )
            for cell, copy in copies
        ]
        for frame in (segments, tasks)
    ]
    expected = point(statistics_of(*map(pd.concat, repeated)))
    found = point(statistics_of(segments, tasks), drawn)
    metrics = list(METRICS)
    np.testing.assert_allclose(found[metrics], expected[metrics], rtol=1e-12)
    assert found["tasks"] == expected["tasks"] == 24
    assert found["cells"] == 6


@pytest.mark.parametrize("levels", [4, 1000], ids=["many ties", "few ties"])
def test_pr_auc_is_that_of_scikit_learn(levels):
    segments, tasks = random_cells(2, levels=levels)
    multiplicities = np.random.default_rng(3).multinomial(5, [0.2] * 5, size=20)
    found = metrics_of(statistics_of(segments, tasks), multiplicities)
    cell = segments["task"].to_numpy() // 100
    for name, weight in (("pr_auc", 1), ("weighted_pr_auc", segments["voxels"])):
        expected = [
            average_precision_score(
                segments["truth"],
                segments["probability"],
                sample_weight=row[cell] * weight,
            )
            for row in multiplicities
        ]
        np.testing.assert_allclose(found[name], expected, rtol=1e-12)


def test_pr_auc_in_many_blocks():
    segments, tasks = random_cells(4, cells=2, candidates=500, levels=10**7)
    expected = average_precision_score(segments["truth"], segments["probability"])
    assert segments["truth"].sum() > 600
    assert point(statistics_of(segments, tasks))["pr_auc"] == pytest.approx(expected)


def test_neurons_may_be_the_truth():
    segments = SEGMENTS.assign(neuron=~SEGMENTS["truth"])
    answers = decide(segments, TASKS, DECISIONS, volume_voxels=1000, truth="neuron")
    found = point(
        evaluate_cells(answers, rank_segments(batches_of(segments), TASKS, "neuron"))
    )
    expected = average_precision_score(segments["neuron"], segments["probability"])
    assert found["precision"] == 2 / 4
    assert found["pr_auc"] == pytest.approx(expected)


def test_the_order_of_rows_does_not_matter():
    answers = decide(SEGMENTS, TASKS, DECISIONS, volume_voxels=1000)
    ranked = rank_segments(batches_of(SEGMENTS[::-1]), answers[::-1])
    turned = evaluate_cells(answers[::-1], ranked)
    pd.testing.assert_series_equal(point(turned), point())
    assert turned.cells.tolist() == [1, 2, 3]
    assert turned.tasks.tolist() == [10, 11, 20, 30]


def test_no_tasks_at_all():
    none = statistics_of(SEGMENTS.iloc[:0], TASKS.iloc[:0])
    found = metrics_of(none, np.ones((1, 0), int))
    assert found[list(METRICS)].isna().all(axis=None)
    assert found["tasks"].item() == 0


def test_multiplicities_for_other_cells_are_refused():
    with pytest.raises(TableError, match=r"shape \(1, 2\), expected \(resamples, 3\)"):
        metrics_of(STATISTICS, np.ones((1, 2), int))
