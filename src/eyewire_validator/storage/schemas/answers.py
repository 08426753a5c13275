"""The tables of answers: what is to be done with each segment, and with each task."""

import pyarrow as pa

from eyewire_validator.storage.schemas.columns import column

_SPLIT = column("split", pa.string(), "of the task; or open")
_VERDICT = column(
    "verdict",
    pa.string(),
    "answered (nobody has to look), ask a person, or not answered",
)
_WHY = column("why", pa.string(), "the reason of the verdict", nullable=True)

ANSWERS = pa.schema(
    [
        column("task", pa.int64(), "task id"),
        column("cell", pa.int64(), "cell id"),
        column("volume", pa.int64(), "segmentation volume id"),
        column("segment", pa.int64(), "a candidate, by its id in the volume"),
        column("seed", pa.uint64(), "own id of the first segment of the seed"),
        column("supervoxel", pa.uint64(), "own id of the candidate"),
        column("seeds", pa.string(), "own ids of the seed's segments"),
        *(column(axis, pa.int64(), f"{axis} of a voxel in it") for axis in "zyx"),
        *(
            column(f"{axis}_nm", pa.float64(), f"{axis} of it in nm", nullable=True)
            for axis in "zyx"
        ),
        column("voxels", pa.int64(), "its full-resolution voxels"),
        column("probability", pa.float32(), "that it belongs, as the model says"),
        column("calibrated", pa.float64(), "the same, corrected by the temperature"),
        column("decision", pa.string(), "accept, ask or reject"),
        column(
            "aggregate",
            pa.bool_(),
            "whether people chose it; none if the task is open",
            nullable=True,
        ),
        column(
            "vote_weight",
            pa.float32(),
            "agreed fraction of the players who did; none if the task is open",
            nullable=True,
        ),
        column(
            "alarm",
            pa.string(),
            "in what the volume is unlike all that the model learned from",
            nullable=True,
        ),
        _SPLIT,
        _VERDICT,
        _WHY,
        column("thresholds", pa.string(), "where thresholds and temperature are from"),
    ]
)

VERDICTS = pa.schema(
    [
        column("task", pa.int64(), "task id"),
        column("cell", pa.int64(), "cell id"),
        column("volume", pa.int64(), "segmentation volume id", nullable=True),
        column("seeds", pa.string(), "own ids of the seed's segments", nullable=True),
        _SPLIT,
        *(
            column(name, pa.int64(), f"segments {text}")
            for name, text in (
                ("candidates", "that could be chosen"),
                ("accept", "accepted unseen"),
                ("ask", "that a person is asked about"),
                ("reject", "rejected unseen"),
            )
        ),
        _VERDICT,
        _WHY,
    ]
)
