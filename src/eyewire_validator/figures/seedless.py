"""Each metric without the seed against the same with it."""

import pandas as pd
from matplotlib.figure import Figure

from eyewire_validator.evaluation.voxel_metrics import task_metrics
from eyewire_validator.figures.distributions import NAMES
from eyewire_validator.figures.style import (
    SEEDLESS,
    Caption,
    Heading,
    canvas,
    identity_line,
    known_note,
    panel_title,
    points,
    share_axis,
    styled,
    subtitle,
)

CAPTION = Caption(
    "Metrics without the seed against with it",
    "Each point is a task. Points below the dashed line lose when the seed, which is "
    "given, is left out; how far below shows how much the seed flatters.",
)


def seedless_data(frame: pd.DataFrame) -> pd.DataFrame:
    """Return each task's six metrics, as `voxel_metrics.task_metrics` does."""
    return task_metrics(frame)


@styled
def draw_seedless(frame: pd.DataFrame, heading: Heading) -> Figure:
    """Draw three scatters: precision, recall and IoU, without seed against with it."""
    data = seedless_data(frame)
    figure, body = canvas(
        CAPTION.title, subtitle(heading, frame), 3.4, leaked=heading.leaked
    )
    panels = body.subplots(1, 3, sharex=True, sharey=True)
    for axes, (name, title) in zip(panels, NAMES.items(), strict=True):
        known = data[[name, f"{name}_seedless"]].dropna()
        share_axis(axes, "x")
        share_axis(axes, "y")
        identity_line(axes)
        points(
            axes, known[name].to_numpy(), known[f"{name}_seedless"].to_numpy(), SEEDLESS
        )
        panel_title(axes, title, known_note(len(known), len(data)))
        axes.set(xlabel=f"{title} with seed", aspect="equal")
    panels[0].set_ylabel("without seed")
    return figure
