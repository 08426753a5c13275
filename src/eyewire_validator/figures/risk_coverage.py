"""Risk against coverage: which tasks' answers could go unseen."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from eyewire_validator.evaluation.selective import augrc, risk_coverage
from eyewire_validator.figures.style import (
    INK,
    MUTED,
    PALETTE,
    Caption,
    Heading,
    canvas,
    panel_title,
    sentence,
    styled,
    subtitle,
)
from eyewire_validator.storage.schemas.evaluation import REDUCTIONS, UNCERTAINTIES

CAPTION = Caption(
    "Risk against coverage",
    "Tasks are accepted unseen from the most certain on, by each uncertainty: its sum "
    "over a task's candidates (thick) or its highest (thin). Left: edits that an "
    "accepted task still needs. Right: the same shared among all tasks; the area below "
    "is AUGRC, and lower is better. A useful uncertainty lies well below random order.",
)
_COLOURS = dict(zip(UNCERTAINTIES, PALETTE, strict=False))
_WIDTHS = {"sum": 1.8, "max": 0.8}
_BOUNDS = {"best": ":", "random": "--"}
_RISKS = {
    "selective_risk": ("Among the accepted", "edits an accepted task"),
    "generalized_risk": ("Over all tasks", "edits left unseen, a task"),
}


def risk_data(answers: pd.DataFrame) -> pd.DataFrame:
    """Return the risk-coverage curve of each uncertainty that the model has.

    Args:
        answers: table in the schema `TASK_ANSWERS`; tasks without candidates,
            which no uncertainty can rank, are left out.

    Returns:
        ``score`` (of `UNCERTAINTIES`; ``random`` or ``best`` order), ``over``
        (sum, max; empty for those), ``augrc`` and the columns of
        `selective.risk_coverage`, with edits as the loss.
    """
    ranked = answers[answers["candidates"] > 0]
    edits = ranked["edits"].to_numpy(np.float64)
    orders = {("random", ""): np.zeros(len(edits)), ("best", ""): edits}
    for score, over in ((s, o) for s in UNCERTAINTIES for o in REDUCTIONS):
        if ranked[f"{score}_{over}"].notna().any():
            orders[score, over] = ranked[f"{score}_{over}"].to_numpy(np.float64)
    curves = [
        risk_coverage(order, edits).assign(
            score=score, over=over, augrc=augrc(order, edits)
        )
        for (score, over), order in orders.items()
    ]
    keys = ["score", "over", "augrc"]
    return pd.concat(curves, ignore_index=True)[
        [*keys, "coverage", "selective_risk", "generalized_risk"]
    ]


@styled
def draw_risk_coverage(
    data: pd.DataFrame, tasks: pd.DataFrame, heading: Heading
) -> Figure:
    """Draw risk against coverage for each uncertainty, random and best order.

    Args:
        data: from `risk_data`.
        tasks: a row a task, with ``cell`` and ``candidates``.
        heading: of the model.
    """
    figure, body = canvas(
        CAPTION.title,
        subtitle(heading, tasks, int(tasks["candidates"].sum())),
        4.6 if len(data) else 1,
        leaked=heading.leaked,
    )
    if data.empty:
        sentence(body, "There are no tasks with candidate segments.")
        return figure
    panels = body.subplots(1, 2, sharex=True)
    for axes, (column, (title, label)) in zip(panels, _RISKS.items(), strict=True):
        for key, curve in data.groupby(["score", "over"], sort=False):
            _draw_curve(axes, curve["coverage"], curve[column], *key)
        axes.set(xlim=(0, 1), xlabel="coverage: share of tasks accepted", ylabel=label)
        axes.set_ylim(bottom=0)
        panel_title(axes, title)
    body.legend(handles=list(_legend(data)), loc="outside lower center", ncols=2)
    return figure


def _draw_curve(
    axes: Axes, coverage: pd.Series, risk: pd.Series, score: str, over: str
) -> None:
    axes.plot(coverage, risk, **_style(score), linewidth=_WIDTHS.get(over, 1.2))


def _style(score: str) -> dict[str, Any]:
    bound = INK if score == "best" else MUTED
    return {
        "color": _COLOURS.get(score, bound),
        "linestyle": _BOUNDS.get(score, "-"),
    }


def _legend(data: pd.DataFrame) -> Iterator[Line2D]:
    """Yield a line a score, with its areas: thick for the sum, thin for the highest."""
    areas = data.groupby(["score", "over"], sort=False)["augrc"].first()
    for score in dict.fromkeys(data["score"]):
        texts = [f"{area:.3f} {over}".strip() for over, area in areas[score].items()]
        name = f"{score} order" if score in _BOUNDS else score.replace("_", " ")
        yield Line2D(
            [],
            [],
            **_style(score),
            linewidth=_WIDTHS["sum"],
            label=f"{name}: AUGRC {', '.join(texts)}",
        )
