"""The report: one HTML page that needs nothing but itself."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined

from eyewire_validator.comparison import LEAKED_HEADING, footnotes, sections

_TEMPLATE = "page.html"


@dataclass(frozen=True)
class Picture:
    """A figure of the report.

    Args:
        title: what it shows.
        how_to_read: a sentence or two below it.
        png: the content of its PNG file.
    """

    title: str
    how_to_read: str
    png: bytes

    @property
    def source(self) -> str:
        """The picture as a data URI."""
        return "data:image/png;base64," + base64.b64encode(self.png).decode()


@dataclass(frozen=True)
class Chapter:
    """The figures of one model.

    Args:
        title: the model's title.
        details: what else identifies the evaluation, such as ``test, 4 loops``.
        leaked: whether the model's input held the answer.
        pictures: its figures.
    """

    title: str
    details: str
    leaked: bool
    pictures: Sequence[Picture]


def render(
    table: pd.DataFrame,
    *,
    split_rule: str,
    bars: Picture,
    chapters: Sequence[Chapter],
    split_counts: Mapping[str, int],
    task_exclusions: Mapping[str, int],
    cell_exclusions: Mapping[str, int],
    provenance: Mapping[str, str],
) -> str:
    """Render the report as a static page: no network, no scripts.

    Text from outside (titles, names, reasons) is escaped, so that it is inert.

    Args:
        table: from `comparison.honest_table`.
        split_rule: ``blocks`` or ``published``.
        bars: the honest table as a figure.
        chapters: figures by model, in the order in which they appear.
        split_counts: number of tasks by split.
        task_exclusions: number of tasks left out, by reason.
        cell_exclusions: number of the registry's cells left out, by reason.
        provenance: what made these results: versions, hashes, by name.
    """
    environment = Environment(
        loader=PackageLoader(__name__, "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template(_TEMPLATE).render(
        sections=sections(table),
        footnotes=footnotes(table, split_rule=split_rule),
        leaked_heading=LEAKED_HEADING,
        bars=bars,
        chapters=chapters,
        split_counts=split_counts,
        task_exclusions=task_exclusions,
        cell_exclusions=cell_exclusions,
        provenance=provenance,
    )
