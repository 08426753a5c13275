"""Tissue left out: what answers save where a model never saw the tissue."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from eyewire_validator.evaluation.left_out import OWN
from eyewire_validator.figures.style import (
    INK,
    MUTED,
    PALETTE,
    Caption,
    canvas,
    counted,
    styled,
)

CAPTION = Caption(
    "Tissue left out: what is left to do with answers, and without any",
    "Segments to add or remove in a task, in those that remain if nothing is answered: "
    "left of the line answers save work. Each tissue was answered by a network that "
    "never saw it, adapted to its supervoxels or (hollow) as it is, with thresholds "
    "from the others. Whiskers are intervals of 95 % from drawing cells anew; a point "
    "a training, in figures their mean.",
)
# Where answers do this many times the harm of none, or more, a mark stands at the end.
MOST = 1.5
_ROW = 0.3


@styled
def draw_left_out(table: pd.DataFrame) -> Figure:
    """Draw the edits that answers leave on each tissue, by model.

    Args:
        table: of `judge_left_out` and `judge_peer`, with ``tissue``, ``network``,
            ``model`` and ``replicate``; peers are drawn on evidence of adapted networks
    """
    is_own, is_adapted = table["model"] == OWN, table["network"] == "adapted"
    order = pd.DataFrame({"peer": ~is_own, "given": ~is_adapted})
    table = table.loc[order[is_own | is_adapted].sort_values(["peer", "given"]).index]
    table = table.assign(label=_labels(table))
    rows = table.assign(row=_places(table))
    figure, body = canvas(
        CAPTION.title,
        f"share of the edits that answering nothing leaves · {_amounts(table)}",
        0.9 + _ROW * (rows["row"].max() + 2),
        leaked=False,
    )
    axes = body.subplots()
    for _, trainings in rows.groupby("row"):
        _draw_row(axes, trainings)
    axes.axvline(1, color=INK, linewidth=1, linestyle="--", zorder=1)
    axes.text(1, -1.3, " nothing answered", fontsize=8.5, va="center", color=INK)
    for tissue, group in rows.groupby("tissue", sort=False):
        axes.text(0.01, group["row"].min() - 0.9, tissue, weight="bold", va="center")
    firsts = rows.drop_duplicates("row")
    axes.set_yticks(firsts["row"], firsts["label"])
    axes.set(xlim=(0, MOST + 0.15), ylim=(rows["row"].max() + 0.7, -1.8))
    axes.set_xlabel("edits with answers / edits if nothing is answered")
    axes.tick_params(axis="y", length=0)
    axes.grid(visible=False, axis="y")
    return figure


def _labels(table: pd.DataFrame) -> pd.Series:
    more = table["network"].map({"adapted": ", adapted", "given": ", as it is"})
    return table["model"].str.replace("_", " ") + more.where(table["model"] == OWN, "")


def _places(table: pd.DataFrame) -> pd.Series:
    """Return the row of each entry: models below each other, a gap between tissues."""
    of_tissue, _ = pd.factorize(table["tissue"])
    of_model, models = pd.factorize(table["label"])
    return pd.Series(of_tissue * (len(models) + 1.4) + of_model, table.index)


def _amounts(table: pd.DataFrame) -> str:
    firsts = table.drop_duplicates("tissue")
    return "; ".join(
        f"{row['tissue']} n = {counted(int(row['tasks']), 'task')} of "
        f"{counted(int(row['cells']), 'cell')}"
        for row in firsts.to_dict("records")
    )


def _draw_row(axes: Axes, trainings: pd.DataFrame) -> None:
    """Draw a row: a point and a whisker a training, and the mean of them in figures."""
    first = trainings.iloc[0]
    own, adapted = first["model"] == OWN, first["network"] == "adapted"
    colour, place = PALETTE[0] if own else MUTED, first["row"]
    shares, lows, highs = (
        (trainings[f"edits{end}"] / trainings["edits_unanswered"]).to_numpy()
        for end in ("", "_low", "_high")
    )
    fit = shares < MOST
    ends = np.minimum([lows, highs], MOST)[:, fit]
    axes.plot(
        ends, [[place] * fit.sum()] * 2, color=colour, linewidth=2 if own else 1.2
    )
    inside = colour if adapted else "white"
    for share in shares[fit]:
        axes.plot(share, place, "o", color=colour, mfc=inside, ms=7 if own else 5)
    if not fit.all():
        axes.plot(MOST, place, ">", color=colour, ms=7)
    beside = ends[1].max() if fit.all() else MOST + 0.01
    mean = shares.mean()
    said = f"{mean:.2f}" if mean < MOST else f"{mean:.1f}"
    axes.text(beside + 0.02, place, said, va="center", fontsize=8.5).set_bbox(
        {"facecolor": "white", "edgecolor": "none", "pad": 1}
    )
