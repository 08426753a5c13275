"""The filters of the cell registry, row by row."""

import pytest

from eyewire_validator.acquire.registry import (
    RegistrySettings,
    read_registry,
    unreadable_lines,
)
from eyewire_validator.errors import RegistryError
from eyewire_validator.storage.schemas.registry import REGISTRY
from eyewire_validator.storage.tables import read_table, write_table

HEADER = "Cell ID,Name,Status,Size,Tags"
KEPT = "11,Ganglion,Completed,5,{}"


def settings(**changes):
    return RegistrySettings(
        **{
            "statuses": ["Completed"],
            "excluded_prefixes": ["SN-", "70083"],
            "min_size": 1,
            "excluded_tags": ["mystic"],
            "empty_tags": "keep",
            "in_progress": [],
        }
        | changes
    )


@pytest.fixture
def reasons(tmp_path):
    """Return a function from CSV lines to the reasons; ``kept`` where there is none."""

    def read(*lines, header=HEADER, **changes):
        path = tmp_path / "cells.csv"
        path.write_text("\n".join([header, *lines]))
        table = read_registry([path], settings(**changes))
        return table["reason"].fillna("kept").tolist()

    return read


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("12,Starburst,Completed,5,{}", "kept"),
        ("12,Starburst,NULL,5,{}", "status"),
        ("12,SN-3,Completed,5,{}", "name prefix"),
        ("12,sn-3,Completed,5,{}", "kept"),
        ("12,70083 b,Completed,5,{}", "name prefix"),
        ("12,,Completed,5,{}", "kept"),
        ("12,NA,Completed,5,{}", "kept"),
        ("12,Starburst,Completed,0,{}", "size"),
        ("12,Starburst,Completed,,{}", "size"),
        ("12,Starburst,Completed,-5,{}", "size"),
        ("12,Starburst,Completed,big,{}", "size cannot be read"),
        ('12,Starburst,Completed,"1,234,567",{}', "kept"),
        ("12,Starburst,Completed,1,234,567,{}", "more cells than columns"),
        ("12,Starburst, completed ,5,{}", "kept"),
        ("12, SN-3,Completed,5,{}", "name prefix"),
        ('12,Starburst,Completed,5,"["" mystic ""]"', "tags"),
        ('12,Starburst,Completed,5,"{""mystic"": 1}"', "tags"),
        ('12,Starburst,Completed,5,"[""a"", ""mystic""]"', "tags"),
        ('12,Starburst,Completed,5,"{""set"": {""of"": ""mystic""}}"', "tags"),
        ('12,Starburst,Completed,5,"{""mystical"": 1}"', "kept"),
        ('12,Starburst,Completed,5,"{""mystic"", cut short"', "tags"),
        ("12,Starburst,Completed,5,mystic", "kept"),
        ("12,Starburst,Completed,5,", "kept"),
        ("12,Starburst,Completed,5", "kept"),
        ("11,Ganglion,Completed,5,{}", "duplicate of an earlier row"),
        ("11.0,Ganglion,Completed,5,{}", "duplicate of an earlier row"),
        ("x12,Starburst,Completed,5,{}", "cell id cannot be read"),
        ("-12,Starburst,Completed,5,{}", "cell id cannot be read"),
        (",Starburst,Completed,5,{}", "cell id cannot be read"),
        ("9223372036854775808,Starburst,Completed,5,{}", "cell id cannot be read"),
        ("9223372036854775807,Starburst,Completed,5,{}", "kept"),
        ("76543.0,Starburst,Completed,5,{}", "kept"),
        ("7.65E+04,Starburst,Completed,5,{}", "cell id may be rounded"),
        (" 12\x1c,Starburst,Completed,5,{}", "kept"),
        ("x12,SN-3,NULL,0,{}", "status"),
    ],
)
def test_reasons(reasons, line, reason):
    assert reasons(KEPT, line) == ["kept", reason]


