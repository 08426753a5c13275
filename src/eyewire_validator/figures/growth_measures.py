"""Growth beside steps that are judged with all before them right."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from eyewire_validator.figures.style import (
    PALETTE,
    Caption,
    Heading,
    canvas,
    panel_title,
    sentence,
    styled,
)

CAPTION = Caption(
    "What growth recovers, and what goes wrong",
    "Cells that grew by themselves, with stops and without any, and the same cells "
    "with all before each cube right. Whiskers are intervals of 95 % over cells.",
)
WAYS = {
    "grown": "grown, with stops",
    "unlimited": "without stops",
    "teacher_forced": "all before right",
}
_PANELS = {
    "recovered_share": "path recovered, share",
    "recovered_share_before_merge": "before a false merge",
    "mergers": "false merges",
    "edits": "edits left a cell",
}


@styled
def draw_growth_measures(
    summaries: Mapping[str, Mapping[str, Any]], details: str, heading: Heading
) -> Figure:
    """Draw a panel a measure, in which each of `WAYS` has a point.

    Args:
        summaries: of each way, from `growth.measures.summarize`.
        details: what else the subtitle says.
        heading: of the model.
    """
    text = ", ".join(filter(None, [heading.title, heading.details, details]))
    figure, body = canvas(CAPTION.title, text, 1.9, leaked=heading.leaked)
    if not all(summaries.values()):
        sentence(body, "No cell was grown.")
        return figure
    panels = body.subplots(1, len(_PANELS), sharey=True)
    for axes, (measure, title) in zip(panels, _PANELS.items(), strict=True):
        _draw_panel(axes, [summaries[way][measure] for way in WAYS])
        panel_title(axes, title)
    panels[0].set_yticks(range(len(WAYS)), [*WAYS.values()])
    panels[0].set_ylim(len(WAYS) - 0.5, -0.5)
    return figure


def _draw_panel(axes: Axes, found: list[Mapping[str, Any]]) -> None:
    value, low, high = (
        np.array([one[end] for one in found], float) for end in ("value", "low", "high")
    )
    rows = np.arange(len(found))
    axes.hlines(rows, low, high, color=PALETTE[0], linewidth=2)
    axes.plot(value, rows, "o", color=PALETTE[0])
    axes.set_xlim(0, 1.1 * np.nanmax([*value, *high, 1e-9]))
    axes.tick_params(axis="y", length=0)
    axes.grid(visible=False, axis="y")
