"""The words about the honest table, the same for terminal and page."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from eyewire_validator.evaluation.comparison import (
    ALIKE,
    BETTER,
    LEAKED,
    LEAKED_HEADING,
    LEAST_CELLS,
    WORSE,
)
from eyewire_validator.storage.schemas.evaluation import REDUCTIONS
from eyewire_validator.volumes.appearance import WHAT_HELPS

# Metrics in reading order, and what their columns are called.
COLUMNS = {
    "f1": "F1",
    "precision": "precision",
    "recall": "recall",
    "pr_auc": "PR-AUC",
    "voxel_iou": "voxel IoU",
    "edits": "edits",
    "exact": "exact",
}
COARSE_COLUMNS = {"seedless_iou": "coarse IoU", "iou": "with seed"}
HEADINGS = {
    "result": "RESULTS: models and baselines that were not shown the answer",
    "reference": "REFERENCES: know the truth, are people, or were made elsewhere",
    "leaked": LEAKED_HEADING,
}
# Fewer cells than this make rough intervals.
MANY_CELLS = 50

OVERLAPPING_NOTE = (
    "OVERLAPPING SPLIT (rule `published`): test images were trained on, so that every "
    "number here is too good."
)
TEACHER_FORCED_NOTE = (
    "Contexts are teacher-forced: what ancestors answered is taken from their "
    "aggregates, not from the model's own answers."
)
THRESHOLD_NOTE = (
    "Thresholds were chosen on validation tasks, once for each model. Segments that "
    "are seed or dust are no candidates; voxel IoU is without the seed."
)
SPREAD_NOTE = (
    "± is the standard deviation over replicates (trainings from other random seeds, "
    "or other players); the number above it is their mean."
)
PEOPLE_NOTE = (
    "Aggregates are made from the answers of players: against them, players and the "
    "crowd are in part measured by themselves."
)
UNDEFINED_NOTE = (
    "- is undefined (0/0): seed only, for example, chooses no segment, so that there "
    "is nothing whose precision could be taken."
)


# How cells are grown, and what the table of growth says of each.
GROWN_HOW = {
    "grown": "grown, with stops",
    "unlimited": "without stops",
    "teacher_forced": "teacher-forced",
}
_GROWTH = {
    "recovered_share": "share of the path recovered",
    "recovered_share_before_merge": "share before the first false merge",
    "recovered_before_merge": "the same, {unit} a cell",
    "cubes": "cubes a cell",
    "cubes_before_merge": "cubes before the first false merge, or all",
    "mergers": "false merges",
    "cells_without_merger": "share of cells without one",
    "cells_stopped": "share of cells that stopped somewhere",
    "edits": "edits left a cell",
    "erl_20": "expected run length at 20 nodes, {unit}",
    "erl_truth": "the same of the truth, {unit}",
}
_VERDICT = ("passed", "as_expected", "reasons", "leaked")
_OVER = {"sum": "summed over segments", "max": "of the worst segment"}
_UNCERTAINTIES = {
    "probability": "distance of the probability from 0 and 1",
    "entropy": "entropy",
    "sigma": "sigma",
    "variance": "variance among members",
    "mutual_information": "mutual information",
}


@dataclass(frozen=True)
class Shown:
    """A number as text; interval and spread are empty where there is none."""

    value: str
    interval: str = ""
    spread: str = ""


@dataclass(frozen=True)
class Row:
    """A row of the honest table as text.

    Attributes:
        title: the model's title, marked if leaked.
        loops: such as ``4 loops``, or empty.
        metrics: what is shown, by metric.
    """

    title: str
    loops: str
    metrics: dict[str, Shown]


@dataclass(frozen=True)
class Section:
    """Rows that may be compared: of one standing, on one split.

    Attributes:
        standing: one of `comparison.STANDINGS`.
        heading: what it means.
        size: split, tasks and cells.
        rows: at least one.
    """

    standing: str
    heading: str
    size: str
    rows: list[Row]


def sections(table: pd.DataFrame, columns: Iterable[str] = COLUMNS) -> list[Section]:
    """Cut the honest table into what may be compared.

    Args:
        table: from `comparison.honest_table` or `comparison.against_neurons`.
        columns: the metrics to show.
    """
    return [
        Section(
            standing=str(standing),
            heading=HEADINGS[str(standing)],
            size=f"{split}: n = {_sizes(rows)}",
            rows=[_row(row, columns) for row in rows.to_dict("records")],
        )
        for (standing, split), rows in table.groupby(["standing", "split"], sort=False)
    ]


def footnotes(table: pd.DataFrame, *, split_rule: str) -> list[str]:
    """Return the notes that this table needs.

    Args:
        table: from `comparison.honest_table`.
        split_rule: ``blocks`` or ``published``.
    """
    shown = [*COLUMNS, *COARSE_COLUMNS]
    found = [OVERLAPPING_NOTE] if split_rule == "published" else []
    found += [_interval_note(table["cells"].min()), THRESHOLD_NOTE, TEACHER_FORCED_NOTE]
    if (table["replicates"] > 1).any():
        found.append(SPREAD_NOTE)
    if (table["standing"] == "reference").any():
        found.append(PEOPLE_NOTE)
    if table[shown].isna().any(axis=None):
        found.append(UNDEFINED_NOTE)
    return found


# What becomes of a labelled voxel; see `sandbox.left_out.FATES`.
FATE_WORDS = {
    "labelled": "all that the labels hold",
    "small_label": "of a label below min_cell_voxels",
    "no_supervoxel": "in no supervoxel",
    "other_supervoxel": "in a supervoxel that is mostly of another label, or of none",
    "impure_supervoxel": "in a supervoxel below min_purity",
    "dust": "in a segment that is dust",
    "no_task": "reached by no task of its label",
    "asked": "asked about",
}


def alarms(table: pd.DataFrame) -> Iterator[str]:
    """Yield a warning for each row whose volumes are not like what it learned from.

    Args:
        table: from `comparison.honest_table`.
    """
    for row in table[table["alarm"] != ""].itertuples():
        yield (
            f"ALARM: {row.title} ({row.split}): images unlike all that it learned "
            f"from, in {row.alarm}. Its numbers mean little, and it decides nothing "
            f"unseen there. {WHAT_HELPS}."
        )


def headline(table: pd.DataFrame, split: str) -> str:
    """Return a sentence on the best result of a split, with n and interval.

    Args:
        table: from `comparison.honest_table`.
        split: which tasks.
    """
    honest = table[(table["standing"] == "result") & (table["split"] == split)]
    ranked = honest.dropna(subset="f1").sort_values(
        "f1", ascending=False, kind="stable"
    )
    if ranked.empty:
        return f"No honest model has a defined F1 on the {split} tasks."
    best = ranked.iloc[0].to_dict()
    return (
        f"On n = {_sizes(ranked.iloc[:1])} ({split}), “{best['title']}” has the best "
        f"F1 of {len(ranked)} results, {_with_interval(best)}: of the segments it "
        f"chooses {percent(best['precision'])} belong, of those that belong it finds "
        f"{percent(best['recall'])}. A task then needs {best['edits']:.1f} edits; "
        f"{percent(best['exact'])} of tasks need none."
    )


def verdicts(differences: pd.DataFrame, metric: str) -> Iterator[tuple[str, list[str]]]:
    """Yield each word of a comparison with the titles that it goes with.

    Args:
        differences: from `comparison.differences`.
        metric: in which they differ.
    """
    of_metric = differences[differences["metric"] == metric]
    for words, preposition in ((BETTER, "than"), (WORSE, "than"), (ALIKE, "from")):
        titles = of_metric.loc[of_metric["words"] == words, "title"].tolist()
        if titles:
            yield f"{words} {preposition}", titles


def show(row: Mapping[Any, Any], metric: str) -> Shown:
    """Return a metric of a row of the table as text."""
    form = amount if metric == "edits" else share
    low, high = row.get(f"{metric}_low"), row.get(f"{metric}_high")
    spread = row[f"{metric}_spread"]
    several = row["replicates"] > 1 and not pd.isna(spread)
    return Shown(
        form(row[metric]),
        "" if pd.isna(low) else f"{form(low, 2)}-{form(high, 2)}",
        f"±{form(spread)}" if several else "",
    )


def audits(audit: Mapping[str, Any], table: pd.DataFrame) -> list[dict[str, Any]]:
    """Return what the page says of each audited model, and of the split.

    Args:
        audit: from `audit.verdict.verdict`.
        table: from `comparison.honest_table`: knows the titles.

    Returns:
        ``title``, ``tasks`` (that were altered), ``passed``, ``as_expected``,
        ``reasons`` and ``leaked``; models in the order of ``table``.
    """
    titles = dict(zip(table["model"], table["title"], strict=True))
    models = [
        {
            "title": title,
            "tasks": audit["models"][name]["own_answer"]["tasks"],
            **{key: audit["models"][name][key] for key in _VERDICT},
        }
        for name, title in titles.items()
        if name in audit["models"]
    ]
    split = {**audit["split"], "as_expected": audit["split"]["passed"], "leaked": False}
    about_split = {"title": "the split", "tasks": None}
    return [*models, {**about_split, **{key: split[key] for key in _VERDICT}}]


def by_other(differences: pd.DataFrame) -> list[dict[str, Any]]:
    """Return, for each model compared with, its title and a row a metric by name."""
    return [
        {
            "title": title,
            "standing": standing,
            "metrics": {row["metric"]: row for row in rows.to_dict("records")},
        }
        for (_, title, standing), rows in differences.groupby(
            ["against", "title", "standing"], sort=False
        )
    ]


def uncertainties(selective: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return a row for each uncertainty that a model has, best AUGRC first.

    Args:
        selective: from `summary.judge_uncertainties`.
    """
    found = [
        {"title": f"{title}, {_OVER[over]}", **selective[f"{score}_{over}"]}
        for score, title in _UNCERTAINTIES.items()
        for over in REDUCTIONS
        if f"{score}_{over}" in selective
    ]
    return sorted(found, key=lambda row: row["augrc"])


