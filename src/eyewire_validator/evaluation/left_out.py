"""Keep the headline of a model: how good answers were on tissue left out.

It travels in the checkpoint. Whoever answers a tissue was trained without it, with
memberships and thresholds that were fitted to the others.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import pandas as pd

from eyewire_validator.errors import TableError

# Among peers on the same evidence, the model itself.
OWN = "agglomeration"
# What is known with an interval over cells.
_MEASURED = ("edits", "f1", "pr_auc")


@dataclass(frozen=True)
class Measured:
    """Hold a metric, and its interval of 95 % over cells; none where undefined."""

    value: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class LeftOutScore:
    """Hold how good answers were on a tissue left out: means over trainings.

    Attributes:
        tissue: its name.
        tasks: that were answered.
        cells: of these tasks.
        replicates: trainings from other random seeds.
        edits: segments to add or remove, a task.
        edits_unanswered: the same if nothing is answered.
        f1: of segments, pooled over tasks.
        pr_auc: area under precision and recall, in the same way.
        alarm: share of the tasks in volumes unlike the other tissues.
    """

    tissue: str
    tasks: int
    cells: int
    replicates: int
    edits: Measured
    edits_unanswered: float
    f1: Measured
    pr_auc: Measured
    alarm: float

    @property
    def edits_left(self) -> float:
        """Return the edits with answers, in those of answering nothing."""
        return (self.edits.value or 0.0) / self.edits_unanswered

    def as_plain(self) -> dict[str, Any]:
        """Return it as plain values, which `from_plain` takes."""
        return asdict(self)

    @classmethod
    def from_plain(cls, values: Mapping[str, Any]) -> "LeftOutScore":
        """Make it from what `as_plain` gave.

        Raises:
            TableError: a value is missing or unknown.
        """
        try:
            metrics = {name: Measured(**values[name]) for name in _MEASURED}
            return cls(**{**values, **metrics})
        except (KeyError, TypeError) as error:
            raise TableError(f"tissue left out: {error}; measure it again") from None


def scores_left_out(table: pd.DataFrame, network: str) -> tuple[LeftOutScore, ...]:
    """Return how good answers by a network were on each tissue left out.

    Args:
        table: what `carry_over` gathers, a row a tissue, training, network and model.
        network: ``given`` as it is, or ``adapted`` to the supervoxels of the tissue.
    """
    rows = table[(table["model"] == OWN) & (table["network"] == network)]
    return tuple(
        _mean_over_trainings(str(tissue), trainings)
        for tissue, trainings in rows.groupby("tissue", sort=False)
    )


def _mean_over_trainings(tissue: str, trainings: pd.DataFrame) -> LeftOutScore:
    first = trainings.iloc[0]
    mean = trainings.mean(numeric_only=True)
    return LeftOutScore(
        tissue=tissue,
        tasks=int(first["tasks"]),
        cells=int(first["cells"]),
        replicates=len(trainings),
        edits_unanswered=float(mean["edits_unanswered"]),
        alarm=float(mean["alarm"]),
        **{name: _measured(mean, name) for name in _MEASURED},
    )


def _measured(mean: "pd.Series[float]", name: str) -> Measured:
    ends = (mean[name], mean[f"{name}_low"], mean[f"{name}_high"])
    return Measured(*(None if pd.isna(one) else float(one) for one in ends))


def describe_saving(scores: Sequence[LeftOutScore]) -> str:
    """Describe which share of the edits answers save on each tissue.

    Args:
        scores: at least one.
    """
    shares = _listed([f"{1 - score.edits_left:.0%}" for score in scores])
    tissues = _listed([score.tissue for score in scores])
    return f"{shares.replace('%', ' %')} of the edits in {tissues}"


def _listed(texts: Sequence[str]) -> str:
    *firsts, last = texts
    return f"{', '.join(firsts)} and {last}" if firsts else last
