"""The training curve: loss and validation IoU by epoch."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from eyewire_validator.figures.style import (
    MUTED,
    SECOND,
    SEEDLESS,
    Caption,
    Heading,
    canvas,
    panel_title,
    share_axis,
    styled,
    whole_number_axis,
)

CAPTION = Caption(
    "Training",
    "Loss of each epoch on training and on validation tasks (of a network a voxel, of "
    "an agglomeration a pair of voxels or, by features alone, a contact), and a "
    "network's IoU without seed on validation tasks. The dotted line marks the lowest "
    "validation loss.",
)


@styled
def draw_training(history: pd.DataFrame, heading: Heading) -> Figure:
    """Draw the learning curves of one training.

    Args:
        history: a table of the schema `HISTORY`.
        heading: its model.
    """
    parts = [heading.title, heading.details, f"{len(history)} epochs"]
    figure, body = canvas(
        CAPTION.title, " · ".join(filter(None, parts)), 3.3, leaked=heading.leaked
    )
    names = ["train_loss", "validation_iou"]
    panels = body.subplots(1, int(history[names].notna().any().sum()), squeeze=False)
    losses, *others = panels[0]
    _draw_curve(losses, history, "train_loss", MUTED, "training")
    _draw_curve(losses, history, "validation_loss", SECOND, "validation")
    losses.legend()
    losses.set(ylabel="mean loss", xlabel="epoch")
    panel_title(losses, "Loss")
    for scores in others:
        _draw_curve(scores, history, "validation_iou", SEEDLESS, "validation")
        scores.set(ylabel="pooled IoU without seed", xlabel="epoch")
        share_axis(scores, "y")
        panel_title(scores, "Validation IoU")
    for axes in (losses, *others):
        _mark_best(axes, history)
        whole_number_axis(axes.xaxis)
    return figure


def _draw_curve(
    axes: Axes, history: pd.DataFrame, column: str, colour: str, label: str
) -> None:
    known = history[["epoch", column]].dropna()
    axes.plot(known["epoch"], known[column], "o-", color=colour, label=label, ms=4)


def _mark_best(axes: Axes, history: pd.DataFrame) -> None:
    losses = history["validation_loss"]
    if losses.notna().any():
        best = history["epoch"][losses.idxmin()]
        axes.axvline(best, color=MUTED, linewidth=1, linestyle=":", zorder=1)
