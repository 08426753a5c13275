"""Segments ranked on disk give what they give in memory."""

import json
import tracemalloc

import numpy as np
import pandas as pd
import pytest

from eyewire_validator.errors import TableError
from eyewire_validator.evaluation.bootstrap import summarize_replicates
from eyewire_validator.evaluation.calibration import (
    Calibration,
    Labelled,
    calibration_report,
)
from eyewire_validator.evaluation.decisions import DecisionSettings, choose_decisions
from eyewire_validator.evaluation.ranking import (
    COUNTS,
    RankedSegments,
    batches_of,
    rank_segments,
)
from eyewire_validator.evaluation.risk import Risk
from eyewire_validator.evaluation.segment_metrics import (
    Ranking,
    average_precision,
    evaluate_cells,
)
from eyewire_validator.evaluation.summary import Evaluated, answer_tasks
from eyewire_validator.storage.schemas.evaluation import TASK_METRICS
from eyewire_validator.storage.tables import make_frame

SETTINGS = DecisionSettings(Risk(0.5, 0.9), reject_recall=0.9)


def drawn(tasks=40, candidates=40):
    """Draw segments, many of equal probability, and some of a probability of 0."""
    generator = np.random.default_rng(0)
    size = tasks * candidates
    truth = generator.random(size) < 0.2
    probability = (generator.random(size) + truth) / 2
    probability = np.where(
        generator.random(size) < 0.5, probability.round(2), probability
    )
    columns = {
        "task": np.repeat(np.arange(tasks), candidates),
        "probability": (probability - 0.1).clip(0, 1).astype(np.float32),
        "truth": truth,
        "voxels": generator.integers(1, 1000, size),
        **dict.fromkeys(["sigma", "variance", "mutual_information"], np.nan),
    }
    empty = {field.name: None if field.nullable else 0 for field in TASK_METRICS}
    rows = [{**empty, "task": task, "cell": task // 7} for task in range(tasks)]
    return pd.DataFrame(columns), make_frame(rows, TASK_METRICS)


SEGMENTS, TASKS = drawn()


def in_batches(size):
    starts = range(0, len(SEGMENTS), size)
    return lambda names: (SEGMENTS[list(names)][i : i + size] for i in starts)


def outcome(batches, most):
    """Return all that is made of a ranking."""
    ranked = rank_segments(batches, TASKS, most=most)
    decisions = choose_decisions(ranked, TASKS, SETTINGS)
    calibration = Calibration.fit(Labelled(batches, ranked))
    answers = answer_tasks(Evaluated(TASKS, batches), decisions, 10**9)
    statistics = evaluate_cells(answers, ranked)
    found = {
        "decisions": decisions.as_json(),
        "calibration": calibration.as_json(),
        "report": calibration_report(Labelled(batches, ranked), calibration),
        "contested": calibration_report(Labelled(batches, ranked), calibration, 0.01),
        "metrics": summarize_replicates([statistics], resamples=50),
    }
    return json.dumps(found), answers


@pytest.mark.parametrize(("batch", "most"), [(80, 200), (999, 1000)])
def test_what_does_not_fit_into_memory_gives_the_same_bytes(batch, most):
    expected, answers = outcome(batches_of(SEGMENTS), 10**6)
    found, streamed = outcome(in_batches(batch), most)
    assert found == expected
    pd.testing.assert_frame_equal(streamed, answers, check_exact=True)


def test_parts_are_sorted_and_share_no_probability():
    ranked = rank_segments(in_batches(100), TASKS, most=300)
    parts = list(ranked.parts())
    assert len(parts) > 3
    lowest = [part["probability"].min() for part in parts]
    highest = [part["probability"].max() for part in parts]
    assert all(low > high for low, high in zip(lowest, highest[1:], strict=False))
    for name, total in ranked.totals.items():
        assert sum(part[name].sum() for part in parts) == total


def test_segments_of_one_probability_and_cell_are_counted_together():
    ranked = RankedSegments()
    probability = np.float32([0.5, 0.0, 0.5, -0.0, 0.5])
    belongs = np.array([True, False, False, True, True])
    ranked.add(probability, belongs, np.arange(5) + 1, np.array([3, 0, 3, 0, 1]))
    (part,) = ranked.parts()
    assert part[["probability", "cell", *COUNTS]].tolist() == [
        (0.5, 1, 1, 1, 5, 5),
        (0.5, 3, 2, 1, 4, 1),
        (0.0, 0, 2, 1, 6, 4),
    ]


@pytest.mark.parametrize("wrong", [-0.1, 1.5, np.nan])
def test_what_is_no_probability_is_refused(wrong):
    with pytest.raises(TableError, match="probabilities range from"):
        RankedSegments().add(
            np.float32([0.5, wrong]), np.array([True, False]), np.array([1, 1])
        )


def memory_of_curves(segments, most=2**12):
    """Return the bytes that ranking and the area under the curve hold at most."""
    generator = np.random.default_rng(0)
    tracemalloc.start()
    ranked = RankedSegments(most)
    for _ in range(0, segments, most):
        belongs = generator.random(most) < 0.01
        logit = generator.normal(-6, 3, most) + 8 * belongs
        answered = generator.random(most) < 0.7
        probability = (answered / (1 + np.exp(-logit))).astype(np.float32)
        cell = generator.integers(0, 10, most)
        ranked.add(probability, belongs, np.ones(most, np.int64), cell)
    average_precision(Ranking(ranked, 10), np.ones((1, 10)))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


def test_five_times_the_segments_take_hardly_more_memory():
    assert memory_of_curves(400_000) < 1.5 * memory_of_curves(80_000)
