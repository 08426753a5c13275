"""Uncertainty against darkness: does the model doubt where the stain has spilled?"""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure, SubFigure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from eyewire_validator.figures.style import (
    SEEDLESS,
    Caption,
    Heading,
    canvas,
    panel_title,
    points,
    sentence,
    styled,
    subtitle,
)

CAPTION = Caption(
    "Uncertainty against darkness",
    "Each point is a task: how dark its image is, and how far the model's mean sigma "
    "lies above its minimum of 1. A rise to the right means that the model doubts more "
    "where stain has spilled. Right: the same as counts.",
)
_DARKNESS = "darkness: 255 - mean grey level"
_EXCESS = "mean sigma - 1 (logit units)"


def uncertainty_data(frame: pd.DataFrame) -> pd.DataFrame:
    """Return ``task``, ``darkness`` (grey levels) and ``sigma_mean`` (logit units)."""
    return pd.DataFrame(
        {
            "task": frame["task"],
            "darkness": 255 - frame["image_mean"],
            "sigma_mean": frame["sigma_mean"],
        }
    )


@styled
def draw_uncertainty(frame: pd.DataFrame, heading: Heading) -> Figure:
    """Draw mean sigma against darkness, as scatter and as 2-D histogram."""
    known = uncertainty_data(frame).dropna()
    excess = known["sigma_mean"].to_numpy() - 1
    silence = _why_nothing_to_draw(excess)
    figure, body = canvas(
        CAPTION.title,
        subtitle(heading, frame),
        1 if silence else 3.6,
        leaked=heading.leaked,
    )
    if silence:
        sentence(body, silence)
        return figure
    logarithmic = _spans_decades(excess)
    shown = excess > 0 if logarithmic else np.isfinite(excess)
    _draw_panels(body, known["darkness"].to_numpy()[shown], excess[shown], logarithmic)
    note = _note(len(frame) - len(known), int((~shown).sum()))
    panel_title(body.axes[0], "Tasks", note)
    panel_title(body.axes[1], "Tasks per bin", " " if note else "")
    return figure


def _why_nothing_to_draw(excess: np.ndarray) -> str:
    if not excess.size:
        return "This model gives no sigma."
    return "" if excess.any() else "Sigma is at its minimum of 1 in every task."


def _spans_decades(excess: np.ndarray) -> bool:
    positive = excess[excess > 0]
    return bool(positive.size) and positive.max() > 10 * positive.min()


def _note(undefined: int, at_minimum: int) -> str:
    notes = [f"{undefined:,} without sigma"] if undefined else []
    notes += [f"{at_minimum:,} with sigma = 1"] if at_minimum else []
    return f"not shown: {', '.join(notes)}" if notes else ""


def _draw_panels(
    body: SubFigure, darkness: np.ndarray, excess: np.ndarray, logarithmic: bool
) -> None:
    left, right = body.subplots(1, 2, sharex=True, sharey=True, width_ratios=[1, 1.15])
    points(left, darkness, excess, SEEDLESS)
    left.set(xlabel=_DARKNESS, ylabel=_EXCESS)
    left.xaxis.set_major_locator(MaxNLocator(6))
    _draw_histogram(body, right, darkness, excess, logarithmic)
    for axes in (left, right):
        axes.use_sticky_edges = False
    left.margins(0.04)
    if logarithmic:
        _logarithmic_axis(left, excess)


def _logarithmic_axis(axes: Axes, values: np.ndarray) -> None:
    axes.set_yscale("log")
    if values.max() < 1000 * values.min():
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())


def _draw_histogram(
    body: SubFigure,
    axes: Axes,
    darkness: np.ndarray,
    excess: np.ndarray,
    logarithmic: bool,
) -> None:
    bins = int(np.clip(np.sqrt(len(darkness)), 5, 30))
    x_edges = np.histogram_bin_edges(darkness, bins)
    y_edges = np.histogram_bin_edges(np.log10(excess) if logarithmic else excess, bins)
    y_edges = 10**y_edges if logarithmic else y_edges
    counts, _, _ = np.histogram2d(darkness, excess, [x_edges, y_edges])
    highest = max(counts.max(), 2)
    norm = LogNorm(1, highest) if highest > 50 else Normalize(1, highest)
    mesh = axes.pcolormesh(
        x_edges,
        y_edges,
        np.ma.masked_equal(counts.T, 0),
        cmap="cividis_r",
        norm=norm,
    )
    axes.set_xlabel(_DARKNESS)
    bar = body.colorbar(mesh, ax=axes, label="tasks")
    if highest <= 50:
        bar.locator = MaxNLocator(integer=True, nbins=6)
        bar.update_ticks()
