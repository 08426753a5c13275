"""What thresholds are worth on tasks that they were not chosen on."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from eyewire_validator.errors import TableError
from eyewire_validator.evaluation.decisions import Decisions
from eyewire_validator.evaluation.operating_point import (
    Kept,
    OperatingPoint,
    measure_operating_point,
)

DECISIONS = Decisions(0.5, accept=0.8, reject=0.2, tasks=9, cells=3, segments=99)
TASKS = pd.DataFrame({"task": [1, 2], "cell": [10, 20], "alarm": None})


def segments(truth: list[bool | None]) -> pd.DataFrame:
    """Two tasks: each has two segments to accept, one to ask about, one to reject."""
    return pd.DataFrame(
        {
            "task": np.repeat([1, 2], 4),
            "cell": np.repeat([10, 20], 4),
            "probability": np.float32([0.9, 0.8, 0.5, 0.1] * 2),
            "truth": truth,
        }
    )


def measured(truth: list[bool | None], tasks: pd.DataFrame = TASKS) -> OperatingPoint:
    return measure_operating_point(segments(truth), tasks, DECISIONS, 1.5, "fly")


def test_shares_of_what_was_decided_rightly_are_measured() -> None:
    point = measured([True, True, True, True, True, False, False, False])
    assert (point.tissue, point.tasks, point.cells) == ("fly", 2, 2)
    assert (point.accepted.segments, point.accepted.right) == (4, 0.75)
    assert (point.rejected.segments, point.rejected.right) == (2, 0.5)
    # Exact: 3 of 4 and 1 of 2 (Clopper and Pearson).
    found = [point.accepted.low, point.accepted.high]
    assert found == pytest.approx([0.1941, 1.0], abs=1e-4)
    found = [point.rejected.low, point.rejected.high]
    assert found == pytest.approx([0.0, 1.0], abs=1e-4)


def test_all_right_is_not_taken_for_certain() -> None:
    accepted = measured([True] * 8).accepted
    assert (accepted.right, accepted.high) == (1.0, 1.0)
    assert accepted.low == pytest.approx(0.025 ** (1 / 4))


def test_nothing_is_decided_where_the_alarm_rings() -> None:
    point = measured([True] * 8, TASKS.assign(alarm="strange"))
    assert point.accepted == Kept(0, None, None, None)


def test_one_cell_gives_no_interval() -> None:
    point = measured([True] * 8, TASKS.assign(alarm=[None, "strange"]))
    assert point.accepted == Kept(2, 1.0, None, None)


def test_unknown_truth_is_refused() -> None:
    with pytest.raises(TableError, match="is empty for 1 of 8 segments"):
        measured([None] + [True] * 7)


def test_it_survives_as_plain_values() -> None:
    point = measured([True] * 8)
    assert OperatingPoint.from_plain(point.as_plain()) == point
    plain = point.as_plain()
    del plain["temperature"]
    with pytest.raises(TableError, match="temperature"):
        OperatingPoint.from_plain(plain)


def test_a_line_says_on_what_and_how_well() -> None:
    point = measured([True, True, True, True, True, False, False, False])
    assert point.describe() == (
        "fly: chosen on 9 tasks of 3 cells, accepting without a bound on false merges; "
        "on 2 others of 2 cells "
        "0.750 (0.194 to 1.000) of 4 accepted segments were right, "
        "0.500 (0.000 to 1.000) of 2 rejected segments were right"
    )
    kept = replace(point, decisions=replace(DECISIONS, bound=0.041))
    assert "accepting at most 4.1% false merges a cell; on 2" in kept.describe()
    never = replace(point, decisions=replace(DECISIONS, accept=None))
    assert "accepting nothing; on 2" in never.describe()
    none = replace(point, accepted=Kept(0, None, None, None))
    assert "no segment was accepted" in none.describe()
