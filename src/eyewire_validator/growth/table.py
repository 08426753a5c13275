"""Write grown cells as a table."""

from collections.abc import Mapping, Sequence

import pandas as pd

from eyewire_validator.growth.free_running import GrownCube
from eyewire_validator.storage.schemas.columns import MINIMA
from eyewire_validator.storage.schemas.growth import GROWN
from eyewire_validator.volumes.geometry import Corner


def grown_table(
    cubes: Sequence[GrownCube], corners: Mapping[int, Corner]
) -> pd.DataFrame:
    """Return a table in the schema `GROWN`, a row a cube.

    Args:
        cubes: of all cells.
        corners: lowest voxel (z, y, x) of each volume.
    """
    rows = [
        {
            "cell": cube.cell,
            "cube": cube.cube,
            "parent": cube.parent,
            "volume": cube.volume,
            **dict(zip(MINIMA, corners[cube.volume], strict=True)),
            "seed": cube.seed,
            "accepted": cube.accepted.segments,
            "probability": cube.accepted.probability,
            "withheld": cube.withheld.segments,
            "withheld_probability": cube.withheld.probability,
            "path_risk": cube.path_risk,
            "risk": cube.risk,
            "outcome": cube.outcome,
            "why": cube.why,
        }
        for cube in cubes
    ]
    table = pd.DataFrame(rows, columns=GROWN.names)
    return table.astype({"parent": "Int64"})
