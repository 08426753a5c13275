"""Distributions of precision, recall and IoU over tasks."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullLocator

from eyewire_validator.evaluation.voxel_metrics import task_metrics
from eyewire_validator.figures.style import (
    FULL,
    INK,
    SEEDLESS,
    Caption,
    Heading,
    canvas,
    panel_title,
    say_undefined,
    share_axis,
    styled,
    subtitle,
    whole_number_axis,
)

CAPTION = Caption(
    "Distribution of metrics over tasks",
    "How many tasks reach which value; the dashed line is their mean. Above with the "
    "seed, which is given and flatters every model; below without it. Tasks where a "
    "metric is 0/0 are left out and counted.",
)
NAMES = {"precision": "Precision", "recall": "Recall", "iou": "IoU"}
# From here on, bars of a few tasks would vanish beside those of hundreds.
_LOGARITHMIC_FROM = 100


def distribution_data(frame: pd.DataFrame) -> pd.DataFrame:
    """Return each task's six metrics, as `voxel_metrics.task_metrics` does."""
    return task_metrics(frame)


@styled
def draw_distributions(frame: pd.DataFrame, heading: Heading) -> Figure:
    """Draw six histograms: precision, recall and IoU, with the seed and without."""
    data = distribution_data(frame)
    figure, body = canvas(
        CAPTION.title, subtitle(heading, frame), 5.4, leaked=heading.leaked
    )
    grid = body.subplots(2, 3, sharey=True)
    rows = (("", "with seed", FULL), ("_seedless", "without seed", SEEDLESS))
    for panels, (suffix, seed, colour) in zip(grid, rows, strict=True):
        for axes, (name, title) in zip(panels, NAMES.items(), strict=True):
            values = data[f"{name}{suffix}"]
            _draw_histogram(axes, values.dropna().to_numpy(), colour)
            panel_title(axes, f"{title}, {seed}", _note(values))
            axes.set_xlabel(title)
        panels[0].set_ylabel("tasks")
    _scale_counts(grid[0, 0])
    return figure


def _draw_histogram(axes: Axes, values: np.ndarray, colour: str) -> None:
    bins = 20 if len(values) >= 200 else 10
    axes.hist(
        values,
        bins,
        range=(0, 1),
        color=colour,
        edgecolor="white",
        linewidth=0.6,
        zorder=3,
    )
    share_axis(axes, "x")
    axes.grid(visible=False, axis="x")
    if not values.size:
        say_undefined(axes)
    else:
        axes.axvline(values.mean(), color=INK, linewidth=1.2, linestyle="--", zorder=4)


def _note(values: pd.Series) -> str:
    undefined = int(values.isna().sum())
    parts = [f"n = {len(values) - undefined:,}"]
    parts += [f"{undefined:,} undefined"] if undefined else []
    parts += [f"mean {values.mean():.3f}"] if undefined < len(values) else []
    return ", ".join(parts)


def _scale_counts(axes: Axes) -> None:
    if axes.get_ylim()[1] <= _LOGARITHMIC_FROM:
        whole_number_axis(axes.yaxis)
        return
    axes.set_yscale("log")
    axes.set_ylim(bottom=0.7)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axes.yaxis.set_minor_locator(NullLocator())
