"""Found segments by their size, and what coarse voxels allow at best."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from eyewire_validator.figures.style import (
    FULL,
    PALETTE,
    Caption,
    Heading,
    canvas,
    panel_title,
    sentence,
    share_axis,
    styled,
    subtitle,
)

CAPTION = Caption(
    "Segments found, by their size",
    "Of the candidate segments that belong: how many each model finds, and how "
    "probable it holds them, by their full-resolution voxels. The ceiling is what an "
    "answer that gets every coarse voxel right would score: small segments vanish from "
    "coarse volumes. Below: how many segments there are.",
)
_CEILING = {"color": "#1A1A1A", "linestyle": "--"}


@styled
def draw_sizes(
    tables: Mapping[str, pd.DataFrame],
    tasks: pd.DataFrame,
    heading: Heading,
    ceiling: str = "",
) -> Figure:
    """Draw recall and mean probability of segments that belong by size.

    Args:
        tables: of each model, by its title, what `error_analysis.recall_by_size` gave;
            all of the same tasks.
        tasks: a row a task, with ``cell``.
        heading: of all models.
        ceiling: title of the model that is the ceiling, if it is among them.
    """
    counts = next(iter(tables.values()))
    total = int(counts["segments"].sum())
    parts = [subtitle(heading, tasks), f"{total:,} candidate segments that belong"]
    figure, body = canvas(
        CAPTION.title, " · ".join(parts), 5 if total else 1, leaked=heading.leaked
    )
    if not total:
        sentence(body, "No candidate segment belongs.")
        return figure
    grid = body.subplots(2, 2, height_ratios=[3, 1], sharex=True)
    colours = iter(PALETTE * len(tables))
    for title, table in tables.items():
        style = _CEILING if title == ceiling else {"color": next(colours)}
        label = f"{title} (ceiling of coarse voxels)" if title == ceiling else title
        for axes, column in zip(grid[0], ("recall", "mean_probability"), strict=True):
            _draw_line(axes, table, column, label=label, **style)
    for axes, title, label in zip(
        grid[0],
        ("Recall", "Mean probability"),
        ("share found, at its own threshold", "of segments that belong"),
        strict=True,
    ):
        share_axis(axes, "y")
        panel_title(axes, title)
        axes.set_ylabel(label)
    for axes in grid[1]:
        _draw_counts(axes, counts)
    grid[1, 0].set_ylabel("segments")
    handles, labels = grid[0, 0].get_legend_handles_labels()
    body.legend(handles, labels, loc="outside lower center", ncols=2)
    return figure


def _draw_line(axes: Axes, table: pd.DataFrame, column: str, **style: Any) -> None:
    known = table.dropna(subset=column)
    middle = (known["low"] * known["high"]) ** 0.5
    axes.plot(middle, known[column], marker="o", markersize=4, **style)


def _draw_counts(axes: Axes, counts: pd.DataFrame) -> None:
    axes.bar(
        counts["low"],
        counts["segments"],
        counts["high"] - counts["low"],
        align="edge",
        color=FULL,
        edgecolor="white",
        linewidth=0.6,
    )
    axes.set(xscale="log", xlabel="segment size (full-resolution voxels)")
    axes.xaxis.set_major_locator(LogLocator(10))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.grid(visible=False, axis="x")
