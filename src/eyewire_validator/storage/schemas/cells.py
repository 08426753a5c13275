"""The tables of the task stage: the tasks of a cell, the catalog of their volumes."""

import pyarrow as pa

from eyewire_validator.storage.schemas.columns import IDS, bounds, column

CELL_TASKS = pa.schema(
    [
        column("task", pa.int64(), "task id"),
        column("cell", pa.int64(), "cell id"),
        column(
            "parent", pa.int64(), "task that spawned it; none for a root", nullable=True
        ),
        column("volume", pa.int64(), "segmentation volume id", nullable=True),
        column("channel", pa.int64(), "image volume id", nullable=True),
        column("full_path", pa.string(), "URL of the volume's folder", nullable=True),
        column("seed", IDS, "segments highlighted at the start, ascending"),
        column("aggregate", IDS, "segments of the combined answer, ascending"),
        column("aggregate_weights", pa.list_(pa.float64()), "agreed fraction of each"),
        column(
            "status", pa.int64(), "task status: 0 normal, 6 stashed, …", nullable=True
        ),
        column("weight", pa.float64(), "summed weight of the players", nullable=True),
        column("votes", pa.int64(), "completion votes", nullable=True),
        column("votes_max", pa.int64(), "completion votes needed", nullable=True),
        column("children", IDS, "tasks that it spawned, as the aggregate tells"),
        *bounds("of the volume", nullable=True),
        column("problem", pa.string(), "why the replies give no task", nullable=True),
    ]
)

CATALOG = pa.schema(
    [
        column("volume", pa.int64(), "segmentation volume id"),
        column("channel", pa.int64(), "image volume id", nullable=True),
        column("full_path", pa.string(), "URL of the volume's folder"),
        column("tasks", pa.int64(), "tasks in the volume"),
        column("group", pa.int64(), "unit in which volumes are fetched"),
        *bounds("of the volume", nullable=True),
    ]
)
