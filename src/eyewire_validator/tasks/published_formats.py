"""The two JSON files that the published validator reads, task_vol and task_data.

Only tasks that are in a split are listed, as the published code drops vanished seeds
and empty aggregates. The text comes in parts, made by Arrow: two million tasks are half
a gigabyte of it, and many times that as Python objects.
"""

from collections.abc import Iterable, Iterator

import pyarrow as pa
import pyarrow.compute as pc

# The columns of TASK_INDEX that they are made of.
COLUMNS = ["task", "volume", "seed", "parent", "aggregate", "split"]
ROWS_OF_A_PART = 2**16


def task_vol(index: pa.Table) -> Iterator[str]:
    """Yield the JSON text that maps each task to its volume, both as text.

    Args:
        index: at least `COLUMNS` of a table in the schema `TASK_INDEX`.
    """
    return _object(
        _joined('  "', _text(rows["task"]), '": "', _text(rows["volume"]), '"')
        for rows in _parts(index)
    )


def task_data(index: pa.Table) -> Iterator[str]:
    """Yield the JSON text that maps each task to its seed, parent and aggregate.

    Tasks are text; segment ids and parents are numbers, null for a root.

    Args:
        index: at least `COLUMNS` of a table in the schema `TASK_INDEX`.
    """
    return _object(
        _joined(
            *('  "', _text(rows["task"]), '": {\n    "seed": ', _arrays(rows["seed"])),
            *(',\n    "parent": ', pc.fill_null(_text(rows["parent"]), "null")),
            *(',\n    "aggregate": ', _arrays(rows["aggregate"]), "\n  }"),
        )
        for rows in _parts(index)
    )


def _parts(index: pa.Table) -> Iterator[pa.RecordBatch]:
    used = index.select(COLUMNS).filter(pc.is_valid(index["split"]))
    yield from used.to_batches(max_chunksize=ROWS_OF_A_PART)


def _object(parts: Iterable[pa.StringArray]) -> Iterator[str]:
    """Put the members of an object between braces, indented by two."""
    before = "{\n"
    for part in parts:
        yield before + ",\n".join(part.to_pylist())
        before = ",\n"
    yield "\n}\n"


def _arrays(ids: pa.ListArray) -> pa.StringArray:
    """Write each list as an indented array; none is empty, or the task is not used."""
    texts = pc.cast(ids, pa.list_(pa.string()))
    return _joined("[\n      ", pc.binary_join(texts, ",\n      "), "\n    ]")


def _text(values: pa.Array) -> pa.StringArray:
    return pc.cast(values, pa.string())


def _joined(*pieces: pa.Array | str) -> pa.StringArray:
    return pc.binary_join_element_wise(*pieces, "")
