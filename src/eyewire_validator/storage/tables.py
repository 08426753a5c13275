"""Read and write tables as Parquet, checked against their schema both ways; write CSV.

The schemas are in `storage.schemas`: a column means the same wherever it turns up.
pandas takes 50 MB, and is imported by the functions that need it: a job that only
writes columns does without.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from eyewire_validator.errors import TableError
from eyewire_validator.storage.files import atomic_path, write_text

if TYPE_CHECKING:
    import pandas as pd

# Rows that are compressed together, and the compression.
ROW_GROUP = 2**20
COMPRESSION = "zstd"
# Rows of a table that is read in batches.
BATCH = 2**18


def write_table(
    path: Path,
    frame: "pd.DataFrame",
    schema: pa.Schema,
    metadata: Mapping[str, str] | None = None,
    *,
    differences: Collection[str] = (),
) -> None:
    """Write ``frame`` as Parquet, whole or not at all.

    Args:
        path: the file.
        frame: its columns must be the schema's, in any order.
        schema: of `storage.schemas`.
        metadata: kept in the file, for example ``{"leaked": "true"}``.
        differences: integer columns to keep as differences from row to row; where most
            rows differ, a dictionary of the values, as usual, is slow and large.

    Raises:
        TableError: a column is missing, unknown, of another type, or has gaps.
    """
    _check_names(path, set(frame.columns), schema)
    try:
        table = pa.Table.from_pandas(frame[schema.names], schema, preserve_index=False)
    except (pa.ArrowException, ValueError) as error:
        reason = " ".join(map(str, error.args))
        raise TableError(f"{path}: {reason}") from None
    _write(path, table, metadata or {}, differences)


def write_columns(
    path: Path,
    columns: Mapping[str, NDArray[Any]],
    schema: pa.Schema,
    *,
    differences: Collection[str] = (),
) -> None:
    """Write arrays of numbers without gaps, as `write_table` would a frame of them.

    Args:
        path: the file.
        columns: its names must be the schema's, in any order.
        schema: of `storage.schemas`.
        differences: as of `write_table`.

    Raises:
        TableError: a column is missing or unknown, or a value does not fit its type.
    """
    _check_names(path, set(columns), schema)
    try:
        arrays = [_to_arrow(columns[field.name], field.type) for field in schema]
    except pa.ArrowException as error:
        raise TableError(f"{path}: {error}") from None
    _write(path, pa.Table.from_arrays(arrays, schema=schema), {}, differences)


def _to_arrow(values: NDArray[Any], dtype: pa.DataType) -> pa.Array:
    """Convert an array; `pyarrow.array` would do so, and import pandas."""
    buffer = pa.py_buffer(np.ascontiguousarray(values))
    plain = pa.from_numpy_dtype(values.dtype)
    return pa.Array.from_buffers(plain, len(values), [None, buffer]).cast(dtype)


def _write(
    path: Path,
    table: pa.Table,
    metadata: Mapping[str, str],
    differences: Collection[str],
) -> None:
    with atomic_path(path) as temporary:
        pq.write_table(
            table.replace_schema_metadata(dict(metadata)),
            temporary,
            ROW_GROUP,
            compression=COMPRESSION,
            **_encoding(table.schema, differences),
        )


def write_csv(path: Path, frame: "pd.DataFrame", *, exact: bool = False) -> None:
    """Write ``frame`` as CSV, without its index; undefined values are empty.

    Args:
        path: the file.
        frame: what people, or other programs, read.
        exact: numbers with all their digits, not with six after the point.
    """
    digits = None if exact else "%.6f"
    text = frame.to_csv(index=False, float_format=digits, lineterminator="\n")
    write_text(path, [text])


def join_tables(paths: Sequence[Path], path: Path, schema: pa.Schema) -> None:
    """Concatenate tables into one file, as `write_table` would have written it.

    One of them is in memory at a time.

    Args:
        paths: of tables with the same metadata; at least one.
        path: the file to write.
        schema: of all of them.

    Raises:
        TableError: one of them is missing, unreadable, or does not match the schema.
    """
    schema = schema.with_metadata(read_metadata(paths[0]))
    with (
        atomic_path(path) as temporary,
        pq.ParquetWriter(temporary, schema, compression=COMPRESSION) as writer,
    ):
        rows = schema.empty_table()
        for part in paths:
            found = read_columns(part, schema, schema.names)
            rows = pa.concat_tables([rows, found.cast(schema)])
            while len(rows) > ROW_GROUP:
                writer.write_table(rows[:ROW_GROUP].combine_chunks(), ROW_GROUP)
                rows = rows[ROW_GROUP:]
        writer.write_table(rows.combine_chunks(), ROW_GROUP)


def _encoding(schema: pa.Schema, differences: Collection[str]) -> dict[str, Any]:
    if not differences:
        return {}
    return {
        "use_dictionary": [name for name in schema.names if name not in differences],
        "column_encoding": dict.fromkeys(differences, "DELTA_BINARY_PACKED"),
    }


def read_table(path: Path, schema: pa.Schema) -> "pd.DataFrame":
    """Read a Parquet table; nullable ids come as pandas' Int64, never as floats.

    Raises:
        TableError: the file is missing, unreadable, or does not match the schema.
    """
    return _to_frame(read_columns(path, schema, schema.names), schema)


def read_tables(
    paths: Iterable[Path], schema: pa.Schema, columns: Sequence[str]
) -> "pd.DataFrame":
    """Read some columns of many tables, one table below the other.

    Lists stay in Arrow (`pandas.ArrowDtype`): millions of them, as an object each,
    would take ten times the memory.

    Raises:
        TableError: as `read_table` does.
    """
    import pandas as pd

    table = pa.concat_tables(read_columns(path, schema, columns) for path in paths)
    frame = pd.DataFrame(index=pd.RangeIndex(len(table)))
    for name in columns:
        frame[name] = _to_series(table.column(name), schema.field(name))
        # One column at a time is there twice, not all of them.
        table = table.drop_columns(name)
    return frame


def _to_series(column: pa.ChunkedArray, field: pa.Field) -> "pd.Series[Any]":
    import pandas as pd

    if pa.types.is_list(field.type):
        return pd.Series(column.combine_chunks(), dtype=pd.ArrowDtype(field.type))
    # Without it, ids beside a gap would turn into floats.
    nullable = {pa.int64(): pd.Int64Dtype()} if field.nullable else {}
    series: pd.Series[Any] = column.to_pandas(types_mapper=nullable.get)
    return series


def read_batches(
    path: Path, schema: pa.Schema, columns: Sequence[str]
) -> "Iterator[pd.DataFrame]":
    """Read some columns of a Parquet table, `BATCH` rows at a time, at least one time.

    Raises:
        TableError: as `read_table` does.
    """
    some = pa.schema([schema.field(name) for name in columns])
    with _opened(path, schema) as file:
        batches = file.iter_batches(BATCH, columns=list(columns))
        for table in map(pa.Table.from_batches, ([batch] for batch in batches)):
            _check_gaps(path, table, schema)
            yield _to_frame(table, schema)
        if not file.metadata.num_rows:
            yield _to_frame(some.empty_table(), schema)


def read_columns(path: Path, schema: pa.Schema, columns: Sequence[str]) -> pa.Table:
    """Read some columns of a Parquet table, whose schema is checked in full.

    Returns:
        The columns in the order given, without metadata.

    Raises:
        TableError: the file is missing, unreadable, or does not match the schema.
    """
    with _opened(path, schema) as file:
        table = file.read(list(columns))
    _check_gaps(path, table, schema)
    return table.select(list(columns)).replace_schema_metadata()


@contextmanager
def _opened(path: Path, schema: pa.Schema) -> Iterator[pq.ParquetFile]:
    """Open a table whose columns are the schema's."""
    try:
        # A third of the time of pyarrow's read_table, which looks for more files.
        # Buffers that are filled ahead stay until the last batch is read.
        with pq.ParquetFile(path, pre_buffer=False) as file:
            found = file.schema_arrow
            _check_names(path, set(found.names), schema)
            _check_types(path, found, schema)
            yield file
    except (FileNotFoundError, pa.ArrowException) as error:
        raise TableError(f"{path}: cannot be read ({error}); rerun its rule") from None


