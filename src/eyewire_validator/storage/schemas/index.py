"""The table of the index stage: one row per task."""

import pyarrow as pa

from eyewire_validator.storage.schemas.columns import IDS, bounds, column

# What is known of a task: its answer, or not yet.
LABELLED, OPEN = "labelled", "open"

TASK_INDEX = pa.schema(
    [
        column("task", pa.int64(), "task id"),
        column("cell", pa.int64(), "cell id"),
        column(
            "parent", pa.int64(), "task that spawned it; none for a root", nullable=True
        ),
        column("volume", pa.int64(), "segmentation volume id", nullable=True),
        column("depth", pa.int64(), "known ancestors; a root has 0"),
        column("seed", IDS, "seed segments, ascending"),
        column("aggregate", IDS, "segments of the answer, after the configured cut"),
        column("aggregate_weights", pa.list_(pa.float64()), "agreed fraction of each"),
        column("seed_voxels", pa.int64(), "coarse voxels of the seed"),
        column("aggregate_voxels", pa.int64(), "coarse voxels of the answer"),
        column("seedless_voxels", pa.int64(), "the same without the seed's"),
        column(
            "status", pa.int64(), "task status: 0 normal, 6 stashed, …", nullable=True
        ),
        column("weight", pa.float64(), "summed weight of the players", nullable=True),
        column("votes", pa.int64(), "completion votes", nullable=True),
        *bounds("of the volume", nullable=True),
        column("state", pa.string(), "labelled: an answer is known; or open"),
        column(
            "split",
            pa.string(),
            "train, validation or test; none if unused",
            nullable=True,
        ),
        column("excluded", pa.string(), "why it is not used", nullable=True),
    ]
)
