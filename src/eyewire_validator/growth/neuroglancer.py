"""Grown cells as a state of Neuroglancer: beside the image, and over the truth."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from eyewire_validator.growth.block import Block
from eyewire_validator.volumes.neuroglancer import dimensions, middle_xyz

# In the order in which they are drawn: green is missed, red is wrong, and what is right
# is yellow.
COLOURS = {
    "truth": {"segmentDefaultColor": "#00ff00", "selectedAlpha": 0.6},
    "grown": {"segmentDefaultColor": "#ff0000", "selectedAlpha": 0.4},
}


def make_state(
    sources: dict[str, str],
    voxel_nm: Sequence[float] | None,
    point: Sequence[int],
    cells: Sequence[int],
) -> dict[str, Any]:
    """Return a state that shows the first of these cells; the others are a click away.

    Args:
        sources: URLs of ``image``, of ``grown`` and, where it is known, of ``truth``.
        voxel_nm: (z, y, x) of a voxel of these; none where nobody knows: 1 nm.
        point: voxel (z, y, x) in the middle.
        cells: ids; if there are none, all cells are shown.
    """
    segments = [f"{'!' if place else ''}{cell}" for place, cell in enumerate(cells)]
    shown: dict[str, dict[str, Any]] = {"image": {"type": "image"}}
    for name, colour in COLOURS.items():
        chosen = {"segments": segments, "tab": "segments", **colour} if cells else {}
        shown[name] = {"type": "segmentation", **chosen}
    layers = [
        {"name": name, "source": sources[name], **settings}
        for name, settings in shown.items()
        if name in sources
    ]
    return {
        "dimensions": dimensions(voxel_nm or (1, 1, 1)),
        "position": middle_xyz(point),
        "layers": layers,
        "selectedLayer": {"layer": "grown", "visible": True},
        "layout": "4panel",
    }


def point_in(grown: pd.DataFrame, cell: int, block: Block) -> tuple[int, ...]:
    """Return a coarse voxel (z, y, x) in the seed that a cell grew from.

    Args:
        grown: table in the schema `GROWN`.
        cell: its id.
        block: that it grew in.
    """
    first = grown[grown["cell"] == cell].sort_values("cube").iloc[0]
    coverage = block.store.coverage(first["volume"])
    row = np.flatnonzero(coverage.segments["segment"] == first["seed"][0])[0]
    corner = np.array(block.corners[first["volume"]]) // block.store.geometry.factor
    return tuple((corner + coverage.points[row]).tolist())
