"""The honest table: what each model adds to the seed, with leaked models set apart.

Numbers are pooled over tasks. Those without the seed come first: with it, a model that
answers nothing but the seed looks good.
"""

import textwrap
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

LEAKED = "LEAKED"
LEAKED_HEADING = f"{LEAKED}: the input held the answer; an artefact, not a result"
UNDEFINED_NOTE = (
    "- is undefined (0/0): seed only, for example, answers nothing beyond the seed, so "
    "that there is nothing whose precision could be taken."
)
OVERLAPPING_NOTE = (
    "OVERLAPPING SPLIT (rule `published`): test images were trained on, so that every "
    "number here is too good."
)
SPREAD_NOTE = (
    "± is the standard deviation over trainings from different random seeds; the "
    "number above it is their mean."
)

# Column of the table, part of the summary, metric; the headline first.
VALUES = {
    "seedless_iou": ("seedless", "iou"),
    "seedless_precision": ("seedless", "precision"),
    "seedless_recall": ("seedless", "recall"),
    "iou": ("full", "iou"),
    "precision": ("full", "precision"),
    "recall": ("full", "recall"),
}
WIDTH = 100
_LABEL_WIDTH = 34


@dataclass(frozen=True)
class Entry:
    """One evaluation.

    Args:
        model: key of the model in the configuration.
        title: its title.
        leaked: whether its input held the answer.
        split: the tasks, such as ``test``.
        loops: times that the answer is fed back; None for a model that does not loop.
        replicate: which of the model's trainings.
        summary: what `metrics.summarize` made of it.
    """

    model: str
    title: str
    leaked: bool
    split: str
    loops: int | None
    replicate: int
    summary: Mapping[str, Any]


@dataclass(frozen=True)
class Row:
    """A row of the table as text.

    Args:
        title: the model's title, marked if leaked.
        loops: number of loops, or empty.
        n: number of tasks.
        values: one text a column of `VALUES`.
        spreads: the same for their spread; empty for a single replicate.
    """

    title: str
    loops: str
    n: str
    values: list[str]
    spreads: list[str]


@dataclass(frozen=True)
class Section:
    """Rows that may be compared: one split, leaked or not."""

    heading: str
    leaked: bool
    rows: list[Row]


def honest_table(entries: Iterable[Entry]) -> pd.DataFrame:
    """Gather evaluations, a row for each model, split and number of loops.

    Returns:
        ``model``, ``title`` (marked LEAKED where due), ``leaked``, ``split``,
        ``loops``, ``replicates``, ``n``, the pooled metrics named in `VALUES` (mean
        over replicates; NaN where one of them is undefined) and for each its
        ``_spread`` (standard deviation over replicates; NaN for a single one). Leaked
        rows come last; otherwise the order is that of ``entries``.
    """
    groups: dict[tuple[Any, ...], list[Entry]] = {}
    for entry in entries:
        key = (entry.leaked, entry.split, entry.model, entry.loops)
        groups.setdefault(key, []).append(entry)
    columns = ["model", "title", "leaked", "split", "loops", "replicates", "n"]
    columns += [*VALUES, *(f"{name}_spread" for name in VALUES)]
    table = pd.DataFrame(
        [_table_row(group) for group in groups.values()], None, columns
    )
    table["loops"] = table["loops"].astype("Int64")
    return table.sort_values("leaked", kind="stable", ignore_index=True)


def sections(table: pd.DataFrame) -> list[Section]:
    """Cut the honest table into what may be compared; leaked sections come last."""
    return [
        Section(
            heading=f"{LEAKED_HEADING} ({split})" if leaked else f"Results ({split})",
            leaked=bool(leaked),
            rows=[_text_row(row) for row in group.to_dict("records")],
        )
        for (leaked, split), group in table.groupby(["leaked", "split"], sort=False)
    ]


def footnotes(table: pd.DataFrame, *, split_rule: str) -> list[str]:
    """Return the notes that this table needs.

    Args:
        table: from `honest_table`.
        split_rule: ``blocks`` or ``published``.
    """
    notes = []
    if split_rule == "published":
        notes.append(OVERLAPPING_NOTE)
    if table[list(VALUES)].isna().any(axis=None):
        notes.append(UNDEFINED_NOTE)
    if (table["replicates"] > 1).any():
        notes.append(SPREAD_NOTE)
    return notes


def to_text(table: pd.DataFrame, *, split_rule: str) -> str:
    """Return the honest table for a terminal, at most 100 columns wide."""
    lines = [
        f"{'':50}{'beyond the seed':>24} {'with the seed':>24}",
        _line("pooled over tasks", "loops", "n", ["IoU", "prec.", "recall"] * 2),
    ]
    for section in sections(table):
        rule = "=" if section.leaked else "-"
        lines += [rule * WIDTH, section.heading]
        lines += [line for row in section.rows for line in _text_lines(row)]
    lines.append("-" * WIDTH)
    for note in footnotes(table, split_rule=split_rule):
        lines += textwrap.wrap(note, WIDTH, subsequent_indent="  ")
    return "\n".join(line.rstrip() for line in lines) + "\n"


def to_csv(table: pd.DataFrame) -> str:
    """Return the honest table as CSV; undefined values are empty."""
    text: str = table.to_csv(index=False, float_format="%.6f", lineterminator="\n")
    return text


def _table_row(group: list[Entry]) -> dict[str, Any]:
    first = group[0]
    values = pd.DataFrame(
        [
            {
                name: entry.summary[part]["pooled"][metric]
                for name, (part, metric) in VALUES.items()
            }
            for entry in group
        ],
        dtype="float64",
    )
    return {
        "model": first.model,
        "title": f"{LEAKED}: {first.title}" if first.leaked else first.title,
        "leaked": first.leaked,
        "split": first.split,
        "loops": first.loops,
        "replicates": len(group),
        "n": first.summary["n"],
        **values.mean(skipna=False),
        **values.std(skipna=False).add_suffix("_spread"),
    }


def _text_row(row: Mapping[Any, Any]) -> Row:
    spreads = [_number(row[f"{name}_spread"], "±{:.3f}") for name in VALUES]
    return Row(
        title=row["title"],
        loops="" if pd.isna(row["loops"]) else str(row["loops"]),
        n=f"{row['n']:,}",
        values=[_number(row[name], "{:.4f}") for name in VALUES],
        spreads=spreads if row["replicates"] > 1 else [],
    )


def _number(value: float, form: str) -> str:
    return "-" if pd.isna(value) else form.format(value)


def _text_lines(row: Row) -> Iterator[str]:
    first, *rest = textwrap.wrap(row.title, _LABEL_WIDTH - 2) or [""]
    yield _line(f"  {first}", row.loops, row.n, row.values)
    for line in rest:
        yield f"    {line}"
    if row.spreads:
        yield _line("", "", "", row.spreads)


def _line(label: str, loops: str, n: str, values: list[str]) -> str:
    left = f"{label:{_LABEL_WIDTH}}  {loops:>5}  {n:>7}"
    beyond, full = (
        "".join(f"{value:>8}" for value in half) for half in (values[:3], values[3:])
    )
    return f"{left}{beyond} {full}"
