"""The honest table as bars: how well each model answers in segments."""

import textwrap
from collections.abc import Hashable
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from eyewire_validator.evaluation.comparison import LEAKED_HEADING
from eyewire_validator.figures.style import (
    FULL,
    INK,
    LEAKED_RED,
    MUTED,
    SEEDLESS,
    Caption,
    canvas,
    counted,
    styled,
)

CAPTION = Caption(
    "What each model adds to the seed",
    "F1 of the candidate segments that were chosen, and IoU of their full-resolution "
    "voxels, pooled over tasks; the seed counts in neither. Whiskers are intervals of "
    "95 % from drawing cells anew; ± is the spread over trainings. References know the "
    "truth, or are people or others' work. The hatched LEAKED models were shown the "
    "answer; their bars say nothing about skill.",
)
GROUPS = {
    "result": "Models and rules",
    "reference": "References: they know the truth, or are people or others' work",
    "leaked": LEAKED_HEADING,
}
_SERIES = (("f1", SEEDLESS, "F1 of segments"), ("voxel_iou", FULL, "IoU of voxels"))
_THICKNESS = 0.38


@styled
def draw_bars(table: pd.DataFrame, split: str) -> Figure:
    """Draw F1 of segments and IoU of voxels of each model, in groups by standing.

    Args:
        table: from `comparison.honest_table`.
        split: the split whose rows are drawn.
    """
    rows = _place(table[table["split"] == split])
    figure, body = canvas(
        CAPTION.title,
        f"candidate segments, pooled over tasks · {split} · {_amount(rows)}",
        0.7 + 0.5 * (rows["y"].max() + 1),
        leaked=False,
    )
    axes = body.subplots()
    for (metric, colour, _), side in zip(_SERIES, (-0.5, 0.5), strict=True):
        for row in rows.to_dict("records"):
            _draw_bar(axes, row, metric, row["y"] + side * _THICKNESS, colour)
    for standing, group in rows.groupby("standing", sort=False):
        _head_group(axes, str(standing), group["y"])
    _label_rows(axes, rows)
    axes.set(xlim=(0, 1.22), xticks=np.linspace(0, 1, 6))
    axes.grid(visible=False, axis="y")
    leaked = (rows["standing"] == "leaked").any()
    body.legend(handles=_legend(leaked=leaked), loc="outside lower center", ncols=3)
    return figure


def _place(rows: pd.DataFrame) -> pd.DataFrame:
    """Give rows their ``y``, with room for a heading above each group."""
    groups = (rows["standing"] != rows["standing"].shift()).cumsum()
    return rows.assign(y=np.arange(len(rows)) + 0.85 * groups)


def _amount(rows: pd.DataFrame) -> str:
    """Return n of tasks and cells, which may differ between rows."""
    amounts = rows[["tasks", "cells"]].drop_duplicates().itertuples(index=False)
    return "; ".join(
        f"n = {counted(tasks, 'task')} of {counted(cells, 'cell')}"
        for tasks, cells in amounts
    )


def _draw_bar(
    axes: Axes, row: dict[Hashable, Any], metric: str, y: float, colour: str
) -> None:
    value, low, high, spread = (
        float(row[f"{metric}{suffix}"]) for suffix in ("", "_low", "_high", "_spread")
    )
    if np.isnan(value):
        axes.text(0.01, y, "undefined (0/0)", va="center", fontsize=8.5, color=MUTED)
        return
    leaked = row["standing"] == "leaked"
    axes.barh(
        y,
        value,
        _THICKNESS,
        color="white" if leaked else colour,
        edgecolor=colour,
        hatch="////" if leaked else None,
        zorder=2,
    )
    if not np.isnan([low, high]).any():
        axes.plot([low, high], [y, y], "|-", color=INK, ms=5, linewidth=1, zorder=3)
    text = f"{value:.3f}" + ("" if np.isnan(spread) else f" ± {spread:.3f}")
    end = np.nanmax([value, high]) + 0.012
    axes.text(end, y, text, va="center", fontsize=8.5, zorder=4)


def _head_group(axes: Axes, standing: str, y: pd.Series) -> None:
    """Write what a group is worth above it; shade it if it is worth nothing."""
    leaked = standing == "leaked"
    colour = LEAKED_RED if leaked else MUTED
    top = y.min() - 1.15
    axes.axhline(top, color=colour, linewidth=1, zorder=1)
    if leaked:
        axes.axhspan(top, y.max() + 0.5, color=LEAKED_RED, alpha=0.07, zorder=0)
    heading = GROUPS[standing]
    axes.text(
        0.01, top + 0.33, heading, color=colour, weight="bold", fontsize=9, va="center"
    )


def _label_rows(axes: Axes, rows: pd.DataFrame) -> None:
    axes.set_yticks(rows["y"], [_label(row) for row in rows.to_dict("records")])
    axes.set_ylim(rows["y"].max() + 0.5, rows["y"].min() - 1.15)
    axes.tick_params(axis="y", length=0)
    for text, standing in zip(axes.get_yticklabels(), rows["standing"], strict=True):
        text.set_color(LEAKED_RED if standing == "leaked" else INK)


def _label(row: dict[Hashable, Any]) -> str:
    title = textwrap.shorten(str(row["title"]), 80, placeholder="…")
    replicates = int(row["replicates"])
    details = [
        "" if pd.isna(row["loops"]) else counted(row["loops"], "loop"),
        counted(replicates, "replicate") if replicates > 1 else "",
    ]
    lines = [*textwrap.wrap(title, 38), ", ".join(filter(None, details))]
    return "\n".join(filter(None, lines))


def _legend(*, leaked: bool) -> list[Patch]:
    hatched = Patch(facecolor="white", edgecolor=MUTED, hatch="////")
    hatched.set_label("LEAKED: was shown the answer")
    return [
        *(Patch(facecolor=colour, label=label) for _, colour, label in _SERIES),
        *([hatched] if leaked else []),
    ]
