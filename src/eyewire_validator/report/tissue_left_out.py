"""The headline of the report: what models reached on tissue that they never saw."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from eyewire_validator.evaluation.left_out import (
    LeftOutScore,
    Measured,
    describe_saving,
)
from eyewire_validator.report.wording import Row, Section, Shown, amount, percent, share

# What is left to do comes first.
LEFT_OUT_COLUMNS = {
    "edits": "edits",
    "edits_unanswered": "unanswered",
    "f1": "F1",
    "pr_auc": "PR-AUC",
    "alarm": "alarm rings",
}
LEFT_OUT_NOTE = (
    "What may be hoped for in tissue of your own. Each tissue was answered by "
    "trainings that never saw it, with thresholds from the others. Edits: segments to "
    "add or to remove, a task, and if nothing is answered. Intervals of 95 % are over "
    "cells. Where the alarm rings, nothing is decided unseen. All other numbers here "
    "are of this run's tissue."
)


def headlines_left_out(known: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return a sentence a model: which share of the edits it saves on tissue left out.

    Args:
        known: as for `sections_left_out`.
    """
    return [
        f"On tissue left out of its training, “{model['title']}” saves "
        f"{describe_saving(_scores(model))}."
        for model in known
    ]


def sections_left_out(known: Iterable[Mapping[str, Any]]) -> list[Section]:
    """Return what models reached on tissue left out, a section a model.

    Args:
        known: of each model its ``title``, and ``scores``, at least one, as
            `LeftOutScore.as_plain` gives them.
    """
    found = []
    for model in known:
        scores = _scores(model)
        trainings = scores[0].replicates
        found.append(
            Section(
                standing="result",
                heading=model["title"],
                size=f"mean of {trainings} trainings"
                if trainings > 1
                else "1 training",
                rows=[_row(score) for score in scores],
            )
        )
    return found


def _scores(model: Mapping[str, Any]) -> list[LeftOutScore]:
    return [LeftOutScore.from_plain(score) for score in model["scores"]]


def _row(score: LeftOutScore) -> Row:
    return Row(
        score.tissue,
        f"n = {score.tasks:,} tasks of {score.cells:,} cells",
        {
            "edits": _shown(score.edits, amount),
            "edits_unanswered": Shown(amount(score.edits_unanswered)),
            "f1": _shown(score.f1, share),
            "pr_auc": _shown(score.pr_auc, share),
            "alarm": Shown(percent(score.alarm)),
        },
    )


def _shown(metric: Measured, form: Callable[..., str]) -> Shown:
    value = form(metric.value)
    if metric.low is None:
        return Shown(value)
    return Shown(value, f"{form(metric.low, 2)}-{form(metric.high, 2)}")
