"""Every table of the workflow: its columns, their types, units and meaning.

A table is checked against its schema whenever it is written and whenever it is read,
so a column means the same wherever it turns up. Ids are int64; segment ids are local
to their volume; positions are voxels of the full-resolution data.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from eyewire_validator.errors import TableError
from eyewire_validator.files import atomic_path

# How tables are written: the rows that are compressed together, and by what.
ROW_GROUP = 2**20
COMPRESSION = "zstd"

IDS = pa.list_(pa.int64())
# Columns of the lowest voxel of a box, and of the voxel after its last.
MINIMA, MAXIMA = ([f"{side}_{axis}" for axis in "zyx"] for side in ("min", "max"))
# Without it, ids beside a gap would turn into floats.
_NULLABLE = {pa.int64(): pd.Int64Dtype()}


def _column(
    name: str, dtype: pa.DataType, meaning: str, *, nullable: bool = False
) -> pa.Field:
    return pa.field(name, dtype, nullable, {"meaning": meaning})


def _bounds(where: str, *, nullable: bool = False) -> list[pa.Field]:
    return [
        _column(f"{side}_{axis}", pa.int64(), f"{text} {where}", nullable=nullable)
        for side, text in (("min", "lowest voxel"), ("max", "voxel after the last"))
        for axis in "zyx"
    ]


# What of a task is counted in full-resolution voxels, besides its answer.
_FULL_COUNTS = [
    _column("seed_full_voxels", pa.int64(), "full-resolution voxels of the seed"),
    _column(
        "dust_truth_segments", pa.int64(), "segments of the aggregate that are dust"
    ),
    _column("dust_truth_full_voxels", pa.int64(), "their full-resolution voxels"),
]

REGISTRY = pa.schema(
    [
        _column("cell", pa.int64(), "cell id; -1 where the CSV's is not a number"),
        _column("name", pa.string(), "cell name; empty where the CSV has none"),
        _column("status", pa.string(), "registry status, such as Completed"),
        _column("size", pa.int64(), "size as the registry counts it", nullable=True),
        _column("tags", pa.string(), "tags as JSON text", nullable=True),
        _column("source", pa.string(), "the CSV file that the row came from"),
        _column("kept", pa.bool_(), "whether the workflow uses the cell"),
        _column("reason", pa.string(), "why it does not", nullable=True),
    ]
)

CELL_TASKS = pa.schema(
    [
        _column("task", pa.int64(), "task id"),
        _column("cell", pa.int64(), "cell id"),
        _column(
            "parent", pa.int64(), "task that spawned it; none for a root", nullable=True
        ),
        _column("volume", pa.int64(), "segmentation volume id", nullable=True),
        _column("channel", pa.int64(), "image volume id", nullable=True),
        _column("full_path", pa.string(), "URL of the volume's folder", nullable=True),
        _column("seed", IDS, "segments highlighted at the start, ascending"),
        _column("aggregate", IDS, "segments of the combined answer, ascending"),
        _column("aggregate_weights", pa.list_(pa.float64()), "agreed fraction of each"),
        _column(
            "status", pa.int64(), "task status: 0 normal, 6 stashed, …", nullable=True
        ),
        _column("weight", pa.float64(), "summed weight of the players", nullable=True),
        _column("votes", pa.int64(), "completion votes", nullable=True),
        _column("votes_max", pa.int64(), "completion votes needed", nullable=True),
        _column("children", IDS, "tasks that it spawned, as the aggregate tells"),
        *_bounds("of the volume", nullable=True),
        _column("problem", pa.string(), "why the replies give no task", nullable=True),
    ]
)

CATALOG = pa.schema(
    [
        _column("volume", pa.int64(), "segmentation volume id"),
        _column("channel", pa.int64(), "image volume id", nullable=True),
        _column("full_path", pa.string(), "URL of the volume's folder"),
        _column("tasks", pa.int64(), "tasks in the volume"),
        _column("group", pa.int64(), "unit in which volumes are fetched"),
        *_bounds("of the volume", nullable=True),
    ]
)

SEGMENTS_OF_VOLUME = pa.schema(
    [
        _column("segment", pa.int64(), "segment id, local to the volume"),
        _column("voxels", pa.int64(), "full-resolution voxels"),
        _column("coarse_voxels", pa.int64(), "coarse voxels that it won in the vote"),
        *_bounds("of the segment, counted in its volume"),
    ]
)

SEGMENT_GRAPH = pa.schema(
    [
        _column("one", pa.int64(), "segment id"),
        _column("other", pa.int64(), "segment id"),
        _column("affinity", pa.float32(), "how likely they are one object, 0 to 1"),
    ]
)

COVERAGE = pa.schema(
    [
        _column("segment", pa.int64(), "segment id, local to the volume"),
        _column(
            "coarse_voxel", pa.int32(), "C-order index of the coarse voxel (z, y, x)"
        ),
        _column("voxels", pa.int32(), "full-resolution voxels of the segment in it"),
    ]
)

TASK_INDEX = pa.schema(
    [
        _column("task", pa.int64(), "task id"),
        _column("cell", pa.int64(), "cell id"),
        _column(
            "parent", pa.int64(), "task that spawned it; none for a root", nullable=True
        ),
        _column("volume", pa.int64(), "segmentation volume id", nullable=True),
        _column("depth", pa.int64(), "known ancestors; a root has 0"),
        _column("seed", IDS, "seed segments, ascending"),
        _column("aggregate", IDS, "segments of the answer, after the configured cut"),
        _column("aggregate_weights", pa.list_(pa.float64()), "agreed fraction of each"),
        _column("seed_voxels", pa.int64(), "coarse voxels of the seed"),
        _column("aggregate_voxels", pa.int64(), "coarse voxels of the answer"),
        _column("seedless_voxels", pa.int64(), "the same without the seed's"),
        _column(
            "status", pa.int64(), "task status: 0 normal, 6 stashed, …", nullable=True
        ),
        _column("weight", pa.float64(), "summed weight of the players", nullable=True),
        _column("votes", pa.int64(), "completion votes", nullable=True),
        *_bounds("of the volume", nullable=True),
        _column(
            "split",
            pa.string(),
            "train, validation or test; none if unused",
            nullable=True,
        ),
        _column("excluded", pa.string(), "why it is in no split", nullable=True),
    ]
)

HISTORY = pa.schema(
    [
        _column("epoch", pa.int64(), "epoch, from 1"),
        _column("learning_rate", pa.float64(), "Adam's step size in the epoch"),
        _column("tasks", pa.int64(), "tasks drawn in the epoch"),
        _column("train_loss", pa.float64(), "mean loss over the epoch"),
        _column(
            "validation_loss", pa.float64(), "mean loss on validation", nullable=True
        ),
        _column(
            "validation_iou", pa.float64(), "pooled IoU without seed", nullable=True
        ),
    ]
)


def _counts(suffix: str, text: str) -> list[pa.Field]:
    return [
        _column(f"guess{suffix}", pa.int64(), f"coarse voxels answered{text}"),
        _column(f"truth{suffix}", pa.int64(), f"coarse voxels of the aggregate{text}"),
        _column(f"intersection{suffix}", pa.int64(), f"coarse voxels in both{text}"),
        _column(f"union{suffix}", pa.int64(), f"coarse voxels in either{text}"),
    ]


TASK_METRICS = pa.schema(
    [
        _column("task", pa.int64(), "task id"),
        _column("cell", pa.int64(), "cell id"),
        _column("volume", pa.int64(), "segmentation volume id"),
        *_counts("", ""),
        *_counts("_seedless", ", seed left out"),
        _column(
            "loss", pa.float64(), "mean over voxels; none without logits", nullable=True
        ),
        _column(
            "published_loss",
            pa.float64(),
            "the same with sigma for log sigma, as the published code reports it",
            nullable=True,
        ),
        _column("sigma_mean", pa.float64(), "mean sigma, logit units", nullable=True),
        _column("sigma_max", pa.float64(), "highest sigma, logit units", nullable=True),
        _column("image_mean", pa.float64(), "mean grey value of the volume, 0 to 255"),
        *_FULL_COUNTS,
    ]
)

SEGMENT_SCORES = pa.schema(
    [
        _column("task", pa.int64(), "task id"),
        _column("cell", pa.int64(), "cell id"),
        _column("volume", pa.int64(), "segmentation volume id"),
        _column("segment", pa.int64(), "a candidate: neither seed nor dust"),
        _column("voxels", pa.int64(), "its full-resolution voxels"),
        _column(
            "probability", pa.float32(), "that it belongs: mean over all its voxels"
        ),
        _column("sigma", pa.float32(), "mean sigma, logit units", nullable=True),
        _column(
            "variance",
            pa.float32(),
            "of the members' probabilities; none for a single member",
            nullable=True,
        ),
        _column(
            "mutual_information",
            pa.float32(),
            "between answer and member, in nats; none for a single member",
            nullable=True,
        ),
        _column("truth", pa.bool_(), "whether it is in the aggregate"),
        _column(
            "vote_weight",
            pa.float32(),
            "agreed fraction of the players, 0 outside the aggregate",
        ),
        _column(
            "neuron",
            pa.bool_(),
            "whether it really belongs, as only the sandbox knows",
            nullable=True,
        ),
    ]
)

# Scores that may tell a segment which is answered wrongly; see selective.py.
UNCERTAINTIES = ("probability", "entropy", "sigma", "variance", "mutual_information")
# How a task's candidates make one number of it.
AGGREGATES = ("sum", "max")

TASK_ANSWERS = pa.schema(
    [
        _column("task", pa.int64(), "task id"),
        _column("cell", pa.int64(), "cell id"),
        _column("volume", pa.int64(), "segmentation volume id"),
        _column("candidates", pa.int64(), "segments that could be chosen"),
        *(
            _column(f"{name}{unit}", pa.int64(), f"{what} {text}")
            for unit, what in (
                ("", "candidate segments"),
                ("_voxels", "full-resolution voxels"),
            )
            for name, text in (
                ("tp", "chosen rightly"),
                ("fp", "chosen wrongly: false merges"),
                ("fn", "missed"),
            )
        ),
        _column("edits", pa.int64(), "segments to add or to remove: fp + fn"),
        _column("maybe", pa.int64(), "segments between accept and reject"),
        _column("accepted_wrongly", pa.int64(), "accepted segments that do not belong"),
        _column("rejected_wrongly", pa.int64(), "rejected segments that belong"),
        *_FULL_COUNTS,
        _column("vi_split", pa.float64(), "bits of the answer unknown from the truth"),
        _column("vi_merge", pa.float64(), "bits of the truth unknown from the answer"),
        *(
            _column(
                f"{score}_{over}",
                pa.float64(),
                f"uncertainty by {score}, {over} over the candidates",
                nullable=True,
            )
            for score in UNCERTAINTIES
            for over in AGGREGATES
        ),
    ]
)


def write_table(
    path: Path,
    frame: pd.DataFrame,
    schema: pa.Schema,
    metadata: Mapping[str, str] | None = None,
    *,
    differences: Collection[str] = (),
) -> None:
    """Write ``frame`` as Parquet, whole or not at all.

    Args:
        path: the file.
        frame: its columns must be the schema's, in any order.
        schema: one of this module's.
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
    table = table.replace_schema_metadata(dict(metadata or {}))
    with atomic_path(path) as temporary:
        pq.write_table(
            table,
            temporary,
            ROW_GROUP,
            compression=COMPRESSION,
            **_encoding(schema, differences),
        )


