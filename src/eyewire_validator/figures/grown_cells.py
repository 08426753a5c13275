"""Grown cells as trees of cubes, coloured by confidence, with their stops."""

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from eyewire_validator.figures.style import (
    INK,
    MUTED,
    SECOND,
    Caption,
    Heading,
    canvas,
    panel_title,
    sentence,
    styled,
    whole_number_axis,
)
from eyewire_validator.growth.trees import lay_out
from eyewire_validator.storage.schemas.growth import STOPPED

CAPTION = Caption(
    "Cells grown from cube to cube, and where they stopped",
    "A dot is a cube, coloured by the probability that all on the path to it belongs. "
    "A square is a cube at which growth stopped at a segment, by its path's risk, the "
    "alarm or the budget. A cross is a false merge, where the truth is known.",
)
_COLOURS = mpl.colormaps["viridis"]


@styled
def draw_grown_cells(
    cells: dict[str, pd.DataFrame], details: str, heading: Heading
) -> Figure:
    """Draw the tree of cubes of each cell.

    Args:
        cells: by the title of a panel, rows of `GROWN` of one cell, and ``merger``,
            whether a cube made a false merge.
        details: what else the subtitle says.
        heading: of the model.
    """
    text = ", ".join(filter(None, [heading.title, heading.details, details]))
    figure, body = canvas(CAPTION.title, text, 4.4, leaked=heading.leaked)
    if not cells:
        sentence(body, "No cell was grown.")
        return figure
    panels = body.subplots(1, len(cells), squeeze=False)[0]
    for axes, (title, rows) in zip(panels, cells.items(), strict=True):
        _draw_tree(axes, rows.sort_values("cube", ignore_index=True))
        panel_title(axes, title)
    shades = ScalarMappable(Normalize(0, 1), _COLOURS)
    label = "probability that the path is right"
    body.colorbar(shades, ax=list(panels), shrink=0.8, label=label)
    handles, labels = panels[0].get_legend_handles_labels()
    body.legend(handles, labels, loc="outside lower center", ncols=len(labels))
    return figure


def _draw_tree(axes: Axes, rows: pd.DataFrame) -> None:
    depth, height = lay_out(rows["parent"].to_numpy(np.int64, na_value=-1))
    for cube, parent in enumerate(rows["parent"]):
        if not pd.isna(parent):
            ends = [int(parent), cube]
            axes.plot(depth[ends], height[ends], color=MUTED, linewidth=0.8, zorder=1)
    shades = _COLOURS(1 - rows["risk"].to_numpy(float))
    stopped = (rows["outcome"] == STOPPED).to_numpy(bool)
    merger = rows["merger"].to_numpy(bool)
    for mask, marker, edge, label in (
        (~stopped, "o", "none", "went on, or ended"),
        (stopped, "s", INK, "stopped"),
    ):
        axes.scatter(
            depth[mask], height[mask], c=shades[mask], marker=marker, s=42,
            edgecolors=edge, zorder=2, label=label,
        )  # fmt: skip
    axes.scatter(
        depth[merger], height[merger], marker="x", s=75, color=SECOND, zorder=3,
        label="false merge",
    )  # fmt: skip
    axes.set(xlabel="cubes from the seed", yticks=[])
    axes.margins(y=0.1)
    whole_number_axis(axes.xaxis)
