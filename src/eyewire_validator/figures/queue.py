"""The review queue: edits found against decisions made."""

from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from eyewire_validator.figures.style import (
    INK,
    MUTED,
    PALETTE,
    Caption,
    Heading,
    canvas,
    panel_title,
    sentence,
    styled,
    subtitle,
    whole_number_axis,
)

CAPTION = Caption(
    "Edits that people find, by the order in which they are asked",
    "Labelled tasks, taken for open ones: edits that so many decisions have found, in "
    "the order of the queue, by the highest probability, at random, and as an oracle "
    "would ask, who knows the answers. Left: what the queue asks about. Right: all "
    "candidates. The higher, the less people have to look at.",
)
_STYLES: dict[str, dict[str, Any]] = {
    "queue": {"color": PALETTE[0], "linewidth": 1.8},
    "probability": {"color": PALETTE[5], "linewidth": 1.2},
    "random": {"color": MUTED, "linestyle": "--", "linewidth": 1.2},
    "oracle": {"color": INK, "linestyle": ":", "linewidth": 1.2},
}
_PANELS = {"asked": "What the queue asks about", "all": "All candidates"}


@styled
def draw_queue(data: pd.DataFrame, tasks: pd.DataFrame, heading: Heading) -> Figure:
    """Draw edits found against decisions made, in each order.

    Args:
        data: ``of`` (asked, all), ``order``, ``decisions`` and ``edits``.
        tasks: a row a task, with ``cell``.
        heading: of the model.
    """
    figure, body = canvas(
        CAPTION.title, subtitle(heading, tasks), 4.2, leaked=heading.leaked
    )
    if not data["edits"].any():
        sentence(body, "There is nothing to find.")
        return figure
    for axes, (of, title) in zip(body.subplots(1, 2), _PANELS.items(), strict=True):
        curves = data[data["of"] == of]
        for order, style in _STYLES.items():
            curve = curves[curves["order"] == order]
            axes.plot(curve["decisions"], curve["edits"], **style, label=order)
        axes.set(xlabel="decisions made", ylabel="edits found", xlim=(0, None))
        axes.set_ylim(bottom=0)
        whole_number_axis(axes.xaxis)
        panel_title(axes, title)
    handles, labels = axes.get_legend_handles_labels()
    body.legend(handles, labels, loc="outside lower center", ncols=len(_STYLES))
    return figure
