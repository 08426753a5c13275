"""Filter the registry of cells, and keep the reasons.

The filters are those of the published validator; what it did by accident is a setting.
What cannot be read is not filtered: it has reasons of its own, with the value.
"""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from eyewire_validator.acquire.spreadsheets import TableRow, read_rows
from eyewire_validator.acquire.whole_numbers import Whole, decimal_marks, whole_number
from eyewire_validator.errors import RegistryError
from eyewire_validator.storage.schemas.registry import REGISTRY
from eyewire_validator.storage.tables import make_frame

COLUMNS = ("Cell ID", "Name", "Status", "Size", "Tags")

# The column of a value that could not be read, by the reason against its row.
UNREADABLE = {
    "size cannot be read": "Size",
    "cell id cannot be read": "Cell ID",
    "cell id may be rounded": "Cell ID",
    "more cells than columns": "beyond the last column",
}


@dataclass(frozen=True)
class RegistrySettings:
    """The filters of the section ``registry`` of the configuration."""

    statuses: Sequence[str]
    excluded_prefixes: Sequence[str]
    min_size: int
    excluded_tags: Sequence[str]
    empty_tags: Literal["keep", "reject"]
    in_progress: Sequence[str] = ()


@dataclass(frozen=True)
class _Row:
    """A row of a file, with its numbers; None where one cannot be read."""

    text: TableRow
    cell: Whole | None
    size: Whole | None

    @property
    def cell_id(self) -> int | None:
        usable = self.cell and self.cell.exact and self.cell.value >= 0
        return self.cell.value if self.cell and usable else None

    @property
    def unread(self) -> dict[str, str]:
        """The value of each column that could not be read, see `UNREADABLE`."""
        return {
            **self.text.cells,
            UNREADABLE["more cells than columns"]: self.text.surplus,
        }


def read_registry(csvs: Sequence[Path], settings: RegistrySettings) -> pd.DataFrame:
    """Read registry files and filter their rows.

    Args:
        csvs: the files, see `read_rows`; where a cell comes twice, its first usable row
            counts.
        settings: the filters.

    Returns:
        A row of `REGISTRY` for each row of the files, in their order.

    Raises:
        RegistryError: a file is unreadable or lacks a column, or no row of the files is
            kept.
    """
    kept: set[int] = set()
    rows = []
    for path in csvs:
        for row in _read_file(path):
            reason = _reason(row, settings, kept)
            if reason is None and row.cell_id is not None:
                kept.add(row.cell_id)
            rows.append(_table_row(row, path, reason, settings))
    if csvs and not kept:
        raise RegistryError(_nothing_kept(csvs, rows))
    return make_frame(rows, REGISTRY)


def unreadable_lines(registry: pd.DataFrame, at_most: int = 50) -> list[str]:
    """List the values of the registry that could not be read, a line each.

    Args:
        registry: `REGISTRY`.
        at_most: of more, the rest is counted.
    """
    rows = registry[registry["unread"].notna()]
    lines = [
        f"{row.source}, line {row.line}, {UNREADABLE[row.reason]}: {row.unread!r:.80}: "
        f"{row.reason}"
        for row in rows.head(at_most).itertuples()
    ]
    left = len(rows) - len(lines)
    return [*lines, f"and {left} more"] if left else lines


def _read_file(path: Path) -> list[_Row]:
    texts = list(read_rows(path, COLUMNS))
    numbers = {}
    for column in ("Cell ID", "Size"):
        values = [text.cells[column] for text in texts]
        marks = decimal_marks(values)
        numbers[column] = [whole_number(value, marks) for value in values]
    return list(map(_Row, texts, numbers["Cell ID"], numbers["Size"]))


def _reason(row: _Row, settings: RegistrySettings, kept: set[int]) -> str | None:
    """Return the first reason against a row."""
    cells, size = row.text.cells, row.size
    tags = cells["Tags"]
    statuses = [*settings.statuses, *settings.in_progress]
    rejections = {
        "status": not _is_among(cells["Status"], statuses),
        "name prefix": cells["Name"].startswith(tuple(settings.excluded_prefixes)),
        "more cells than columns": bool(row.text.surplus),
        "size cannot be read": bool(cells["Size"]) and size is None,
        "size": size is None or size.value < settings.min_size,
        "tags": any(_has_tag(tags, tag) for tag in settings.excluded_tags),
        "empty tags": not tags and settings.empty_tags == "reject",
        "duplicate of an earlier row": row.cell_id in kept,
        "cell id may be rounded": row.cell is not None and not row.cell.exact,
        "cell id cannot be read": row.cell_id is None,
    }
    return next((reason for reason, applies in rejections.items() if applies), None)


def _table_row(
    row: _Row, path: Path, reason: str | None, settings: RegistrySettings
) -> dict[str, Any]:
    cells = row.text.cells
    return {
        "cell": -1 if row.cell_id is None else row.cell_id,
        "name": cells["Name"],
        "status": cells["Status"],
        "size": row.size and row.size.value,
        "tags": cells["Tags"] or None,
        "source": str(path),
        "line": row.text.line,
        "kept": reason is None,
        "in_progress": _is_among(cells["Status"], settings.in_progress),
        "reason": reason,
        "unread": row.unread[UNREADABLE[reason]] if reason in UNREADABLE else None,
    }


def _is_among(status: str, statuses: Sequence[str]) -> bool:
    return status.casefold() in {one.strip().casefold() for one in statuses}


def _has_tag(text: str, tag: str) -> bool:
    """Look for a tag among the strings of JSON text.

    For text that is no JSON, or nested without end, the published rule holds: the tag,
    with its quotes, occurs.
    """
    try:
        return tag in map(str.strip, _strings(json.loads(text)))
    except (ValueError, RecursionError):
        return f'"{tag}"' in text


def _strings(value: Any) -> Iterator[str]:
    """Yield all keys and strings of a JSON value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | dict):
        for item in value:
            yield from _strings(item)
        if isinstance(value, dict):
            yield from _strings(list(value.values()))


def _nothing_kept(csvs: Sequence[Path], rows: Sequence[dict[str, Any]]) -> str:
    reasons = Counter(row["reason"] for row in rows)
    counts = ", ".join(f"{reason}: {n}" for reason, n in reasons.most_common())
    unread = next((row for row in rows if row["unread"] is not None), None)
    example = (
        f" (such as {unread['unread']!r:.80}, line {unread['line']})" if unread else ""
    )
    return (
        f"{', '.join(map(str, csvs))}: none of the {len(rows)} rows is kept "
        f"({counts or 'there are none'}){example}; change the filters under registry: "
        "in the config or the files"
    )
