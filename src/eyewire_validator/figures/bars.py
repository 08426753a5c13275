"""The honest table as bars: what each model adds to the seed."""

import textwrap

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from eyewire_validator.figures.style import (
    FULL,
    INK,
    LEAKED_RED,
    MUTED,
    SEEDLESS,
    Caption,
    canvas,
    styled,
)

CAPTION = Caption(
    "What each model adds to the seed",
    "Dark bars count only voxels beyond the seed: this is what a model adds. Light "
    "bars count the seed too, so that answering nothing new already looks good. The "
    "hatched LEAKED model was shown the answer; its bars say nothing about skill.",
)
_THICKNESS = 0.36


@styled
def draw_bars(table: pd.DataFrame, split: str) -> Figure:
    """Draw pooled IoU without and with the seed, by model and loops.

    Args:
        table: from `comparison.honest_table`.
        split: the split whose rows are drawn.
    """
    rows = table[table["split"] == split].reset_index(drop=True)
    tasks = ", ".join(f"{n:,}" for n in rows["n"].unique())
    figure, body = canvas(
        CAPTION.title,
        f"IoU pooled over tasks · {split} · n = {tasks} tasks",
        0.75 + 0.72 * len(rows),
        leaked=False,
    )
    axes = body.subplots()
    _draw_series(axes, rows, "seedless_iou", -_THICKNESS / 2, SEEDLESS)
    _draw_series(axes, rows, "iou", _THICKNESS / 2, FULL)
    _set_apart(axes, rows["leaked"].to_numpy(bool))
    _label_rows(axes, rows)
    axes.set(xlim=(0, 1.1), xlabel="IoU", xticks=np.linspace(0, 1, 6))
    axes.grid(visible=False, axis="y")
    body.legend(handles=_legend(), loc="outside lower center", ncols=3)
    return figure


def _draw_series(
    axes: Axes, rows: pd.DataFrame, column: str, offset: float, colour: str
) -> None:
    for row, value, spread, leaked in zip(
        rows.index, rows[column], rows[f"{column}_spread"], rows["leaked"], strict=True
    ):
        y = row + offset
        text = "undefined (0/0)" if np.isnan(value) else f"{value:.3f}"
        length, error = np.nan_to_num([value, spread])
        axes.barh(
            y,
            length,
            _THICKNESS,
            color="white" if leaked else colour,
            edgecolor=colour,
            hatch="////" if leaked else None,
            zorder=2,
        )
        if error:
            axes.errorbar(length, y, xerr=error, color=INK, capsize=3, zorder=3)
            text += f" ± {error:.3f}"
        axes.text(length + error + 0.01, y, text, va="center", fontsize=9, zorder=4)


def _set_apart(axes: Axes, leaked: np.ndarray) -> None:
    """Shade the leaked rows, which come last, and say what they are."""
    if not leaked.any():
        return
    first = int(leaked.argmax()) - 0.5
    axes.axhspan(first, len(leaked) - 0.5, color=LEAKED_RED, alpha=0.07, zorder=0)
    axes.axhline(first, color=LEAKED_RED, linewidth=1)


def _label_rows(axes: Axes, rows: pd.DataFrame) -> None:
    axes.set_yticks(rows.index, [_label(row) for row in rows.to_dict("records")])
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)
    for text, leaked in zip(axes.get_yticklabels(), rows["leaked"], strict=True):
        text.set_color(LEAKED_RED if leaked else INK)
        text.set_fontweight("bold" if leaked else "normal")


def _label(row: dict[str, object]) -> str:
    title = textwrap.fill(str(row["title"]), 30)
    loops = row["loops"]
    if pd.isna(loops):
        return title
    return f"{title}\n{loops} loop{'' if loops == 1 else 's'}"


def _legend() -> list[Patch]:
    leaked = "LEAKED: was shown the answer"
    return [
        Patch(facecolor=SEEDLESS, label="without the seed"),
        Patch(facecolor=FULL, label="with the seed"),
        Patch(facecolor="white", edgecolor=MUTED, hatch="////", label=leaked),
    ]
