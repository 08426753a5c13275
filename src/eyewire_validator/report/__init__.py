"""The report: one HTML page that needs nothing but itself."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from eyewire_validator.evaluation.comparison import (
    COMPARED,
    LEAKED,
    LEAKED_HEADING,
    LEAST_CELLS,
)
from eyewire_validator.report import wording
from eyewire_validator.report.pictures import Picture
from eyewire_validator.report.tissue_left_out import (
    LEFT_OUT_COLUMNS,
    LEFT_OUT_NOTE,
    headlines_left_out,
    sections_left_out,
)
from eyewire_validator.storage.pages import page_templates

__all__ = ["Chapter", "Picture", "Report", "render"]

_TEMPLATE = "page.html"


@dataclass(frozen=True)
class Chapter:
    """The figures of one evaluation.

    Attributes:
        title: the model's title.
        details: what else identifies the evaluation, such as ``test, 4 loops``.
        leaked: whether the model's input held the answer.
        pictures: its figures.
    """

    title: str
    details: str
    leaked: bool
    pictures: Sequence[Picture]


@dataclass(frozen=True)
class Report:
    """All that the page shows.

    Attributes:
        table: from `comparison.honest_table`.
        neurons: from `comparison.against_neurons`.
        differences: from `comparison.differences`, of the model in focus.
        decisions: from `comparison.decision_table`.
        audit: from `audit.verdict.verdict`.
        title: of the model in focus: the page shows its figures first.
        leaked: whether the input of the model in focus held the answer.
        split: the tasks in focus.
        summary: of the model in focus on that split, from
            `summary.summarize_evaluation`.
        split_rule: ``blocks`` or ``published``.
        bars: the honest table as a figure.
        loops: metrics against loops as a figure.
        trust: figures on how far probabilities can be trusted, of the model in focus.
        errors: figures on where it errs.
        chapters: all other figures, by evaluation.
        split_counts: number of tasks by split.
        task_exclusions: number of tasks left out, by reason.
        cell_exclusions: number of the registry's cells left out, by reason.
        label_fates: labelled voxels of a sandbox from files, by what becomes of them;
            empty elsewhere.
        provenance: what made these results: versions, hashes, by name.
        growth: what `grow` measured of known cells, as its growth.json has it, with
            ``title`` of the model; none if it was not run.
        review: what people decided and how far they agree, as decisions.json of
            the review has it; none if no decisions came back.
        left_out: what models reached on tissue left out, see `sections_left_out`.
    """

    table: pd.DataFrame
    neurons: pd.DataFrame
    differences: pd.DataFrame
    decisions: pd.DataFrame
    audit: Mapping[str, Any]
    title: str
    leaked: bool
    split: str
    summary: Mapping[str, Any]
    split_rule: str
    bars: Picture
    loops: Picture
    trust: Sequence[Picture]
    errors: Sequence[Picture]
    chapters: Sequence[Chapter]
    split_counts: Mapping[str, int]
    task_exclusions: Mapping[str, int]
    cell_exclusions: Mapping[str, int]
    label_fates: Mapping[str, int]
    provenance: Mapping[str, str]
    growth: Mapping[str, Any] | None = None
    review: Mapping[str, Any] | None = None
    left_out: Sequence[Mapping[str, Any]] = ()


def render(report: Report) -> str:
    """Render the report as a static page: no network, no scripts.

    Text from outside (titles, names, reasons) is escaped, so that it is inert.
    """
    environment = page_templates(__name__)
    environment.filters |= {
        "amount": wording.amount,
        "share": wording.share,
        "percent": wording.percent,
        "signed": wording.signed,
    }
    table, focus = report.table, report.split
    return environment.get_template(_TEMPLATE).render(
        report=report,
        left_out=sections_left_out(report.left_out),
        left_out_headlines=headlines_left_out(report.left_out),
        left_out_columns=LEFT_OUT_COLUMNS,
        left_out_note=LEFT_OUT_NOTE,
        headline=wording.headline(table, focus),
        verdicts=list(wording.verdicts(report.differences, "f1")),
        sections=wording.sections(table, [*wording.COLUMNS, *wording.COARSE_COLUMNS]),
        alarms=list(wording.alarms(table)),
        footnotes=wording.footnotes(table, split_rule=report.split_rule),
        columns=wording.COLUMNS,
        coarse_columns=wording.COARSE_COLUMNS,
        leaked=LEAKED,
        leaked_heading=LEAKED_HEADING,
        leaked_shown=(table["standing"] == "leaked").any(),
        audits=wording.audits(report.audit, table),
        neurons=wording.sections(report.neurons),
        compared=COMPARED,
        least_cells=LEAST_CELLS,
        differences=wording.by_other(report.differences),
        decisions=_results_of(report.decisions, focus),
        grown_how=wording.GROWN_HOW,
        growth=wording.growth(report.growth) if report.growth else [],
        uncertainties=wording.uncertainties(report.summary["selective"]),
    )


def _results_of(decisions: pd.DataFrame, split: str) -> list[dict[Any, Any]]:
    honest = (decisions["standing"] == "result") & (decisions["split"] == split)
    rows: list[dict[Any, Any]] = decisions[honest].to_dict("records")
    return rows
