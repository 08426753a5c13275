"""Errors against votes: does the model err where people disagree?"""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from eyewire_validator.figures.style import (
    FULL,
    SEEDLESS,
    Caption,
    Heading,
    canvas,
    panel_title,
    styled,
    subtitle,
)

CAPTION = Caption(
    "Errors against votes",
    "The share of candidate segments answered wrongly, by how far the players agreed: "
    "left by their agreed fraction w (0 outside the aggregate, where nearly all "
    "candidates are), right by the margin of the vote, |2 w - 1|. Above each bar: "
    "wrong of all segments. A model that errs where people disagree errs where the "
    "truth is doubtful.",
)
_PANELS = {
    "weight": ("By agreed fraction", "players who took it (w)", SEEDLESS),
    "margin": ("By margin of the vote", "|2 w - 1|", FULL),
}


@styled
def draw_votes(data: pd.DataFrame, tasks: pd.DataFrame, heading: Heading) -> Figure:
    """Draw the share of wrong segments by how far the players agreed.

    Args:
        data: from `error_analysis.error_by_votes`.
        tasks: a row a task, with ``cell``.
        heading: of the model.
    """
    segments = int(data.loc[data["by"] == "weight", "segments"].sum())
    figure, body = canvas(
        CAPTION.title, subtitle(heading, tasks, segments), 3.5, leaked=heading.leaked
    )
    panels = body.subplots(1, 2, width_ratios=[8, 6])
    highest = max(0.1, 1.3 * data["error"].max())
    for axes, (by, (title, label, colour)) in zip(panels, _PANELS.items(), strict=True):
        _draw_rates(axes, data[data["by"] == by].reset_index(drop=True), colour)
        panel_title(axes, title)
        axes.set(xlabel=label, ylim=(0, highest))
        axes.set_yticks([tick for tick in axes.get_yticks() if tick <= min(1, highest)])
    panels[0].set_ylabel("share answered wrongly")
    return figure


def _draw_rates(axes: Axes, rates: pd.DataFrame, colour: str) -> None:
    axes.bar(rates.index, rates["error"].fillna(0), color=colour, width=0.7, zorder=3)
    for x, row in enumerate(rates.to_dict("records")):
        text = (
            f"{row['wrong']:,}\nof {row['segments']:,}" if row["segments"] else "none"
        )
        height = row["error"] if row["segments"] else 0
        axes.annotate(
            text,
            (x, height),
            xytext=(0, 3),
            textcoords="offset points",
            ha="center",
            fontsize=7.5,
        )
    axes.set_xticks(rates.index, [_name(*edges) for edges in _edges(rates)])
    axes.grid(visible=False, axis="x")


def _edges(rates: pd.DataFrame) -> list[tuple[float, float]]:
    return list(rates[["low", "high"]].itertuples(index=False, name=None))


def _name(low: float, high: float) -> str:
    if low == high:
        return f"{high:g}"
    return f"{low:g} to\n{'< ' * (high == 1)}{high:g}"
