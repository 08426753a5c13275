"""The style of all figures: header, colours, axes."""

import textwrap
from dataclasses import dataclass
from typing import Any, Literal

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure, SubFigure
from matplotlib.patches import Rectangle
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullLocator
from numpy.typing import NDArray

from eyewire_validator.evaluation.comparison import LEAKED_HEADING

# Okabe and Ito's colours, which the colour-blind can tell apart, and their tints.
SEEDLESS = "#0072B2"
FULL = "#7FAECB"
SECOND = "#D55E00"
LEAKED_RED = "#B3001B"
PALETTE = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#9C8A00")
INK = "#1A1A1A"
MUTED = "#595959"

# Inches. A README shows about 850 pixels; at this width 10 points stay readable there.
WIDTH = 8.5
# Letters that fit into the line below the title.
_LINE_LENGTH = 112

# Decorates functions that draw: under this style, leaving global settings alone.
styled = mpl.rc_context(
    {
        "font.size": 10,
        "axes.titlesize": 10,
        "axes.labelsize": 10,
        "axes.edgecolor": MUTED,
        "axes.labelcolor": INK,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.axisbelow": True,
        "axes.grid": True,
        "grid.color": "#E3E3E3",
        "grid.linewidth": 0.6,
        "xtick.labelsize": 9,
        "ytick.labelsize": 9,
        "xtick.color": MUTED,
        "ytick.color": MUTED,
        "legend.frameon": False,
        "legend.fontsize": 9,
        "text.color": INK,
        # Titles come from outside; a dollar sign in them is a dollar sign.
        "text.parse_math": False,
        "hatch.linewidth": 1.2,
        "figure.constrained_layout.w_pad": 0.08,
        # Without it, SVG ids would differ from run to run.
        "svg.hashsalt": "eyewire-validator",
    }
)


@dataclass(frozen=True)
class Caption:
    """The caption of a kind of figure: its title, and how to read it."""

    title: str
    how_to_read: str


@dataclass(frozen=True)
class Heading:
    """The heading of a figure.

    Args:
        title: the model's title.
        details: what else identifies the evaluation, such as ``test, 4 loops``.
        leaked: whether the model's input held the answer.
    """

    title: str
    details: str
    leaked: bool


def canvas(
    title: str, subtitle: str, height: float, *, leaked: bool
) -> tuple[Figure, SubFigure]:
    """Make an empty figure with a header.

    Args:
        title: what is shown.
        subtitle: of what: model, split, loops, n.
        height: of the part below the header, inches.
        leaked: mark the figure LEAKED, in red across the title.

    Returns:
        The figure, and the part of it to draw in.
    """
    lines = textwrap.wrap(subtitle, _LINE_LENGTH) or [""]
    band_height = 0.33 if leaked else 0
    header_height = 0.45 + 0.17 * len(lines) + band_height
    figure = Figure(figsize=(WIDTH, header_height + height), layout="constrained")
    parts = figure.subfigures(
        2, 1, height_ratios=[header_height, height], squeeze=False
    )
    header, body = parts[:, 0]
    if leaked:
        _leaked_band(header, header_height)
    top = header_height - band_height - 0.1
    for text, size, weight, colour in (
        (title, 13, "bold", INK),
        ("\n".join(lines), 9.5, "normal", MUTED),
    ):
        y = top / header_height
        header.text(
            0.012, y, text, fontsize=size, weight=weight, color=colour, va="top"
        )
        top -= 0.28
    return figure, body


def subtitle(heading: Heading, tasks: pd.DataFrame, segments: int = 0) -> str:
    """Return the line below the title: of what, and how much of it.

    Args:
        heading: what the figure is of.
        tasks: a row a task, with ``cell``.
        segments: candidate segments that are shown, if any.
    """
    parts = [
        heading.title,
        heading.details,
        f"n = {counted(len(tasks), 'task')}",
        f"{counted(tasks['cell'].nunique(), 'cell')}",
        counted(segments, "candidate segment") if segments else "",
    ]
    return " · ".join(filter(None, parts))


