"""The tables of growth: scored contacts, grown cubes, skeletons of the truth."""

import pyarrow as pa

from eyewire_validator.storage.schemas.columns import IDS, column
from eyewire_validator.storage.schemas.volumes import FINE_CONTACTS

# What becomes of a cube that is grown.
WENT_ON, ENDED, STOPPED = "went on", "ended", "stopped"
_PROBABILITIES = pa.list_(pa.float64())
_CELL = column("cell", pa.int64(), "cell id")
_VOLUME = column("volume", pa.int64(), "segmentation volume id")

# The contacts of several volumes.
CONTACT_SCORES = pa.schema([_VOLUME, *FINE_CONTACTS])

GROWN = pa.schema(
    [
        _CELL,
        column("cube", pa.int64(), "number within the cell, in the order of growth"),
        column(
            "parent", pa.int64(), "cube that it was reached from; none: a seed",
            nullable=True,
        ),
        _VOLUME,
        *(column(f"min_{a}", pa.int64(), f"lowest {a} of it, voxels") for a in "zyx"),
        column("seed", IDS, "segments that it began with, ascending"),
        column("accepted", IDS, "segments that were joined to these"),
        column("probability", _PROBABILITIES, "calibrated, of each of them"),
        column("withheld", IDS, "segments at which it stopped: for people"),
        column("withheld_probability", _PROBABILITIES, "calibrated, of each of them"),
        column(
            "path_risk",
            pa.float64(),
            "probability that anything on the path up to its seed is wrong",
        ),
        column("risk", pa.float64(), "the same with its weakest accepted segment"),
        column("outcome", pa.string(), f"{WENT_ON}, {ENDED} or {STOPPED}"),
        column("why", pa.string(), "why, in words"),
    ]
)  # fmt: skip

SKELETON_NODES = pa.schema(
    [
        _CELL,
        column("node", pa.int64(), "number within the cell"),
        *(column(a, pa.int64(), f"{a} of its voxel, full resolution") for a in "zyx"),
        column("towards", pa.int64(), "node that it hangs on; -1 for a root"),
        column("length", pa.float64(), "to that node, in nm, or voxels if unknown"),
    ]
)