def test_empty_tags_are_rejected_only_on_demand(reasons):
    lines = (KEPT, "12,Starburst,Completed,5,")
    assert reasons(*lines, empty_tags="reject") == ["kept", "empty tags"]


def test_a_rejected_row_does_not_make_a_later_one_a_duplicate(reasons):
    assert reasons("11,Ganglion,NULL,5,{}", KEPT) == ["status", "kept"]


def test_every_row_of_every_file_is_in_the_table(tmp_path):
    (tmp_path / "a.csv").write_text(f"{HEADER}\n{KEPT}\nx,Odd,Completed,,\n")
    # With a byte order mark, another order and a further column.
    (tmp_path / "b.csv").write_text(
        "\ufeffTags,Size,Status,Name,Note,Cell ID\n{},6,Completed,Müller,n,12\n"
        "{},7,Completed,Again,n,11\n"
    )
    table = read_registry([tmp_path / "a.csv", tmp_path / "b.csv"], settings())
    write_table(tmp_path / "registry.parquet", table, REGISTRY)
    table = read_table(tmp_path / "registry.parquet", REGISTRY)
    assert table["cell"].tolist() == [11, -1, 12, 11]
    assert table["name"].tolist() == ["Ganglion", "Odd", "Müller", "Again"]
    assert table["size"].isna().tolist() == [False, True, False, False]
    assert table["kept"].tolist() == [True, False, True, False]
    assert table["source"].str.endswith(".csv").all()


def test_a_missing_column_is_named(reasons):
    with pytest.raises(RegistryError) as error:
        reasons("11,Completed", header="Cell ID,Status")
    message = str(error.value)
    assert "cells.csv: lacks the column Name, Size, Tags" in message
    assert "it has Cell ID, Status" in message
    assert "rename or add it" in message


def test_an_empty_file_has_no_columns(reasons):
    with pytest.raises(RegistryError, match="it has none"):
        reasons(header="")


def test_without_a_kept_row_the_reasons_are_counted(reasons):
    lines = ["1,A,NULL,5,{}", "2,B,NULL,5,{}", "3,SN-C,Completed,5,{}"]
    with pytest.raises(RegistryError, match="none of the 3 rows is kept") as error:
        reasons(*lines)
    assert "status: 2, name prefix: 1" in str(error.value)
    assert "under registry: in the config" in str(error.value)


def test_a_missing_or_unreadable_file_is_named(tmp_path):
    with pytest.raises(RegistryError, match=r"none\.csv.*registry\.csvs"):
        read_registry([tmp_path / "none.csv"], settings())


def test_what_cannot_be_read_is_told_with_its_place_and_value(tmp_path):
    path = tmp_path / "cells.csv"
    lines = [KEPT, "", "12,A,Completed,big,{}", "7E+04,B,Completed,5,{}"]
    path.write_text("\n".join([HEADER, *lines, "13,C,Completed,0,{}"]))
    registry = read_registry([path], settings())
    assert registry["line"].tolist() == [2, 4, 5, 6]
    assert registry["unread"].dropna().tolist() == ["big", "7E+04"]
    assert unreadable_lines(registry) == [
        f"{path}, line 4, Size: 'big': size cannot be read",
        f"{path}, line 5, Cell ID: '7E+04': cell id may be rounded",
    ]
    assert unreadable_lines(registry, at_most=1)[1:] == ["and 1 more"]


def test_without_a_kept_row_an_unreadable_value_is_shown(reasons):
    with pytest.raises(RegistryError, match="such as 'big', line 2"):
        reasons("1,A,Completed,big,{}")


def test_cells_in_progress_are_kept_and_marked(tmp_path):
    path = tmp_path / "cells.csv"
    path.write_text("\n".join([HEADER, KEPT, "12,Growing,,5,{}", "13,SN-9,,5,{}"]))
    table = read_registry([path], settings(in_progress=[""]))
    assert table.loc[table["kept"], "cell"].tolist() == [11, 12]
    assert table.set_index("cell")["in_progress"].to_dict() == {
        11: False,
        12: True,
        13: True,
    }
