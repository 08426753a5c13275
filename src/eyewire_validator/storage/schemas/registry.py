"""The table of the registry stage."""

import pyarrow as pa

from eyewire_validator.storage.schemas.columns import column

REGISTRY = pa.schema(
    [
        column("cell", pa.int64(), "cell id; -1 where the CSV's cannot be read"),
        column("name", pa.string(), "cell name; empty where the CSV has none"),
        column("status", pa.string(), "registry status, such as Completed"),
        column("size", pa.int64(), "size as the registry counts it", nullable=True),
        column("tags", pa.string(), "tags as JSON text", nullable=True),
        column("source", pa.string(), "the CSV file that the row came from"),
        column("line", pa.int64(), "the line of that file, from 1"),
        column("kept", pa.bool_(), "whether the workflow uses the cell"),
        column("in_progress", pa.bool_(), "whether people still trace it"),
        column("reason", pa.string(), "why it does not", nullable=True),
        column("unread", pa.string(), "what could not be read", nullable=True),
    ]
)
