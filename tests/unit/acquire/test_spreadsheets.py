"""Tables as spreadsheets save them."""

import logging

import pytest

from eyewire_validator.acquire.spreadsheets import read_rows
from eyewire_validator.errors import RegistryError

COLUMNS = ("Cell ID", "Name")
PLAIN = "Cell ID;Name;Note\n11;M\u00fcller;a, b\n"


@pytest.fixture
def rows(tmp_path):
    """Return a function from the bytes of a file to its rows."""

    def read(data):
        path = tmp_path / "cells.csv"
        path.write_bytes(data)
        return [(line, *cells.values()) for line, cells, _ in read_rows(path, COLUMNS)]

    return read


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"]
)
def test_every_usual_encoding_is_read(rows, encoding):
    assert rows(PLAIN.encode(encoding)) == [(2, "11", "M\u00fcller")]


def test_a_guessed_encoding_is_in_the_log(rows, caplog):
    caplog.set_level(logging.INFO, "eyewire_validator")
    rows(PLAIN.encode("cp1252"))
    assert "cells.csv: is not UTF-8, and read as Windows-1252" in caplog.text


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("Cell ID,Name\n11,A\n", 2),
        ("Cell ID\tName\r\n11\tA\r\n", 2),
        ("Cell ID|Name\r11|A\r", 2),
        ("sep=;\r\nCell ID;Name\r\n11;A\r\n", 3),
        ('"sep=,"\nCell ID,Name\n11,A\n', 3),
        ("sep=\t\nCell ID\tName\n11\tA\n", 3),
        ("\n\nCell ID,Name\n\n,,\n11,A\n\n", 6),
        (" cell id , NAME\n11,A\n", 2),
        ("CELL\u00a0ID,name,x;y;z\n11,A\n", 2),
        ('Cell ID,Name\n"=""11""", A \n', 2),
        ('Note,Cell ID,Name\n"two\nlines",11,A\n', 2),
    ],
)
def test_every_usual_form_is_read(rows, text, line):
    assert rows(text.encode()) == [(line, "11", "A")]


def test_cells_beyond_the_last_column_are_kept_apart(tmp_path):
    path = tmp_path / "cells.csv"
    path.write_text("Cell ID,Name\n11,A,,234,\n12,B,,\n")
    assert [row.surplus for row in read_rows(path, COLUMNS)] == ["234", ""]


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"PK\x03\x04\x14\0", "an Excel workbook"),
        (b"\xd0\xcf\x11\xe0\xa1", "an old Excel workbook"),
        (b"\n<!DOCTYPE html><html>", "a web page"),
        (b"\xef\xbb\xbf<table>", "a web page"),
        (b"\x1f\x8b\x08", "compressed"),
    ],
)
def test_what_is_no_text_is_named(rows, data, what):
    with pytest.raises(RegistryError, match=f"cells.csv: is {what}.*save it as CSV"):
        rows(data)


def test_a_column_that_is_there_twice_is_refused(rows):
    with pytest.raises(RegistryError, match="has the column Name 2 times"):
        rows(b"Cell ID,Name,name\n11,A,B\n")


def test_what_is_in_no_known_encoding_is_refused(rows):
    with pytest.raises(RegistryError, match=r"cannot be read as CSV.*UTF-8"):
        rows(b"Cell ID,Name\n11,\x81\n")


def test_a_quote_that_swallows_the_rows_below_is_refused(rows):
    with pytest.raises(RegistryError, match="a quote of line 3 is not closed"):
        rows(b'Cell ID,Name\n11,A\n12,"B\n13,C\n')


def test_a_quote_within_a_cell_is_text(rows):
    assert rows(b'Cell ID,Name\n11,5" B\n12,C\n')[0] == (2, "11", '5" B')
