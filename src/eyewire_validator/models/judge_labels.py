"""Judge on labels what a refit brought: edits, ranking and calibration."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from eyewire_validator.evaluation.bootstrap import (
    paired_difference,
    summarize_replicates,
)
from eyewire_validator.evaluation.calibration import CLIP, ece, reliability
from eyewire_validator.evaluation.decisions import Decisions, decide
from eyewire_validator.evaluation.ranking import batches_of, rank_segments
from eyewire_validator.evaluation.segment_metrics import CellStatistics, evaluate_cells
from eyewire_validator.evaluation.summary import CONTESTED
from eyewire_validator.models.labels import Labels

# Metrics that are reported with their interval over cells.
REPORTED = ("edits", "pr_auc")


class Chosen(NamedTuple):
    """The answers of a model to known candidates.

    Attributes:
        probability: (candidates,) float32.
        threshold: least probability of what it chooses; none: it chooses nothing.
    """

    probability: NDArray[np.float32]
    threshold: float | None


class Judgement(NamedTuple):
    """The gain of a refit.

    Attributes:
        before: ``edits`` a task and ``pr_auc``, each ``value``, ``low`` and ``high``,
            over cells; ``ece_contested``, the calibration error of candidates of at
            least `CONTESTED`, none without any; and ``nll``, the mean negative log
            likelihood in nats.
        after: the same with the refit.
        difference: of edits and PR-AUC, after minus before, on the same cells.
        unanswered: edits a task if nothing is answered.
    """

    before: dict[str, Any]
    after: dict[str, Any]
    difference: dict[str, Any]
    unanswered: float

    @property
    def helped(self) -> bool:
        """Tell whether there are fewer edits; of as many, a higher likelihood."""
        before, after = self.before, self.after
        edits = after["edits"]["value"] - before["edits"]["value"]
        return bool(edits < 0 or (edits == 0 and after["nll"] < before["nll"]))

    def describe(self) -> str:
        """Describe in a line what changed."""
        edits, area = ((self.before[n], self.after[n]) for n in REPORTED)
        more = self.difference["edits"]
        return (
            f"edits a task {_number(edits[0])} before, {_number(edits[1])} after (a "
            f"difference of {_number(more)}; {self.unanswered:.2f} if nothing is "
            f"answered), PR-AUC {_number(area[0])} and {_number(area[1])}, contested "
            f"calibration error {_plain(self.before['ece_contested'])} and "
            f"{_plain(self.after['ece_contested'])}"
        )


def judge(
    labels: Labels,
    before: Chosen,
    after: Chosen,
    *,
    volume_voxels: int,
    bootstrap: Mapping[str, int],
) -> Judgement:
    """Compare two ways to answer the same known candidates.

    Args:
        labels: what is known of them.
        before: as the model was.
        after: with a refit that saw none of these cells.
        volume_voxels: full-resolution voxels of a volume.
        bootstrap: ``resamples`` and ``random_seed``.
    """
    first, then = (_statistics(labels, one, volume_voxels) for one in (before, after))
    more = paired_difference([then], [first], **bootstrap)
    return Judgement(
        _found(labels, before, first, bootstrap),
        _found(labels, after, then, bootstrap),
        {name: more[name] for name in REPORTED},
        float(labels.evidence.candidates["truth"].sum() / len(labels.evidence.tasks)),
    )


def _statistics(labels: Labels, chosen: Chosen, volume_voxels: int) -> CellStatistics:
    tasks = labels.evidence.tasks.assign(alarm=None)
    segments = labels.evidence.candidates.assign(probability=chosen.probability)
    decisions = Decisions(chosen.threshold, None, None, 0, 0, 0)
    answers = decide(segments, tasks, decisions, volume_voxels=volume_voxels)
    return evaluate_cells(answers, rank_segments(batches_of(segments), tasks))


def _found(
    labels: Labels,
    chosen: Chosen,
    statistics: CellStatistics,
    bootstrap: Mapping[str, int],
) -> dict[str, Any]:
    metrics = summarize_replicates([statistics], **bootstrap)["metrics"]
    probability = chosen.probability.astype(np.float64)
    truth = labels.evidence.candidates["truth"].to_numpy(np.bool_)
    contested = probability >= CONTESTED
    right = np.where(truth, probability, 1 - probability)
    return {
        **{name: metrics[name] for name in REPORTED},
        "ece_contested": ece(reliability(probability[contested], truth[contested]))
        if contested.any()
        else None,
        "nll": float(-np.log(np.clip(right, CLIP, 1)).mean()),
    }


def _number(metric: Mapping[str, Any]) -> str:
    if metric["value"] is None or metric["low"] is None:
        return _plain(metric["value"])
    return f"{metric['value']:.2f} ({metric['low']:.2f} to {metric['high']:.2f})"


def _plain(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.3f}"
