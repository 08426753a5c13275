"""Tissue left out: how many false merges come with what is accepted unseen."""

from typing import Literal

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from eyewire_validator.evaluation.left_out import OWN
from eyewire_validator.figures.style import (
    INK,
    MUTED,
    PALETTE,
    Caption,
    canvas,
    counted,
    panel_title,
    styled,
)

CAPTION = Caption(
    "Tissue left out: false merges among what is accepted unseen",
    "Share of a cell's accepted segments that does not belong, on average over cells, "
    "as the threshold falls and more of what belongs is accepted: by a network adapted "
    "to the tissue (with its interval of 95 % over cells), or as it is (dashed); mean "
    "over trainings. Dotted: what may be asked. Crosses: what is accepted by the "
    "thresholds that the other tissues allow, as if the alarm were silent; at 0, "
    "nothing.",
)
# In per cent; of the shares that the study asks for.
ASKED = (1, 2, 5)
MOST = 0.3
_COLOURS = {"adapted": PALETTE[0], "given": MUTED}
_LINES: dict[str, Literal["-", "--"]] = {"adapted": "-", "given": "--"}


@styled
def draw_left_out_risk(curves: pd.DataFrame, table: pd.DataFrame) -> Figure:
    """Draw the risk of false merges against coverage on each tissue left out.

    Args:
        curves: of `risk_curve`, with ``tissue``, ``network`` and ``replicate``.
        table: of `judge_left_out`, with the same and ``model``: what was achieved.
    """
    tissues = curves["tissue"].unique()
    figure, body = canvas(
        CAPTION.title,
        "share of a cell's accepted segments that is wrong, against the share of what "
        "belongs that is accepted",
        3.3,
        leaked=False,
    )
    panels = body.subplots(1, len(tissues), sharey=True, squeeze=False)[0]
    for axes, tissue in zip(panels, tissues, strict=True):
        own = table[(table["tissue"] == tissue) & (table["model"] == OWN)]
        for network, of_network in curves[curves["tissue"] == tissue].groupby(
            "network"
        ):
            _draw_curve(axes, of_network, str(network))
        _draw_asked(axes, own)
        axes.set(xlim=(-0.03, 1), ylim=(0, MOST), xlabel="accepted of what belongs")
        cells = counted(int(own["cells"].iloc[0]), "cell")
        panel_title(axes, f"{tissue}, n = {cells}")
    panels[0].set_ylabel("wrong in a cell")
    body.legend(handles=_legend(), loc="outside lower center", ncols=4)
    return figure


def _draw_curve(axes: Axes, trainings: pd.DataFrame, network: str) -> None:
    """Draw the mean over trainings, and the mean of their intervals."""
    colour, line = _COLOURS[network], _LINES[network]
    mean = trainings.groupby("coverage")[["risk", "low", "high"]].mean()
    axes.plot(mean.index, mean["risk"], color=colour, linestyle=line)
    if network == "adapted":
        axes.fill_between(
            mean.index, mean["low"], mean["high"], color=colour, alpha=0.15, linewidth=0
        )


def _draw_asked(axes: Axes, own: pd.DataFrame) -> None:
    """Draw each share that is asked for, and what thresholds for it achieved."""
    for asked in ASKED:
        axes.axhline(asked / 100, color=INK, linewidth=0.8, linestyle=":")
        achieved = own[f"wrong_cells_{asked}"].fillna(asked / 100)
        axes.plot(
            own[f"coverage_{asked}"], achieved, "x", color=INK, ms=5, clip_on=False
        )


def _legend() -> list[Line2D]:
    names = {"adapted": "adapted", "given": "as it is"}
    lines = [
        Line2D([], [], color=_COLOURS[one], linestyle=_LINES[one], label=name)
        for one, name in names.items()
    ]
    said = f"asked: {', '.join(map(str, ASKED))} %"
    asked = Line2D([], [], color=INK, linestyle=":", linewidth=0.8, label=said)
    cross = Line2D([], [], color=INK, marker="x", linestyle="", label="achieved")
    return [*lines, asked, cross]
