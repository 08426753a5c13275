"""The page of grown cells: each as a tree of cubes, coloured by confidence."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from eyewire_validator.growth.shown import with_mergers
from eyewire_validator.growth.trees import lay_out
from eyewire_validator.growth.truth import Truth
from eyewire_validator.storage.pages import page_templates
from eyewire_validator.storage.schemas.growth import STOPPED

# Of viridis, from a path that is surely wrong to one that is surely right.
SHADES = ("#440154", "#414487", "#2a788e", "#22a884", "#7ad151", "#fde725")
# Pixels from cube to cube, and around all of them.
ACROSS, DOWN, MARGIN = 28, 18, 12


class Cube(NamedTuple):
    """A cube of a tree, as it is drawn.

    Attributes:
        x: pixels from the left.
        y: pixels from the top.
        parent: x and y of the cube that it was reached from; none: a seed.
        shade: colour of the probability that all on the path to it belongs.
        is_stop: whether growth stopped in it.
        is_merger: whether it is known to have made a false merge.
        title: what it is, and why it went on, ended or stopped.
    """

    x: float
    y: float
    parent: tuple[float, float] | None
    shade: str
    is_stop: bool
    is_merger: bool
    title: str


class GrownCell(NamedTuple):
    """A grown cell, as it is drawn.

    Attributes:
        cell: its id.
        width: of its tree, pixels.
        height: the same.
        cubes: in the order of growth.
    """

    cell: int
    width: float
    height: float
    cubes: list[Cube]


def render_cells(grown: pd.DataFrame, truth: Truth) -> Iterator[str]:
    """Yield the page piece by piece: no network, no scripts.

    Args:
        grown: table in the schema `GROWN`.
        truth: of the cells that are known, whose false merges are marked.
    """
    return (
        page_templates(__package__)
        .get_template("page.html")
        .generate(
            cells=(
                draw_cell(with_mergers(grown, cell, truth))
                for cell in sorted(grown["cell"].unique().tolist())
            ),
            cell_count=grown["cell"].nunique(),
            cube_count=len(grown),
            stop_count=int((grown["outcome"] == STOPPED).sum()),
            is_known=bool(grown["cell"].isin(list(truth)).any()),
            shades=SHADES,
        )
    )


def draw_cell(rows: pd.DataFrame) -> GrownCell:
    """Place the cubes of a cell, given its rows from `with_mergers`."""
    parents = rows["parent"].to_numpy(np.int64, na_value=-1)
    depth, height = lay_out(parents)
    x = (MARGIN + ACROSS * depth).tolist()
    y = (MARGIN + DOWN * (height.max() - height)).tolist()
    cubes = [
        Cube(
            x[cube],
            y[cube],
            None if parents[cube] < 0 else (x[parents[cube]], y[parents[cube]]),
            SHADES[round((1 - row.risk) * (len(SHADES) - 1))],
            row.outcome == STOPPED,
            bool(row.merger),
            _title(row),
        )
        for cube, row in enumerate(rows.itertuples())
    ]
    return GrownCell(int(rows["cell"].iloc[0]), max(x) + MARGIN, max(y) + MARGIN, cubes)


def _title(row: Any) -> str:
    return (
        f"Cube {row.cube}, volume {row.volume}: seed of {len(row.seed)}, "
        f"{len(row.accepted)} joined; the path is right with a probability of "
        f"{1 - row.risk:.3g}; {row.why}"
    )
