"""The honest table for a terminal."""

import textwrap
from collections.abc import Iterator, Mapping
from itertools import zip_longest

import pandas as pd

from eyewire_validator.report.wording import (
    COARSE_COLUMNS,
    COLUMNS,
    Row,
    alarms,
    footnotes,
    sections,
)

WIDTH = 100
# An interval, such as 12.3-15.6, and a blank.
_COLUMN_WIDTH = 10
# Of the first column: at least, and at most.
_LABEL_WIDTHS = (30, 60)


def to_text(table: pd.DataFrame, neurons: pd.DataFrame, *, split_rule: str) -> str:
    """Return the honest table as text, at most `WIDTH` columns wide.

    Args:
        table: from `comparison.honest_table`.
        neurons: from `comparison.against_neurons`, possibly without rows.
        split_rule: ``blocks`` or ``published``.
    """
    lines = [
        *(line for alarm in alarms(table) for line in textwrap.wrap(alarm, WIDTH)),
        *_block("AGAINST THE AGGREGATES", table, COLUMNS),
        *_block("IoU OF COARSE VOXELS, the published kind", table, COARSE_COLUMNS),
    ]
    if len(neurons):
        lines += _block("AGAINST THE TRUE NEURONS", neurons, COLUMNS)
    for note in footnotes(table, split_rule=split_rule):
        lines += textwrap.wrap(note, WIDTH, subsequent_indent="  ")
    return "\n".join(line.rstrip() for line in lines) + "\n"


def _block(title: str, table: pd.DataFrame, columns: Mapping[str, str]) -> list[str]:
    width = max(_COLUMN_WIDTH, *(len(name) + 1 for name in columns.values()))
    least, most = _LABEL_WIDTHS
    label_width = max(least, min(most, WIDTH - width * len(columns)))
    layout = f"{{:{label_width}}}" + f"{{:>{width}}}" * len(columns)
    lines = [layout.format(title, *columns.values())]
    for section in sections(table, columns):
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
