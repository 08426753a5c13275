"""The operating point of a model: its thresholds, its calibration, and their worth.

It travels in the checkpoint, for tasks of which no answer is known. What it promises
holds for the tissue that it was measured on, and is only hoped for elsewhere.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd
import scipy
from numpy.typing import NDArray

from eyewire_validator.errors import TableError
from eyewire_validator.evaluation.bootstrap import (
    ENDS,
    LEAST_CELLS,
    resample_cells,
)
from eyewire_validator.evaluation.decisions import Decisions, decided_unseen
from eyewire_validator.evaluation.task_rows import segment_truth


@dataclass(frozen=True)
class Kept:
    """Hold how well a promise was kept, on tasks that no threshold was chosen on.

    Attributes:
        segments: that were decided unseen.
        right: the share of them that was decided rightly; none if there are none.
        low: lower end of its interval of 95 %: the wider of the exact one (Clopper and
            Pearson), which is not fooled where all are right, and the bootstrap over
            cells, which knows that segments of a cell are alike; none for fewer than 2
            cells.
        high: upper end.
    """

    segments: int
    right: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class OperatingPoint:
    """Thresholds and calibration of a model, and what they were worth.

    Attributes:
        tissue: that they were chosen and measured on.
        decisions: the thresholds, and on how many tasks they were chosen.
        temperature: that logits are divided by, see `Calibration`.
        tasks: that they were measured on; others than those they were chosen on.
        cells: of these tasks.
        accepted: of the segments accepted unseen, how many belong.
        rejected: of the segments rejected unseen, how many do not.
    """

    tissue: str
    decisions: Decisions
    temperature: float
    tasks: int
    cells: int
    accepted: Kept
    rejected: Kept

    def as_plain(self) -> dict[str, Any]:
        """Return it as plain values, which `from_plain` takes."""
        return asdict(self)

    @classmethod
    def from_plain(cls, values: Mapping[str, Any]) -> "OperatingPoint":
        """Make it from what `as_plain` gave.

        Raises:
            TableError: a value is missing or unknown.
        """
        try:
            return cls(
                **{
                    **values,
                    "decisions": Decisions.from_json(values["decisions"]),
                    "accepted": Kept(**values["accepted"]),
                    "rejected": Kept(**values["rejected"]),
                }
            )
        except (KeyError, TypeError) as error:
            raise TableError(f"operating point: {error}; measure it again") from None

    def describe(self) -> str:
        """Describe in a line what it was measured on, and how well it did."""
        chosen_on = (
            f"{self.decisions.tasks} tasks of {self.decisions.cells} cells, accepting "
            f"{_promise(self.decisions)}"
        )
        others = f"{self.tasks} others of {self.cells} cells"
        kept = f"{_say('accepted', self.accepted)}, {_say('rejected', self.rejected)}"
        return f"{self.tissue}: chosen on {chosen_on}; on {others} {kept}"


def measure_operating_point(
    segments: pd.DataFrame,
    tasks: pd.DataFrame,
    decisions: Decisions,
    temperature: float,
    tissue: str,
    truth: str = "truth",
) -> OperatingPoint:
    """Measure what thresholds are worth on tasks that they were not chosen on.

    Args:
        segments: table in the schema `SEGMENT_SCORES`.
        tasks: table in the schema `TASK_METRICS`, with all tasks of ``segments``.
        decisions: chosen on other tasks.
        temperature: fitted on these other tasks.
        tissue: what all of them are of.
        truth: column of ``segments`` that tells what belongs: ``truth`` or ``neuron``.

    Raises:
        TableError: it is not known whether a segment belongs.
    """
    cells = segments["cell"].to_numpy(np.int64)
    belongs = segment_truth(segments, truth)
    accepted, rejected = decided_unseen(segments, tasks, decisions)
    return OperatingPoint(
        tissue,
        decisions,
        temperature,
        len(tasks),
        int(tasks["cell"].nunique()),
        accepted=measure_kept(accepted, belongs, cells),
        rejected=measure_kept(rejected, ~belongs, cells),
    )


def measure_kept(
    decided: NDArray[np.bool_], right: NDArray[np.bool_], cells: NDArray[np.int64]
) -> Kept:
    """Measure which share of what was decided unseen was decided rightly.

    Args:
        decided: (segments,) bool, which of them were.
        right: (segments,) bool, for which of them that would be right.
        cells: (segments,) int64 ids.
    """
    ids, of_cell = np.unique(cells[decided], return_inverse=True)
    all_of, right_of = np.bincount(of_cell), np.bincount(of_cell, right[decided])
    count, well = int(all_of.sum()), int(right_of.sum())
    if not count:
        return Kept(0, None, None, None)
    if len(ids) < LEAST_CELLS:
        return Kept(count, well / count, None, None)
    drawn = resample_cells(ids)
    shares = (drawn @ right_of) / (drawn @ all_of)
    low, high = np.quantile(shares, ENDS)
    exact = scipy.special.betaincinv(
        [well, well + 1], [count - well + 1, count - well], ENDS
    )
    return Kept(
        count,
        well / count,
        float(min(low, exact[0])) if well else 0.0,
        float(max(high, exact[1])) if well < count else 1.0,
    )


def _promise(decisions: Decisions) -> str:
    if decisions.accept is None:
        return "nothing"
    if decisions.bound is None:
        return "without a bound on false merges"
    return f"at most {decisions.bound:.1%} false merges a cell"


def _say(what: str, kept: Kept) -> str:
    if kept.right is None:
        return f"no segment was {what}"
    interval = f" ({kept.low:.3f} to {kept.high:.3f})" if kept.low is not None else ""
    return f"{kept.right:.3f}{interval} of {kept.segments} {what} segments were right"