def read_metadata(path: Path) -> dict[str, str]:
    """Read the ``metadata`` that `write_table` was given."""
    raw = pq.read_schema(path).metadata or {}
    return {
        key.decode(): value.decode()
        for key, value in raw.items()
        if not key.startswith((b"ARROW", b"pandas"))
    }


def make_frame(rows: Iterable[Mapping[str, Any]], schema: pa.Schema) -> "pd.DataFrame":
    """Make a frame from rows, just as `read_table` would return it."""
    return _to_frame(pa.Table.from_pylist(list(rows), schema), schema)


def _to_frame(table: pa.Table, schema: pa.Schema) -> "pd.DataFrame":
    frame: pd.DataFrame = table.to_pandas(ignore_metadata=True)
    for name in table.column_names:
        field = schema.field(name)
        if field.nullable and pa.types.is_integer(field.type):
            frame[name] = _to_series(table.column(name), field)
    return frame


def _check_names(path: Path, found: set[str], schema: pa.Schema) -> None:
    expected = set(schema.names)
    if missing := sorted(expected - found):
        raise TableError(f"{path}: lacks the columns {', '.join(missing)}")
    if unknown := sorted(found - expected):
        raise TableError(f"{path}: has unknown columns {', '.join(unknown)}")


def _check_types(path: Path, found: pa.Schema, schema: pa.Schema) -> None:
    for field in schema:
        if (dtype := found.field(field.name).type) != field.type:
            raise TableError(
                f"{path}: column {field.name} is {dtype}, expected {field.type}; "
                "made by another version? delete it and rerun"
            )


def _check_gaps(path: Path, table: pa.Table, schema: pa.Schema) -> None:
    for name in table.column_names:
        gaps = table.column(name).null_count
        if gaps and not schema.field(name).nullable:
            raise TableError(f"{path}: column {name} has {gaps} empty values")
