"""Read tables as text, as spreadsheets of every country save them."""

import csv
import io
import logging
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from eyewire_validator.errors import RegistryError

log = logging.getLogger(__name__)

DELIMITERS = ",;\t|"

# What files that are no text begin with.
NO_TEXT = {
    b"PK\x03\x04": "an Excel workbook (.xlsx) or another zip archive",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook (.xls)",
    b"\x1f\x8b": "compressed (gzip)",
    b"PAR1": "a Parquet file",
    b"%PDF": "a PDF",
    b"<": "a web page or XML",
    b"{\\rtf": "a text document (.rtf)",
}


class TableRow(NamedTuple):
    """A row of a table.

    Attributes:
        line: the line of the file that it begins in, from 1.
        cells: its text by the names of the columns asked for; gaps are empty.
        surplus: what it has beyond the columns of the first line, if it is any text.
    """

    line: int
    cells: Mapping[str, str]
    surplus: str


def read_rows(path: Path, columns: Sequence[str]) -> Iterator[TableRow]:
    r"""Yield the rows of a table of text that are not empty.

    Read are UTF-8 and UTF-16, and Windows-1252 for what is neither; cells apart by
    comma, semicolon, tab or ``|``, whichever finds most of the columns, or as a first
    line such as ``sep=;`` says. Names of columns may have other case and spaces.

    Args:
        path: the file.
        columns: names of the columns that it must have.

    Raises:
        RegistryError: the file is unreadable or no text, or lacks a column or has it
            twice.
    """
    try:
        text = _decode(path.read_bytes(), path)
        rows = _split(text, columns)
        header = next((cells for _, cells in rows), [])
        places = _places(header, columns, path)
        for line, cells in rows:
            found = [plain_text(cell) for cell in cells]
            found += [""] * (len(header) - len(found))
            named = {name: found[place] for name, place in places.items()}
            yield TableRow(line, named, " ".join(filter(None, found[len(header) :])))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise RegistryError(
            f"{path}: cannot be read as CSV ({error}); check registry.csvs, or save it "
            "as CSV in UTF-8"
        ) from None


def plain_text(cell: str) -> str:
    """Return what a cell shows: no spaces around it, and ``x`` for ``="x"``."""
    text = cell.strip().strip("\ufeff\u200b\u200e\u200f\u2060").strip()
    if text.startswith('="') and text.endswith('"') and len(text) > 2:
        return text[2:-1].strip()
    return text


def _decode(data: bytes, path: Path) -> str:
    start = data[:512].lstrip(b"\xef\xbb\xbf \t\r\n")
    if kind := next((NO_TEXT[sign] for sign in NO_TEXT if start.startswith(sign)), ""):
        raise RegistryError(
            f"{path}: is {kind}, expected a table as text; save it as CSV (UTF-8) in "
            "the program that it comes from"
        )
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16")
    if b"\0" in data[:2]:
        return data.decode("utf-16-be" if data[0] == 0 else "utf-16-le")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        log.info("%s: is not UTF-8, and read as Windows-1252", path)
        return data.decode("cp1252")


def _split(text: str, columns: Sequence[str]) -> Iterator[tuple[int, list[str]]]:
    """Yield the first line and the cells of each row that is not empty."""
    first, _, rest = text.partition("\n")
    said = first.strip().strip('"').casefold()
    if (said.startswith("sep=") and len(said) == 5) or said == "sep=":
        # A tab may have been stripped.
        return _rows(rest, said[4:] or "\t", after=1)
    wanted = set(map(_name, columns))

    def columns_found(delimiter: str) -> int:
        _, header = next(_rows(text, delimiter), (0, []))
        return len(wanted & set(map(_name, header)))

    return _rows(text, max(DELIMITERS, key=columns_found))


def _rows(text: str, delimiter: str, after: int = 0) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    line = last = after
    for cells in reader:
        if any(cell.strip() for cell in cells):
            yield line + 1, cells
        last, line = line, after + reader.line_num
    if line > last + 1 and text.count('"') % 2:
        raise csv.Error(f"a quote of line {last + 1} is not closed and holds the rest")


def _places(
    header: Sequence[str], columns: Sequence[str], path: Path
) -> dict[str, int]:
    """Return where each column is."""
    names = [_name(cell) for cell in header]
    if missing := [column for column in columns if _name(column) not in names]:
        raise RegistryError(
            f"{path}: lacks the column {', '.join(missing)}; it has "
            f"{', '.join(header) or 'none'}; rename or add it in the first line"
        )
    times = Counter(names)
    if twice := [column for column in columns if times[_name(column)] > 1]:
        raise RegistryError(
            f"{path}: has the column {twice[0]} {times[_name(twice[0])]} times, "
            "expected once; rename the others"
        )
    return {column: names.index(_name(column)) for column in columns}


def _name(cell: str) -> str:
    """Return the name of a column, as it is compared."""
    return " ".join(plain_text(cell).split()).casefold()