def counted(number: int, noun: str) -> str:
    """Return a number with its noun, in the plural where it is due."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def panel_title(axes: Axes, title: str, note: str = "") -> None:
    """Write a panel's title and, smaller and below it, a note."""
    axes.set_title(title, loc="left", weight="bold", pad=18 if note else 6)
    if note:
        axes.annotate(
            note,
            (0, 1),
            xytext=(0, 5),
            xycoords="axes fraction",
            textcoords="offset points",
            fontsize=8.5,
            color=MUTED,
        )


def known_note(known: int, tasks: int) -> str:
    """Return how many of the tasks a panel shows, and how many it cannot."""
    undefined = f", {tasks - known:,} undefined" if known < tasks else ""
    return f"n = {known:,}{undefined}"


def share_axis(axes: Axes, name: Literal["x", "y"]) -> None:
    """Prepare an axis for values from 0 to 1."""
    axes.set(**{f"{name}lim": (-0.03, 1.03), f"{name}ticks": np.linspace(0, 1, 6)})


def count_axis(axes: Axes, name: Literal["x", "y"], counts: NDArray[Any]) -> None:
    """Prepare an axis for voxel counts: logarithmic, with a place for 0 if needed."""
    positive = counts[counts > 0]
    highest = positive.max(initial=10)
    set_scale = getattr(axes, f"set_{name}scale")
    if positive.size < counts.size:
        set_scale("symlog", linthresh=1, linscale=0.4)
        bounds = (-0.35, highest * 1.6)
    else:
        set_scale("log")
        bounds = (positive.min(initial=highest) / 1.6, highest * 1.6)
    axes.set(**{f"{name}lim": bounds})
    axis: Axis = getattr(axes, f"{name}axis")
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axis.set_minor_locator(NullLocator())


def whole_number_axis(axis: Axis) -> None:
    """Keep an axis of small counts from showing halves."""
    axis.set_major_locator(MaxNLocator(integer=True, nbins=6))


def points(axes: Axes, x: NDArray[Any], y: NDArray[Any], colour: str) -> None:
    """Scatter tasks; many are drawn small, faint, and as pixels within an SVG.

    Args:
        axes: where.
        x: a value a task.
        y: a value a task.
        colour: of all points.
    """
    if not len(x):
        say_undefined(axes)
        return
    many = len(x) > 400
    axes.scatter(
        x,
        y,
        s=9 if many else 26,
        c=colour,
        alpha=0.45 if many else 0.85,
        linewidths=0 if many else 0.5,
        edgecolors="white",
        rasterized=len(x) > 2000,
        zorder=3,
    )


def say_undefined(axes: Axes, text: str = "0/0 in every task") -> None:
    """Fill a panel that has nothing to show."""
    axes.text(
        0.5,
        0.5,
        text,
        transform=axes.transAxes,
        ha="center",
        va="center",
        color=MUTED,
    )


def identity_line(axes: Axes) -> None:
    """Draw where both axes, of one scale and with the same limits, are equal."""
    limits = axes.get_xlim()
    axes.plot(limits, limits, color=MUTED, linewidth=1, linestyle="--", zorder=2)


def sentence(body: SubFigure, text: str) -> None:
    """Write why there is nothing to draw into an empty panel."""
    body.text(0.5, 0.5, text, ha="center", va="center", color=MUTED, fontsize=11)


def _leaked_band(header: SubFigure, height: float) -> None:
    band = 0.3 / height
    header.add_artist(Rectangle((0, 1 - band), 1, band, color=LEAKED_RED, zorder=1))
    header.text(
        0.5,
        1 - band / 2,
        LEAKED_HEADING,
        color="white",
        weight="bold",
        ha="center",
        va="center",
        zorder=2,
    )
