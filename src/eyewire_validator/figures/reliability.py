"""Reliability diagrams: of segments answered with 80 %, do 80 of 100 belong?"""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullLocator
from numpy.typing import NDArray

from eyewire_validator.evaluation.calibration import Calibration, ece, reliability
from eyewire_validator.evaluation.summary import CONTESTED
from eyewire_validator.figures.style import (
    PALETTE,
    Caption,
    Heading,
    canvas,
    identity_line,
    panel_title,
    say_undefined,
    sentence,
    share_axis,
    styled,
    subtitle,
)

CAPTION = Caption(
    "Reliability of the segments' probabilities",
    "Candidate segments binned by probability: how probable the model said it was that "
    "they belong, and how many do. On the dashed line it was right; below, too sure. "
    "Temperature and isotonic are corrections fitted on validation cells. Below: how "
    "many segments there are in each bin of equal width; bins of few say little.",
)
_CORRECTIONS = dict(zip(("raw", "temperature", "isotonic"), PALETTE, strict=False))
# Which segments, in bins of what, a panel each.
_PANELS = {
    ("all", "width"): "All candidates, bins of equal width",
    ("contested", "mass"): f"Of at least {CONTESTED:g}, bins of equal mass",
}


def reliability_data(segments: pd.DataFrame, calibration: Calibration) -> pd.DataFrame:
    """Bin segments by their probabilities, as they are and corrected.

    Args:
        segments: table in the schema `SEGMENT_SCORES`.
        calibration: fitted on other cells.

    Returns:
        ``part`` (all, or contested: of at least `summary.CONTESTED` before any
        correction), ``correction`` (raw, temperature, isotonic), ``equal`` (width,
        mass) and the columns of `calibration.reliability`.
    """
    parts = {
        "all": segments,
        "contested": segments[segments["probability"] >= CONTESTED],
    }
    tables = [
        reliability(values, part["truth"], equal=equal).assign(
            part=name, correction=correction, equal=equal
        )
        for name, part in parts.items()
        if len(part)
        for correction, values in _corrected(part["probability"], calibration).items()
        for equal in ("width", "mass")
    ]
    keys = ["part", "correction", "equal"]
    columns = ["low", "high", "segments", "mean_probability", "frequency"]
    return pd.concat([pd.DataFrame(columns=keys + columns), *tables])[keys + columns]


@styled
def draw_reliability(
    data: pd.DataFrame, tasks: pd.DataFrame, heading: Heading
) -> Figure:
    """Draw reliability diagrams, and how many segments have which probability.

    Args:
        data: from `reliability_data`.
        tasks: a row a task, with ``cell``.
        heading: of the model.
    """
    total, contested = _count(data, "all"), _count(data, "contested")
    figure, body = canvas(
        CAPTION.title,
        subtitle(heading, tasks, total),
        6.4 if total else 1,
        leaked=heading.leaked,
    )
    if not total:
        sentence(body, "There are no candidate segments.")
        return figure
    panels = body.subplot_mosaic(
        [["all", "contested"], ["counts", "counts"]], height_ratios=[3, 1.2]
    )
    low = total - contested
    notes = (
        f"{low:,} of {total:,} ({low / total:.1%}) are below {CONTESTED:g}",
        f"the other {contested:,} of {total:,}",
    )
    for ((part, equal), title), note in zip(_PANELS.items(), notes, strict=True):
        _draw_diagram(panels[part], data, part, equal)
        panel_title(panels[part], title, note)
    panels["all"].set_ylabel("share that belongs")
    _draw_counts(panels["counts"], data)
    return figure


def _corrected(
    raw: pd.Series, calibration: Calibration
) -> dict[str, NDArray[np.float64]]:
    return {
        "raw": raw.to_numpy(np.float64),
        "temperature": calibration.rescaled(raw),
        "isotonic": calibration.isotonic(raw),
    }


def _count(data: pd.DataFrame, part: str) -> int:
    return int(_select(data, part, "width", "raw")["segments"].sum())


def _select(data: pd.DataFrame, part: str, equal: str, correction: str) -> pd.DataFrame:
    return data[
        (data["part"] == part)
        & (data["equal"] == equal)
        & (data["correction"] == correction)
    ]


def _draw_diagram(axes: Axes, data: pd.DataFrame, part: str, equal: str) -> None:
    for correction, colour in _CORRECTIONS.items():
        bins = _select(data, part, equal, correction)
        if len(bins):
            axes.plot(
                bins["mean_probability"],
                bins["frequency"],
                "o-",
                color=colour,
                markersize=4,
                linewidth=1.3,
                label=f"{correction}: ECE {ece(bins):.4f}",
                clip_on=False,
            )
    _scale(axes)
    axes.set_xlabel("probability that it belongs")
    if not axes.lines:
        say_undefined(axes, "no such candidates")
        return
    identity_line(axes)
    axes.set_ylim(top=1.36 * axes.get_ylim()[1])
    axes.legend(loc="upper left")


def _scale(axes: Axes) -> None:
    """Give both axes the same scale: from 0 to 1, or less if all is low."""
    highest = max(axes.dataLim.max) if axes.lines else 1
    if highest > 0.5:
        share_axis(axes, "x")
        share_axis(axes, "y")
    else:
        limits = (-0.03 * highest, 1.1 * highest)
        axes.set(xlim=limits, ylim=limits)
        axes.locator_params(nbins=5)


def _draw_counts(axes: Axes, data: pd.DataFrame) -> None:
    """Draw how many segments have which probability, on a logarithmic axis."""
    for place, (correction, colour) in enumerate(_CORRECTIONS.items()):
        bins = _select(data, "all", "width", correction)
        width = (bins["high"] - bins["low"]) / (len(_CORRECTIONS) + 0.5)
        left = bins["low"] + (place + 0.25) * width
        axes.bar(left, bins["segments"], width, align="edge", color=colour)
    axes.set(yscale="log", xlabel="probability that it belongs", ylabel="segments")
    axes.set(xlim=(-0.01, 1.01), ylim=(0.7, max(10, 2 * axes.dataLim.y1)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.grid(visible=False, axis="x")
