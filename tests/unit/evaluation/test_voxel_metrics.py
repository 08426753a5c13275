import json

import numpy as np
import pandas as pd
import pytest

from eyewire_validator.errors import TableError
from eyewire_validator.evaluation.voxel_metrics import (
    iou,
    precision,
    published_summary,
    recall,
    summarize,
    task_metrics,
    typical_task,
)


def table(*tasks):
    """Make a table of tasks drawn as (seed, truth, guess), a letter a voxel."""
    return pd.DataFrame([row(number, *task) for number, task in enumerate(tasks)])


def row(number, seed, truth, guess):
    seed, truth, guess = (np.array(list(mask)) == "#" for mask in (seed, truth, guess))
    counts = {}
    for suffix, counted in (("", True), ("_seedless", ~seed)):
        counts[f"guess{suffix}"] = (guess & counted).sum()
        counts[f"truth{suffix}"] = (truth & counted).sum()
        counts[f"intersection{suffix}"] = (guess & truth & counted).sum()
        counts[f"union{suffix}"] = ((guess | truth) & counted).sum()
    other = {"loss": 0.25, "published_loss": 1.25, "sigma_mean": 1.5}
    other["sigma_max"] = 2.0 + number
    return {"task": 100 + number, **counts, **other}


TASKS = table(
    # seed     truth     guess
    ("##....", "####..", "###.#."),
    ("##....", "##....", "##...."),  # nothing beyond the seed, and nothing answered
    ("##....", "......", "##...."),  # the aggregate lacks even the seed
    ("##....", "####..", "......"),  # no answer at all
)


@pytest.mark.parametrize("metric", [precision, recall, iou])
def test_ratios_are_elementwise_and_undefined_for_0_of_0(metric):
    assert metric(1, 4) == 0.25
    np.testing.assert_array_equal(metric([0, 3, 0], [2, 3, 0]), [0, 1, np.nan])


def test_task_metrics_with_and_without_the_seed():
    found = task_metrics(TASKS)
    nan = np.nan
    assert found["task"].tolist() == [100, 101, 102, 103]
    np.testing.assert_allclose(found["precision"], [3 / 4, 1, 0, nan])
    np.testing.assert_allclose(found["recall"], [3 / 4, 1, nan, 0])
    np.testing.assert_allclose(found["iou"], [3 / 5, 1, 0, 0])
    np.testing.assert_allclose(found["precision_seedless"], [1 / 2, nan, nan, nan])
    np.testing.assert_allclose(found["recall_seedless"], [1 / 2, nan, nan, 0])
    np.testing.assert_allclose(found["iou_seedless"], [1 / 3, nan, nan, 0])


def test_task_metrics_keep_the_index():
    some = TASKS.iloc[[2, 0]]
    assert task_metrics(some).index.tolist() == [2, 0]
    assert task_metrics(some)["iou"].tolist() == [0, 3 / 5]


def test_summary_pools_counts_and_counts_what_is_undefined():
    summary = summarize(TASKS, leaked=False)
    assert summary["n"] == 4
    assert summary["leaked"] is False
    assert summary["full"]["pooled"] == {
        "precision": 5 / 8,
        "recall": 5 / 10,
        "iou": 5 / 13,
    }
    assert summary["seedless"]["pooled"] == {
        "precision": 1 / 2,
        "recall": 1 / 4,
        "iou": 1 / 5,
    }
    assert summary["seedless"]["mean"]["iou"] == pytest.approx(1 / 6)
    assert summary["seedless"]["undefined"] == {"precision": 3, "recall": 2, "iou": 2}
    assert summary["loss"] == 0.25
    assert summary["sigma_mean"] == 1.5
    assert summary["sigma_max"] == 5.0


def test_summary_of_a_model_without_sigma_and_without_answers_is_json():
    silent = TASKS.iloc[[1]].assign(loss=np.nan, sigma_mean=np.nan, sigma_max=np.nan)
    silent["published_loss"] = np.nan
    summary = summarize(silent, leaked=True)
    assert summary["leaked"] is True
    assert summary["loss"] is summary["sigma_mean"] is summary["sigma_max"] is None
    assert summary["seedless"]["pooled"]["precision"] is None
    assert summary["seedless"]["mean"]["precision"] is None
    assert json.loads(json.dumps(summary, allow_nan=False)) == summary


def test_summary_of_no_tasks():
    summary = summarize(TASKS.iloc[:0], leaked=False)
    assert summary["n"] == 0
    assert summary["full"]["pooled"] == {"precision": None, "recall": None, "iou": None}
    json.dumps(summary, allow_nan=False)


def test_typical_task_is_the_median_of_those_defined():
    again = pd.concat([TASKS, TASKS.assign(task=TASKS["task"] - 50)])
    # IoU without seed: 1/3 for tasks 100 and 50, 0 for 103 and 53.
    assert typical_task(TASKS) == 103
    assert typical_task(again) == 103
    assert typical_task(again[again["task"] != 53]) == 50


def test_typical_task_of_none():
    with pytest.raises(TableError, match="none of 1 tasks"):
        typical_task(TASKS.iloc[[1]])


def test_published_conventions_for_0_of_0():
    published = published_summary(TASKS.iloc[[1]])
    assert published["seedless_precision"] == published["agg_seedless_precision"] == 0
    assert published["seedless_recall"] == published["agg_seedless_recall"] == 1
    assert published["seedless_iou"] == published["agg_seedless_iou"] == 1


def test_published_figures_come_out_of_the_published_counts():
    full = (272979968, 272978784, 272942176, 273016352)
    seedless = (78767688, 78762184, 78731656, 78798056)
    names = ("guess", "truth", "intersection", "union")
    counts = dict(zip(names, full, strict=True))
    counts |= {f"{n}_seedless": c for n, c in zip(names, seedless, strict=True)}
    published = published_summary(
        pd.DataFrame([{"task": 1, "published_loss": 1.0, **counts}])
    )
    assert list(published) == [
        *("loss", "precision", "recall", "iou"),
        *("seedless_precision", "seedless_recall", "seedless_iou"),
        *("count_guesses", "count_gt", "count_intersection", "count_union"),
        *("count_seedless_guesses", "count_seedless_gt"),
        *("count_seedless_intersection", "count_seedless_union"),
        *("agg_precision", "agg_recall", "agg_iou"),
        *("agg_seedless_precision", "agg_seedless_recall", "agg_seedless_iou"),
    ]
    # As the published README prints them.
    assert published["count_gt"] == 272978784
    assert published["agg_precision"] == pytest.approx(0.999861557607040, abs=1e-15)
    assert published["agg_recall"] == pytest.approx(0.999865894339979, abs=1e-15)
    assert published["agg_iou"] == pytest.approx(0.999728309313868, abs=1e-15)
    assert published["agg_seedless_iou"] == pytest.approx(0.999157339617616, abs=1e-15)
