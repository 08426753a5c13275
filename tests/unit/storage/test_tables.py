import itertools

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from eyewire_validator.errors import TableError
from eyewire_validator.storage import tables
from eyewire_validator.storage.tables import (
    join_tables,
    read_batches,
    read_metadata,
    read_table,
    write_columns,
    write_table,
)

SCHEMA = pa.schema(
    [pa.field("id", pa.int64(), nullable=False), pa.field("parent", pa.int64())]
)


def test_nullable_ids_stay_integers(tmp_path):
    big = 2**53 + 1
    frame = pd.DataFrame({"id": [1, 2], "parent": pd.array([big, None], "Int64")})
    write_table(tmp_path / "t.parquet", frame, SCHEMA, {"leaked": "true"})
    again = read_table(tmp_path / "t.parquet", SCHEMA)
    assert again["parent"].tolist() == [big, pd.NA]
    assert read_metadata(tmp_path / "t.parquet") == {"leaked": "true"}


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"id": [1]}, "lacks the columns parent"),
        ({"id": [1], "parent": [1], "more": [1]}, "unknown columns more"),
        ({"id": ["x"], "parent": [1]}, "column id with type"),
        ({"id": pd.array([None], "Int64"), "parent": [1]}, "id: .*1 null values"),
    ],
)
def test_a_table_that_breaks_its_schema_is_not_written(tmp_path, columns, message):
    with pytest.raises(TableError, match=message):
        write_table(tmp_path / "t.parquet", pd.DataFrame(columns), SCHEMA)
    assert not list(tmp_path.iterdir())


def test_a_table_of_another_type_is_not_read(tmp_path):
    pd.DataFrame({"id": [1.5], "parent": [1]}).to_parquet(tmp_path / "t.parquet")
    with pytest.raises(TableError, match="column id is double, expected int64"):
        read_table(tmp_path / "t.parquet", SCHEMA)


def test_a_file_that_is_no_table_is_refused(tmp_path):
    (tmp_path / "t.parquet").write_text("half a file")
    with pytest.raises(TableError, match="cannot be read"):
        read_table(tmp_path / "t.parquet", SCHEMA)


def test_columns_kept_as_differences_come_back(tmp_path):
    frame = pd.DataFrame({"id": [7, -3, 2**62], "parent": [5, 5, 5]})
    write_table(tmp_path / "t.parquet", frame, SCHEMA, differences=["id"])
    again = read_table(tmp_path / "t.parquet", SCHEMA)
    assert again["id"].tolist() == frame["id"].tolist()
    column = pq.ParquetFile(tmp_path / "t.parquet").metadata.row_group(0).column(0)
    assert "DELTA_BINARY_PACKED" in column.encodings


COLUMNS = {"parent": np.array([5, 7], np.int16), "id": np.array([2**62, -3])}


def test_arrays_are_written_as_a_frame_of_them_is(tmp_path):
    frame = pd.DataFrame(COLUMNS)
    write_table(tmp_path / "f.parquet", frame, SCHEMA, differences=["id"])
    write_columns(tmp_path / "c.parquet", COLUMNS, SCHEMA, differences=["id"])
    found, expected = (tmp_path / f"{name}.parquet" for name in "cf")
    assert found.read_bytes() == expected.read_bytes()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"more": np.ones(2)}, "unknown columns more"),
        ({"id": np.array([0.5, 1])}, "0.5.* was truncated"),
        ({"id": np.array([2**64 - 1, 0], np.uint64)}, "18446744073709551615"),
    ],
)
def test_arrays_that_break_a_schema_are_not_written(tmp_path, change, message):
    with pytest.raises(TableError, match=message):
        write_columns(tmp_path / "t.parquet", COLUMNS | change, SCHEMA)
    assert not list(tmp_path.iterdir())


def test_reading_in_batches_holds_no_more_of_a_longer_table(tmp_path, monkeypatch):
    rows, groups = 2**14, 20
    monkeypatch.setattr(tables, "ROW_GROUP", rows)
    monkeypatch.setattr(tables, "BATCH", rows)
    ids = np.random.default_rng(0).integers(2**62, size=rows * groups)
    write_columns(tmp_path / "t.parquet", {"id": ids, "parent": ids}, SCHEMA)
    before = pa.total_allocated_bytes()
    held = [
        pa.total_allocated_bytes() - before
        for _ in read_batches(tmp_path / "t.parquet", SCHEMA, ["id"])
    ]
    assert len(held) == groups
    assert max(held) < 2 * held[0]


@pytest.mark.parametrize("cuts", [[], [0], [4, 4, 11], [7, 14]])
@pytest.mark.parametrize("rows", [0, 7, 14, 20])
def test_joined_tables_have_the_bytes_of_the_whole(tmp_path, monkeypatch, cuts, rows):
    monkeypatch.setattr(tables, "ROW_GROUP", 7)
    parents = pd.array([None, *range(rows)][:rows], "Int64")
    whole = pd.DataFrame({"id": range(rows), "parent": parents})
    metadata = {"leaked": "true"}
    write_table(tmp_path / "whole.parquet", whole, SCHEMA, metadata)
    parts = []
    for start, stop in itertools.pairwise([0, *cuts, rows]):
        parts.append(tmp_path / f"{len(parts)}.parquet")
        write_table(parts[-1], whole[start:stop], SCHEMA, metadata)
    join_tables(parts, tmp_path / "joined.parquet", SCHEMA)
    joined, expected = (tmp_path / f"{n}.parquet" for n in ("joined", "whole"))
    assert joined.read_bytes() == expected.read_bytes()


@pytest.mark.parametrize("rows", [0, 1, 7, 10])
def test_batches_are_the_table(tmp_path, monkeypatch, rows):
    monkeypatch.setattr(tables, "BATCH", 3)
    frame = pd.DataFrame(
        {"id": range(rows), "parent": pd.array([None] * rows, "Int64")}
    )
    write_table(tmp_path / "t.parquet", frame, SCHEMA)
    batches = list(read_batches(tmp_path / "t.parquet", SCHEMA, ["parent", "id"]))
    assert max(map(len, batches)) <= 3
    whole = pd.concat(batches, ignore_index=True)
    expected = read_table(tmp_path / "t.parquet", SCHEMA)[["parent", "id"]]
    pd.testing.assert_frame_equal(whole, expected, check_column_type=False)