def growth(measured: Mapping[str, Any]) -> list[tuple[str, list[str]]]:
    """Return the measures of growth in words, each with its values in `GROWN_HOW`."""
    unit = {"um": "µm", "voxels": "voxels"}[measured["unit"]]
    return [
        (title.format(unit=unit), [_grown(measured[how], name) for how in GROWN_HOW])
        for name, title in _GROWTH.items()
    ]


def _grown(summary: Mapping[str, Any], name: str) -> str:
    """Return a measure with its interval."""
    found = summary.get(name) or dict.fromkeys(("value", "low", "high"))
    if found["low"] is None:
        return amount(found["value"])
    ends = f"{amount(found['low'])} to {amount(found['high'])}"
    return f"{amount(found['value'])} ({ends})"


def share(value: float | None, digits: int = 3) -> str:
    """Return a number from 0 to 1 as text; a dash where it is undefined."""
    return "-" if pd.isna(value) else f"{value:.{digits}f}"


def amount(value: float | None, digits: int = 2) -> str:
    """Return a number as text, of about three digits; a dash where it is undefined."""
    if value is None or pd.isna(value):
        return "-"
    size = abs(value)
    return f"{value:,.{digits if size < 10 else 1 if size < 100 else 0}f}"


def percent(value: float | None, digits: int = 0) -> str:
    """Return a share in percent; a dash where it is undefined."""
    return "-" if pd.isna(value) else f"{value:.{digits}%}".replace("%", " %")


