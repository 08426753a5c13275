"""The columns of tables that take days to make again."""

import pyarrow as pa

from eyewire_validator import sandbox, volumes
from eyewire_validator.acquire import cells
from eyewire_validator.storage.hashes import settings_hash
from eyewire_validator.storage.schemas.cells import CELL_TASKS
from eyewire_validator.storage.schemas.volumes import (
    COVERAGE,
    SEGMENT_GRAPH,
    SEGMENTS_OF_VOLUME,
    SUPERVOXELS,
)

HINT = "other columns: raise FORMAT where it is, and write down here what holds then"


def columns_of(*schemas: pa.Schema) -> str:
    """Hash names and types of columns; their descriptions do not count."""
    return settings_hash(
        [[(c.name, str(c.type), c.nullable) for c in schema] for schema in schemas]
    )


def test_other_columns_of_cells_take_another_format():
    assert (cells.FORMAT, columns_of(CELL_TASKS)) == (1, "3e75fc69bc26"), HINT


def test_other_columns_of_volumes_take_another_format():
    columns = columns_of(COVERAGE, SEGMENT_GRAPH, SEGMENTS_OF_VOLUME)
    assert (volumes.FORMAT, columns) == (1, "bf36d6e26b3f"), HINT


def test_other_columns_of_a_sandbox_take_another_format():
    assert (sandbox.FORMAT, columns_of(SUPERVOXELS)) == (3, "abf5c375a1af"), HINT
