"""The honest table for a terminal."""

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest
from typing import Any

import pandas as pd

from eyewire_validator.report.tissue_left_out import (
    LEFT_OUT_COLUMNS,
    LEFT_OUT_NOTE,
    headlines_left_out,
    sections_left_out,
)
from eyewire_validator.report.wording import (
    COARSE_COLUMNS,
    COLUMNS,
    Row,
    Section,
    alarms,
    footnotes,
    sections,
)

WIDTH = 100
# An interval, such as 12.3-15.6, and a blank.
_COLUMN_WIDTH = 10
# Of the first column: at least, and at most.
_LABEL_WIDTHS = (30, 60)


def to_text(
    table: pd.DataFrame,
    neurons: pd.DataFrame,
    left_out: Sequence[Mapping[str, Any]] = (),
    *,
    split_rule: str,
) -> str:
    """Return the honest table as text, at most `WIDTH` columns wide.

    Args:
        table: from `comparison.honest_table`.
        neurons: from `comparison.against_neurons`, possibly without rows.
        left_out: what models reached on tissue left out, see `sections_left_out`.
        split_rule: ``blocks`` or ``published``.
    """
    lines = [
        *(line for alarm in alarms(table) for line in textwrap.wrap(alarm, WIDTH)),
        *(_block_left_out(left_out) if left_out else []),
        *_block("AGAINST THE AGGREGATES", sections(table), COLUMNS),
        *_block(
            "IoU OF COARSE VOXELS, the published kind",
            sections(table, COARSE_COLUMNS),
            COARSE_COLUMNS,
        ),
    ]
    if len(neurons):
        lines += _block("AGAINST THE TRUE NEURONS", sections(neurons), COLUMNS)
    for note in footnotes(table, split_rule=split_rule):
        lines += textwrap.wrap(note, WIDTH, subsequent_indent="  ")
    return "\n".join(line.rstrip() for line in lines) + "\n"


def _block_left_out(known: Sequence[Mapping[str, Any]]) -> list[str]:
    lines = _block("TISSUE LEFT OUT", sections_left_out(known), LEFT_OUT_COLUMNS)
    said = [*headlines_left_out(known), LEFT_OUT_NOTE]
    return [
        *lines[:-1],
        *(line for text in said for line in textwrap.wrap(text, WIDTH)),
        "",
    ]


def _block(title: str, found: list[Section], columns: Mapping[str, str]) -> list[str]:
    width = max(_COLUMN_WIDTH, *(len(name) + 1 for name in columns.values()))
    least, most = _LABEL_WIDTHS
    label_width = max(least, min(most, WIDTH - width * len(columns)))
    layout = f"{{:{label_width}}}" + f"{{:>{width}}}" * len(columns)
    lines = [layout.format(title, *columns.values())]
    for section in found:
        lines += [("=" if section.standing == "leaked" else "-") * WIDTH]
        lines += textwrap.wrap(f"{section.heading} ({section.size})", WIDTH)
        for row in section.rows:
            lines += _lines(row, layout, label_width)
    return [*lines, "-" * WIDTH, ""]


def _lines(row: Row, layout: str, label_width: int) -> Iterator[str]:
    """Yield a row: values, intervals and spreads below each other, beside its label."""
    shown = row.metrics.values()
    numbers = [
        [each.value for each in shown],
        [each.interval for each in shown],
        [each.spread for each in shown],
    ]
    numbers = [texts for texts in numbers if any(texts)]
    label = ", ".join(filter(None, (row.title, row.loops)))
    labels = textwrap.wrap(label, label_width - 2, subsequent_indent="  ")
    nothing = [""] * len(row.metrics)
    for text, texts in zip_longest(labels, numbers):
        yield layout.format(f"  {text or ''}", *(texts or nothing))
