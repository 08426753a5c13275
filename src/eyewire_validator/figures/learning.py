"""Metrics against the tasks that a model learned from: what more would bring."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from eyewire_validator.figures.loops import PANELS
from eyewire_validator.figures.style import (
    SEEDLESS,
    Caption,
    Heading,
    canvas,
    counted,
    panel_title,
    styled,
)

CAPTION = Caption(
    "What more training tasks bring",
    "The same model, trained on all training tasks, and on those of a few volumes "
    "drawn at random. Points are means over replicates, each with a draw of its own; "
    "whiskers are their standard deviation. ↓ marks where low is good.",
)
METRICS = ("f1", "pr_auc", "voxel_iou", "edits")


@styled
def draw_learning(table: pd.DataFrame, heading: Heading) -> Figure:
    """Draw four metrics against the number of training tasks.

    Args:
        table: rows of `comparison.honest_table`, of one split, and ``training_tasks``,
            the mean over replicates.
        heading: of the model that has learned from most, without a replicate.
    """
    rows = table.sort_values("training_tasks")
    first = rows.iloc[0]
    replicates = " or ".join(map(str, sorted(set(rows["replicates"]))))
    amount = (
        f"n = {counted(first['tasks'], 'task')} · {counted(first['cells'], 'cell')} · "
        f"replicates: {replicates}"
    )
    about = f"{heading.title} · {heading.details} · {amount}"
    figure, body = canvas(CAPTION.title, about, 4.8, leaked=heading.leaked)
    panels = body.subplots(2, 2, sharex=True)
    for axes, metric in zip(panels.flat, METRICS, strict=True):
        _draw_curve(axes, rows, metric)
        panel_title(axes, *PANELS[metric])
    for axes in panels[-1]:
        axes.set_xlabel("training tasks")
    return figure


def _draw_curve(axes: Axes, rows: pd.DataFrame, metric: str) -> None:
    axes.errorbar(
        rows["training_tasks"],
        rows[metric],
        rows[f"{metric}_spread"],
        color=SEEDLESS,
        marker="o",
        markersize=4,
        linewidth=1.5,
        capsize=3,
    )
    axes.set_xlim(left=0)
    axes.set_ylim(bottom=0)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
