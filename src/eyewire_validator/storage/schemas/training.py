"""The table of the training stage: one row per epoch."""

import pyarrow as pa

from eyewire_validator.storage.schemas.columns import column

HISTORY = pa.schema(
    [
        column("epoch", pa.int64(), "epoch, from 1"),
        column("learning_rate", pa.float64(), "Adam's step size in the epoch"),
        column("tasks", pa.int64(), "tasks drawn in the epoch"),
        column("train_loss", pa.float64(), "mean loss over the epoch"),
        column(
            "validation_loss", pa.float64(), "mean loss on validation", nullable=True
        ),
        column(
            "validation_iou", pa.float64(), "pooled IoU without seed", nullable=True
        ),
    ]
)