def signed(value: float, metric: str) -> str:
    """Return a difference in a metric as text, with its sign."""
    if pd.isna(value):
        return "-"
    form = amount if metric == "edits" else share
    return f"{'+' if value > 0 else ''}{form(value)}"


def _row(row: Mapping[Any, Any], columns: Iterable[str]) -> Row:
    count = row["loops"]
    loops = "" if pd.isna(count) else f"{count} loop{'' if count == 1 else 's'}"
    title = f"{LEAKED}: {row['title']}" if row["standing"] == "leaked" else row["title"]
    return Row(title, loops, {metric: show(row, metric) for metric in columns})


def _sizes(rows: pd.DataFrame) -> str:
    return f"{_counted(rows['tasks'], 'task')} of {_counted(rows['cells'], 'cell')}"


def _counted(numbers: pd.Series, noun: str) -> str:
    low, high = int(numbers.min()), int(numbers.max())
    several = "" if high == 1 else "s"
    return f"{low:,}{'' if low == high else f' to {high:,}'} {noun}{several}"


def _interval_note(cells: int) -> str:
    note = (
        "Intervals of 95 % come from resampling cells (bootstrap), not corrected for "
        "the number of comparisons."
    )
    if cells < MANY_CELLS:
        note += f" With {cells} cells they are rough"
        if cells < LEAST_CELLS:
            note += f", and with fewer than {LEAST_CELLS} nothing is called {BETTER}"
        note += "."
    return note


def _with_interval(row: Mapping[Any, Any]) -> str:
    shown = show(row, "f1")
    if not shown.interval:
        return f"{shown.value} (a single cell gives no interval)"
    return f"{shown.value} (95 % interval {shown.interval.replace('-', ' to ')})"
