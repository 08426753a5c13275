"""Metrics against loops: what feeding the answer back as the seed brings."""

from collections.abc import Hashable
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure

from eyewire_validator.evaluation.comparison import LEAKED
from eyewire_validator.figures.style import (
    LEAKED_RED,
    PALETTE,
    Caption,
    canvas,
    counted,
    panel_title,
    styled,
    whole_number_axis,
)

CAPTION = Caption(
    "Metrics against loops",
    "How often the answer was fed back as the seed. Bands are intervals of 95 % from "
    "drawing cells anew; ↓ marks where low is good. Thresholds are chosen anew for "
    "each number of loops, on validation tasks. LEAKED models (dashed) were shown the "
    "answer.",
)
# Title and, smaller, what it is; in reading order.
PANELS = {
    "f1": ("F1", "segments, pooled"),
    "precision": ("Precision", "segments, pooled"),
    "recall": ("Recall", "segments, pooled"),
    "voxel_iou": ("Voxel IoU", "full resolution, by segments"),
    "pr_auc": ("PR-AUC", "segments, all thresholds"),
    "edits": ("Edits ↓", "segments to correct, a task"),
    "exact": ("Exact", "share of tasks without edits"),
    "ece_mass": ("ECE ↓", "of segments, equal mass"),
    "augrc": ("AUGRC ↓", "edits, by summed probability"),
    "seedless_iou": ("Coarse IoU", "coarse voxels beyond the seed"),
}

_MARKS = {"leaked": f"{LEAKED}: "}


@styled
def draw_loops(table: pd.DataFrame) -> Figure:
    """Draw each metric against the number of loops, a line a model.

    Args:
        table: from `comparison.honest_table`, of one split, at several loops.
    """
    figure, body = canvas(CAPTION.title, _subtitle(table), 8.2, leaked=False)
    panels = body.subplots(4, 3, sharex=True)
    styles = _styles(table)
    for axes, (metric, (title, note)) in zip(panels.flat, PANELS.items(), strict=False):
        for model, rows in table.groupby("model", sort=False):
            _draw_line(axes, rows.sort_values("loops"), metric, **styles[model])
        panel_title(axes, title, note)
        axes.set_ylim(bottom=min(0, axes.get_ylim()[0]))
        whole_number_axis(axes.xaxis)
    for axes in panels.flat[len(PANELS) :]:
        axes.set_visible(False)
    for axes in panels.flat[len(PANELS) - 3 : len(PANELS)]:
        axes.set_xlabel("loops")
        axes.tick_params(labelbottom=True)
    _add_legend(body, panels.flat[0])
    return figure


def _subtitle(table: pd.DataFrame) -> str:
    amounts = table[["split", "tasks", "cells"]].drop_duplicates()
    return "; ".join(
        f"{split} · n = {counted(tasks, 'task')} · {counted(cells, 'cell')}"
        for split, tasks, cells in amounts.itertuples(index=False)
    )


def _styles(table: pd.DataFrame) -> dict[Hashable, dict[str, str]]:
    """Return colour, line and label of each model."""
    models = table.drop_duplicates("model")
    colours = iter(PALETTE * len(models))
    return {
        row["model"]: {
            "color": LEAKED_RED if row["standing"] == "leaked" else next(colours),
            "linestyle": "--" if row["standing"] == "leaked" else "-",
            "label": _MARKS.get(row["standing"], "") + row["title"],
        }
        for row in models.to_dict("records")
    }


def _draw_line(axes: Axes, rows: pd.DataFrame, metric: str, **style: Any) -> None:
    loops = rows["loops"].to_numpy(np.float64)
    axes.plot(loops, rows[metric], marker="o", markersize=3, linewidth=1.5, **style)
    low, high = (rows.get(f"{metric}{end}") for end in ("_low", "_high"))
    if low is not None and high is not None:
        axes.fill_between(
            loops,
            low.to_numpy(np.float64),
            high.to_numpy(np.float64),
            color=style["color"],
            alpha=0.12,
            linewidth=0,
        )


def _add_legend(body: SubFigure, axes: Axes) -> None:
    """Put the legend where the last row of panels leaves room."""
    handles, labels = axes.get_legend_handles_labels()
    body.legend(handles, labels, loc="center left", bbox_to_anchor=(0.38, 0.12))