def join_tables(paths: Sequence[Path], path: Path, schema: pa.Schema) -> None:
    """Write tables, one below the other, as `write_table` would have written all rows.

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


def read_table(path: Path, schema: pa.Schema) -> pd.DataFrame:
    """Read a Parquet table; nullable ids come as pandas' Int64, never as floats.

    Raises:
        TableError: the file is missing, unreadable, or does not match the schema.
    """
    return _to_frame(read_columns(path, schema, schema.names), schema)


def read_tables(
    paths: Iterable[Path], schema: pa.Schema, columns: Sequence[str]
) -> pd.DataFrame:
    """Read some columns of many tables, one table below the other.

    Lists stay in Arrow (`pandas.ArrowDtype`): millions of them, as an object each,
    would take ten times the memory.

    Raises:
        TableError: as `read_table` does.
    """
    table = pa.concat_tables(read_columns(path, schema, columns) for path in paths)
    frame = pd.DataFrame(index=pd.RangeIndex(len(table)))
    for name in columns:
        frame[name] = _to_series(table.column(name), schema.field(name))
        # One column at a time is there twice, not all of them.
        table = table.drop_columns(name)
    return frame


def _to_series(column: pa.ChunkedArray, field: pa.Field) -> "pd.Series[Any]":
    if pa.types.is_list(field.type):
        return pd.Series(column.combine_chunks(), dtype=pd.ArrowDtype(field.type))
    types_mapper = _NULLABLE.get if field.nullable else None
    series: pd.Series[Any] = column.to_pandas(types_mapper=types_mapper)
    return series


def read_columns(path: Path, schema: pa.Schema, columns: Sequence[str]) -> pa.Table:
    """Read some columns of a Parquet table, whose schema is checked in full.

    Returns:
        The columns in the order given, without metadata.

    Raises:
        TableError: the file is missing, unreadable, or does not match the schema.
    """
    try:
        # A third of the time of pyarrow's read_table, which looks for more files.
        with pq.ParquetFile(path) as file:
            found = file.schema_arrow
            _check_names(path, set(found.names), schema)
            table = file.read(list(columns))
    except (FileNotFoundError, pa.ArrowException) as error:
        raise TableError(f"{path}: cannot be read ({error}); rerun its rule") from None
    _check_types(path, found, schema)
    _check_gaps(path, table, schema)
    return table.select(list(columns)).replace_schema_metadata()


def read_metadata(path: Path) -> dict[str, str]:
    """Return what `write_table` was given as ``metadata``."""
    raw = pq.read_schema(path).metadata or {}
    return {
        key.decode(): value.decode()
        for key, value in raw.items()
        if not key.startswith((b"ARROW", b"pandas"))
    }


def make_frame(rows: Iterable[Mapping[str, Any]], schema: pa.Schema) -> pd.DataFrame:
    """Make a frame from rows, just as `read_table` would return it."""
    return _to_frame(pa.Table.from_pylist(list(rows), schema), schema)


def _to_frame(table: pa.Table, schema: pa.Schema) -> pd.DataFrame:
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
