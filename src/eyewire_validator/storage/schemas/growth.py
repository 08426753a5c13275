"""The tables of growth: scored contacts, grown cubes, skeletons of the truth."""

import pyarrow as pa

from eyewire_validator.storage.schemas.columns import IDS, column

_PROBABILITIES = pa.list_(pa.float64())
_CELL = column("cell", pa.int64(), "cell id")
_VOLUME = column("volume", pa.int64(), "segmentation volume id")

CONTACT_SCORES = pa.schema(
    [
        _VOLUME,
        column("one", pa.int64(), "the lower of the two segments that touch"),
        column("other", pa.int64(), "the higher"),
        column("area", pa.float64(), "area that they share, in faces of a cube"),
        column(
            "evidence",
            pa.list_(pa.float32()),
            "log odds that both belong together, by each member of the model",
        ),
    ]
)

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
        column("outcome", pa.string(), "went on, ended or stopped"),
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
