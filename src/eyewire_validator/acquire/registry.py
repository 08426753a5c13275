"""Filter the registry of cells, and keep the reasons.

The filters are those of the published validator; what it did by accident is a setting.
"""

import csv
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from eyewire_validator.errors import RegistryError
from eyewire_validator.storage.schemas.registry import REGISTRY
from eyewire_validator.storage.tables import make_frame

COLUMNS = ("Cell ID", "Name", "Status", "Size", "Tags")

Row = Mapping[str, str]


@dataclass(frozen=True)
class RegistrySettings:
    """The filters of the section ``registry`` of the configuration."""

    statuses: Sequence[str]
    excluded_prefixes: Sequence[str]
    min_size: int
    excluded_tags: Sequence[str]
    empty_tags: Literal["keep", "reject"]


def read_registry(csvs: Sequence[Path], settings: RegistrySettings) -> pd.DataFrame:
    """Read registry files and filter their rows.

    Args:
        csvs: the files; where a cell comes twice, its first usable row counts.
        settings: the filters.

    Returns:
        A row of `REGISTRY` for each row of the files, in their order.

    Raises:
        RegistryError: a file is unreadable or lacks a column, or no row is kept.
    """
    kept: set[int] = set()
    rows = []
    for path in csvs:
        for row in _read_csv(path):
            cell = _whole(row["Cell ID"])
            reason = _reason(row, cell, settings, kept)
            if reason is None and cell is not None:
                kept.add(cell)
            rows.append(_table_row(row, cell, path, reason))
    if not kept:
        raise RegistryError(_nothing_kept(csvs, [row["reason"] for row in rows]))
    return make_frame(rows, REGISTRY)


def _read_csv(path: Path) -> Iterator[Row]:
    """Yield the rows as text, so that no value is guessed at; gaps are empty text."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file, restval="")
            found = reader.fieldnames or []
            if missing := [name for name in COLUMNS if name not in found]:
                raise RegistryError(
                    f"{path}: lacks the column {', '.join(missing)}; it has "
                    f"{', '.join(found) or 'none'}; rename or add it in the first line"
                )
            yield from reader
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise RegistryError(
            f"{path}: cannot be read as CSV in UTF-8 ({error}); check registry.csvs"
        ) from None


def _reason(
    row: Row, cell: int | None, settings: RegistrySettings, kept: set[int]
) -> str | None:
    """Return the first reason against a row."""
    size = _whole(row["Size"])
    tags = row["Tags"].strip()
    rejections = {
        "status": row["Status"] not in settings.statuses,
        "name prefix": row["Name"].startswith(tuple(settings.excluded_prefixes)),
        "size": size is None or size < settings.min_size,
        "tags": any(_has_tag(tags, tag) for tag in settings.excluded_tags),
        "empty tags": not tags and settings.empty_tags == "reject",
        "duplicate of an earlier row": cell in kept,
        "cell id is not a number": cell is None,
    }
    return next((reason for reason, applies in rejections.items() if applies), None)


def _table_row(
    row: Row, cell: int | None, path: Path, reason: str | None
) -> dict[str, Any]:
    return {
        "cell": -1 if cell is None else cell,
        "name": row["Name"],
        "status": row["Status"],
        "size": _whole(row["Size"]),
        "tags": row["Tags"].strip() or None,
        "source": str(path),
        "kept": reason is None,
        "reason": reason,
    }


def _has_tag(text: str, tag: str) -> bool:
    """Look for a tag among the strings of JSON text.

    For text that is no JSON, or nested without end, the published rule holds: the tag,
    with its quotes, occurs.
    """
    try:
        return tag in _strings(json.loads(text))
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


def _whole(text: str) -> int | None:
    digits = text.strip()
    return int(digits) if re.fullmatch(r"[0-9]{1,18}", digits) else None


def _nothing_kept(csvs: Sequence[Path], reasons: Sequence[str]) -> str:
    counts = ", ".join(f"{reason}: {n}" for reason, n in Counter(reasons).most_common())
    return (
        f"{', '.join(map(str, csvs))}: none of the {len(reasons)} rows is kept "
        f"({counts or 'there are none'}); change the filters under registry: in the "
        "config or the files"
    )
