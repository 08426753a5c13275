"""Read the decisions that come back, and check that they are about these data."""

import json
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from eyewire_validator.errors import FileError
from eyewire_validator.growth.stops import is_stop
from eyewire_validator.review.saved_state import read_state
from eyewire_validator.storage.schemas.review import DECISIONS
from eyewire_validator.storage.tables import make_frame

# What a person may say. Nothing is settled but by the first three.
YES, NO, IRRELEVANT, UNSURE, LATER, FLAG = (
    *("yes", "no", "irrelevant"),
    *("unsure", "later", "flag"),
)
VERDICTS = (YES, NO, IRRELEVANT, UNSURE, LATER, FLAG)
# With the first number that is too large.
_NUMBERS = {
    **dict.fromkeys(("task", "cell", "segment", "active_ms"), 2**63),
    "supervoxel": 2**64,
}
_TEXTS = (
    *("item", "reason", "verdict", "reviewer", "time", "note", "seeds"),
    *("data", "checkpoint", "queue"),
)


class Refused(NamedTuple):
    """A line that is not taken, and why."""

    file: str
    line: int
    item: str | None
    why: str


class _RefusalError(ValueError):
    """The reason why a line is not taken."""


def read_decisions(
    files: Iterable[Path], data_of: Callable[[int], str | None]
) -> tuple[pd.DataFrame, list[Refused]]:
    """Read what the page exported, and refuse what is about other data.

    Args:
        files: JSON Lines, as the page exports them; or states that Neuroglancer
            saved, ``.json``, each named after its reviewer.
        data_of: returns the hash of a task's data, none if there is no such task; not
            asked about stops of growth, which may lie where growth has not come yet.

    Returns:
        The last verdict of each reviewer on each item, in the schema `DECISIONS`, in
        the order of items and reviewers; and all lines that are not taken.

    Raises:
        FileError: there is no such file, it is no text, or no such state.
    """
    taken, refused = [], []
    for file in files:
        for number, line in _lines_of(file):
            try:
                taken.append(_read(line, data_of))
            except _RefusalError as error:
                refused.append(Refused(file.name, number, *error.args))
    rows = make_frame(taken, DECISIONS).sort_values(
        ["item", "reviewer", "time"], kind="stable"
    )
    last = rows.drop_duplicates(["item", "reviewer"], keep="last")
    return last.reset_index(drop=True), refused


def _lines_of(file: Path) -> Iterator[tuple[int, str]]:
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise FileError(
            f"{file}: {error}; review.decisions names what the page exported"
        ) from None
    lines = text.split("\n") if file.suffix != ".json" else _lines_of_state(file, text)
    for number, line in enumerate(lines, start=1):
        if line.strip():
            yield number, line


def _lines_of_state(file: Path, text: str) -> list[str]:
    try:
        return [json.dumps(made) for made in read_state(text, file.stem)]
    except ValueError as error:
        raise FileError(f"{file}: {error}; save the whole state as it is") from None


def _read(line: str, data_of: Callable[[int], str | None]) -> dict[str, Any]:
    """Return the row of a line.

    Raises:
        _RefusalError: with its item, if it has one, and why.
    """
    try:
        found = json.loads(line)
        row = _row(found)
    except (ValueError, TypeError, KeyError, RecursionError, OverflowError) as error:
        reason = f"no decision of the page ({type(error).__name__}: {error})"
        raise _RefusalError(None, reason) from None
    if is_stop(row["task"]):  # growth compares the data when it comes there
        return row
    expected = data_of(row["task"])
    if expected is None:
        raise _RefusalError(row["item"], f"there is no task {row['task']} here")
    if row["data"] != expected:
        raise _RefusalError(
            row["item"],
            f"about other data ({row['data']}, here {expected}): another image, other "
            "segments or another seed",
        )
    return row


def _row(found: dict[str, Any]) -> dict[str, Any]:
    row: dict[str, Any] = {name: _number(found, name) for name in _NUMBERS}
    row |= {name: _text(found, name) for name in _TEXTS}
    row |= {name: _flag(found, name) for name in ("blind", "proposal")}
    row["probability"] = float(found["probability"])
    row["first"] = _first(found["history"])
    row |= _point(found)
    if row["verdict"] not in VERDICTS:
        raise ValueError(f"verdict is {row['verdict']!r}")
    if row["item"] != f"{row['task']}-{row['segment']}":
        raise ValueError(f"item {row['item']} is not of its task and segment")
    datetime.fromisoformat(row["time"])
    return row


def _number(found: dict[str, Any], name: str) -> int:
    number = int(found[name])
    if not 0 <= number < _NUMBERS[name]:
        raise ValueError(f"{name} is {number}")
    return number


def _point(found: dict[str, Any]) -> dict[str, float | None]:
    """Return the point in voxels, and in nm where that is known."""
    voxel = np.array(found["point"], np.int64)
    in_nm = np.array(found["point_nm"] or [np.nan] * 3, np.float64)
    return {
        **dict(zip("zyx", voxel.tolist(), strict=True)),
        **dict(zip(("z_nm", "y_nm", "x_nm"), in_nm.tolist(), strict=True)),
    }


def _text(found: dict[str, Any], name: str) -> str:
    if not isinstance(found[name], str):
        raise TypeError(f"{name} is no text")
    # Half of a pair of surrogates is no text either.
    return str(found[name]).encode().decode()


def _flag(found: dict[str, Any], name: str) -> bool:
    if not isinstance(found[name], bool):
        raise TypeError(f"{name} is neither true nor false")
    return bool(found[name])


def _first(history: list[dict[str, Any]]) -> str:
    """Return the first verdict, given before the proposal of a blind item was shown."""
    first = history[0]["verdict"]
    if first not in VERDICTS:
        raise ValueError(f"verdict is {first!r}")
    return str(first)
