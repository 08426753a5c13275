"""The honest table: models, baselines and references side by side, with intervals.

A row is a model with all its replicates. What may be compared stands together: results,
then references, then leaked models, which were shown the answer. What the metrics mean
is in segment_metrics.py, how sure they are in bootstrap.py.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Self

import pandas as pd

from eyewire_validator.evaluation.bootstrap import (
    paired_difference,
    summarize_replicates,
)
from eyewire_validator.evaluation.decisions import Decisions, decided_unseen
from eyewire_validator.evaluation.ranking import Batches, rank_segments
from eyewire_validator.evaluation.segment_metrics import (
    METRICS,
    UNDEFINED,
    CellStatistics,
    evaluate_cells,
)
from eyewire_validator.evaluation.summary import (
    Evaluated,
    neuron_statistics,
    whole_tasks,
)
from eyewire_validator.storage.files import read_json
from eyewire_validator.storage.schemas.evaluation import SEGMENT_SCORES, TASK_ANSWERS
from eyewire_validator.storage.settings import (
    require_settings,
    require_settings_of_table,
)
from eyewire_validator.storage.tables import read_batches, read_table

STANDINGS = ("result", "reference", "leaked")
LEAKED = "LEAKED"
LEAKED_HEADING = f"{LEAKED}: the input held the answer; an artefact, not a result"

# What follows the value of a metric: the ends of its interval of 95 %, and the standard
# deviation over replicates.
PARTS = ("low", "high", "spread")
# What the table takes over from summary.json: overlap of coarse voxels, the published
# kind of metric, and how well probabilities are calibrated and rank the tasks.
SUMMARY_VALUES = {
    "seedless_iou": ("seedless", "pooled", "iou"),
    "iou": ("full", "pooled", "iou"),
    "ece_mass": ("calibration", "raw", "ece_mass"),
    "ece_contested": ("contested", "raw", "ece_mass"),
    "brier": ("calibration", "raw", "brier"),
    "augrc": ("selective", "probability_sum", "augrc"),
}

# Differences are taken of these; fewer edits are better.
COMPARED = ("f1", "voxel_iou", "pr_auc", "edits")
LOWER_IS_BETTER = ("edits",)
BETTER, WORSE, ALIKE = "better", "worse", "not distinguishable"
# In fewer cells, not even the same sign in each of them is beyond chance: a sign test
# gives 2 / 2^5 = 6 % for five cells, and 3 % for six.
LEAST_CELLS = 6

_ABOUT = ["model", "title", "standing", "split", "loops", "settings"]
_SIZES = ["replicates", "tasks", "cells"]
_DECIDED = ("threshold", "accept", "reject", "bound", "coverage", "missing")
_TEXTS = (
    *("model", "title", "standing", "split", "settings"),
    *("against", "metric", "words", "alarm"),
)
_COUNTS = (
    *("replicate", "replicates", "tasks", "tasks_decided", "cells", "candidates"),
    *("accepted", "accepted_wrongly", "maybe", "rejected", "rejected_wrongly"),
    "missing",
)


@dataclass(frozen=True)
class Entry:
    """One evaluation: of one replicate, on one split, at one number of loops.

    Attributes:
        model: key of the model in the configuration.
        title: its title.
        standing: what its numbers are worth, one of `STANDINGS`.
        split: the tasks, such as ``test``.
        loops: times that the answer is fed back; None for a model that does not loop.
        settings: hash of those that its numbers must rest on.
        replicate: which of the model's trainings, or which player.
        summary: from `summary.summarize_evaluation`.
        statistics: of its answers, by cell.
        neurons: the same against what really belongs; None where nobody knows.
        decided: numbers of segments, and of tasks, as `count_decisions` gives them.
    """

    model: str
    title: str
    standing: str
    split: str
    loops: int | None
    settings: str
    replicate: int
    summary: Mapping[str, Any]
    statistics: CellStatistics
    neurons: CellStatistics | None
    decided: Mapping[str, int]

    @classmethod
    def of(
        cls,
        about: Mapping[str, Any],
        summary: Mapping[str, Any],
        answers: pd.DataFrame,
        segments: Batches,
        *,
        volume_voxels: int,
    ) -> Self:
        """Make an entry from the tables of an evaluation.

        Args:
            about: the first seven attributes, by name.
            summary: from `summary.summarize_evaluation`.
            answers: table in the schema `TASK_ANSWERS`.
            segments: reads the table in the schema `SEGMENT_SCORES`.
            volume_voxels: full-resolution voxels of a volume.

        Raises:
            TableError: a segment's task is not in ``answers``.
        """
        decisions = Decisions.from_json(summary["decisions"])
        answered = Evaluated(answers, segments)
        neurons = None
        if summary["neurons"] is not None:
            neurons = neuron_statistics(answered, decisions, volume_voxels)
        return cls(
            **about,
            summary=summary,
            statistics=evaluate_cells(answers, rank_segments(segments, answers)),
            neurons=neurons,
            decided=count_decisions(answered, decisions),
        )


def read_entries(
    about: Iterable[Mapping[str, Any]],
    summaries: Iterable[str],
    answers: Iterable[str],
    segments: Iterable[str],
    *,
    volume_voxels: int,
) -> Iterator[Entry]:
    """Read evaluations, one after the other.

    Args:
        about: the first seven attributes of each `Entry`, by name.
        summaries: path of each one's summary.json.
        answers: of its answers.parquet.
        segments: of its segments.parquet.
        volume_voxels: full-resolution voxels of a volume.

    Raises:
        FileError, TableError: a file is missing, damaged, of another version or made
            with other settings.
    """
    files = zip(about, summaries, answers, segments, strict=True)
    for what, summary, answer, scores in files:
        found = read_json(Path(summary))
        require_settings(Path(summary), found.get("settings"), what["settings"])
        require_settings_of_table(Path(answer), what["settings"])
        yield Entry.of(
            what,
            found,
            read_table(Path(answer), TASK_ANSWERS),
            partial(read_batches, Path(scores), SEGMENT_SCORES),
            volume_voxels=volume_voxels,
        )


def honest_table(entries: Iterable[Entry], **bootstrap: int) -> pd.DataFrame:
    """Gather evaluations, a row for each standing, split, model and number of loops.

    Args:
        entries: replicates of a row must have answered the same tasks.
        **bootstrap: ``resamples`` and ``random_seed`` of `summarize_replicates`.

    Returns:
        ``model``, ``title``, ``standing``, ``split``, ``loops`` (Int64, empty for
        models without), ``settings``, ``replicates``, ``tasks``, ``cells``; for each
        of `METRICS`
        the mean over replicates under its name, its ``_low``, ``_high`` and
        ``_spread``; the tasks that a mean leaves out; for each of `SUMMARY_VALUES`
        the mean and its ``_spread``; ``alarm``: in how many tasks the volume is
        unlike what the model learned from, and in what. NaN stands for what is
        undefined, in any
        replicate. In the order of `STANDINGS`, then of ``entries``.

    Raises:
        TableError: replicates differ in their tasks.
    """
    table = pd.DataFrame(
        [
            {**_measured(group, bootstrap), **_summarized(group)}
            for group in _rows(entries)
        ],
        columns=[*_columns(), *_with_spread(SUMMARY_VALUES), "alarm"],
    )
    return _typed(table)


def against_neurons(entries: Iterable[Entry], **bootstrap: int) -> pd.DataFrame:
    """Do as `honest_table`, against what really belongs to the neurons.

    Only for evaluations where that is known. Thresholds are the same, and so chosen
    against aggregates. The columns of `SUMMARY_VALUES`, which are about aggregates,
    are left out.
    """
    known = [
        replace(entry, statistics=entry.neurons)
        for entry in entries
        if entry.neurons is not None
    ]
    rows = [_measured(group, bootstrap) for group in _rows(known)]
    return _typed(pd.DataFrame(rows, columns=_columns()))


def differences(
    entries: Iterable[Entry], model: str, split: str, **bootstrap: int
) -> pd.DataFrame:
    """Compare one model with every other result and reference, on the same cells.

    Args:
        entries: at most one number of loops a model.
        model: which to compare; nothing is compared with a leaked one.
        split: on which tasks.
        **bootstrap: ``resamples`` and ``random_seed`` of `paired_difference`.

    Returns:
        For each other model and each of `COMPARED` a row: ``model``, ``against``,
        ``title`` (of the other), ``standing``, ``metric``, ``cells``, ``value`` (of
        ``model`` minus of ``against``), ``low``, ``high`` and ``words``: `BETTER` or
        `WORSE` if the interval, of `LEAST_CELLS` or more, does not hold 0, and
        `ALIKE` otherwise.

    Raises:
        TableError: they did not answer the same tasks.
    """
    groups = {
        group[0].model: group
        for group in _rows(entries)
        if group[0].split == split and group[0].standing != "leaked"
    }
    own = groups.pop(model, [])
    rows = [
        row
        for other in groups.values()
        if own
        for row in _differences(own, other, bootstrap)
    ]
    names = ["model", "against", "title", "standing", "metric", "cells"]
    columns = [*names, "value", "low", "high", "words"]
    return _typed(pd.DataFrame(rows, columns=columns))


def decision_table(entries: Iterable[Entry]) -> pd.DataFrame:
    """Return what each evaluation decides unseen, one row per replicate.

    Returns:
        ``model``, ``title``, ``standing``, ``split``, ``loops``, ``replicate``, the
        thresholds ``threshold``, ``accept`` and ``reject`` (NaN for none), ``bound``,
        ``coverage`` and ``missing`` as of `Decisions`, and what `count_decisions`
        gives; in the order of `honest_table`.
    """
    rows = [
        {
            **_about(entry),
            "replicate": entry.replicate,
            **{name: entry.summary["decisions"][name] for name in _DECIDED},
            **entry.decided,
        }
        for group in _rows(entries)
        for entry in group
    ]
    return _typed(pd.DataFrame(rows))


def count_decisions(answered: Evaluated, decisions: Decisions) -> dict[str, int]:
    """Count what is decided unseen, and what of it wrongly.

    Args:
        answered: the answers, in the schema `TASK_ANSWERS`, and their segments.
        decisions: by which they were answered.

    Returns:
        Segments: ``candidates``, ``accepted``, ``accepted_wrongly``, ``maybe``,
        ``rejected``, ``rejected_wrongly``. Tasks: ``tasks``, ``tasks_decided`` (those
        without a maybe).
    """
    answers = answered.tasks
    accepted = sum(
        int(decided_unseen(segments, answers.iloc[rows], decisions)[0].sum())
        for rows, segments in whole_tasks(answered, ["task", "probability"])
    )
    total = answers[["candidates", "maybe", "accepted_wrongly", "rejected_wrongly"]]
    found = {name: int(value) for name, value in total.sum().items()}
    return {
        "candidates": found["candidates"],
        "accepted": accepted,
        "accepted_wrongly": found["accepted_wrongly"],
        "maybe": found["maybe"],
        "rejected": found["candidates"] - found["maybe"] - accepted,
        "rejected_wrongly": found["rejected_wrongly"],
        "tasks": len(answers),
        "tasks_decided": int((answers["maybe"] == 0).sum()),
    }


def from_csv(path: Path) -> pd.DataFrame:
    """Read one of these tables, as `write_csv` wrote it, to its six digits."""
    # Of texts nothing is missing: a title may be "None", and an alarm is empty.
    read = pd.read_csv(
        path,
        keep_default_na=False,
        na_values="",
        dtype=dict.fromkeys(_TEXTS, str),
    )
    texts = read.columns.intersection(_TEXTS)
    return _typed(read.fillna(dict.fromkeys(texts, "")))


def _rows(entries: Iterable[Entry]) -> list[list[Entry]]:
    """Group the replicates of a row; rows in the order of `STANDINGS`."""
    groups: dict[tuple[Any, ...], list[Entry]] = {}
    for entry in entries:
        key = (entry.standing, entry.split, entry.model, entry.loops)
        groups.setdefault(key, []).append(entry)
    return sorted(groups.values(), key=lambda group: STANDINGS.index(group[0].standing))


def _about(entry: Entry) -> dict[str, Any]:
    return {name: getattr(entry, name) for name in _ABOUT}


def _measured(group: Sequence[Entry], bootstrap: Mapping[str, int]) -> dict[str, Any]:
    found = summarize_replicates([entry.statistics for entry in group], **bootstrap)
    metrics = found["metrics"]
    return {
        **_about(group[0]),
        **{size: found[size] for size in _SIZES},
        **{name: metrics[name]["value"] for name in METRICS},
        **{f"{name}_{part}": metrics[name][part] for name in METRICS for part in PARTS},
        **{UNDEFINED[name]: n for name, n in found["undefined_tasks"].items()},
    }


def _summarized(group: Sequence[Entry]) -> dict[str, Any]:
    values = pd.DataFrame(
        [
            {name: _pick(entry.summary, path) for name, path in SUMMARY_VALUES.items()}
            for entry in group
        ],
        dtype="float64",
    )
    spread = values.std(skipna=False).add_suffix("_spread")
    return {**values.mean(skipna=False), **spread, "alarm": _alarm(group)}


def _alarm(group: Sequence[Entry]) -> str:
    """Count the tasks, of all replicates, in which the alarm rang, by reason."""
    total = sum(entry.decided["tasks"] for entry in group)
    counts: Counter[str] = Counter()
    for entry in group:
        counts.update(entry.summary["alarms"])
    return " / ".join(
        f"{count} of {total} tasks: {reason}" for reason, count in counts.most_common()
    )


def _pick(summary: Mapping[str, Any], path: Iterable[str]) -> Any:
    """Return what is found along ``path``; None where a part of it is not known."""
    found: Any = summary
    for key in path:
        found = (found or {}).get(key)
    return found


def _differences(
    own: Sequence[Entry], other: Sequence[Entry], bootstrap: Mapping[str, int]
) -> Iterable[dict[str, Any]]:
    found = paired_difference(
        [entry.statistics for entry in own],
        [entry.statistics for entry in other],
        **bootstrap,
    )
    cells = len(own[0].statistics.cells)
    for metric in COMPARED:
        ends = {name: found[metric][name] for name in ("value", "low", "high")}
        yield {
            "model": own[0].model,
            "against": other[0].model,
            "title": other[0].title,
            "standing": other[0].standing,
            "metric": metric,
            "cells": cells,
            **ends,
            "words": _words(metric, ends["low"], ends["high"], cells),
        }


def _words(metric: str, low: float | None, high: float | None, cells: int) -> str:
    if low is None or high is None or cells < LEAST_CELLS or low <= 0 <= high:
        return ALIKE
    return BETTER if (low > 0) != (metric in LOWER_IS_BETTER) else WORSE


def _columns() -> list[str]:
    measured = [
        name if part is None else f"{name}_{part}"
        for name in METRICS
        for part in (None, *PARTS)
    ]
    return [*_ABOUT, *_SIZES, *measured, *UNDEFINED.values()]


def _with_spread(names: Iterable[str]) -> list[str]:
    return [column for name in names for column in (name, f"{name}_spread")]


def _typed(table: pd.DataFrame) -> pd.DataFrame:
    """Give columns the types that gaps and empty tables leave open."""
    types = dict.fromkeys(table.columns, "float64")
    types |= dict.fromkeys(table.columns.intersection(_COUNTS), "int64")
    types |= dict.fromkeys(table.columns.intersection(["loops"]), "Int64")
    types |= dict.fromkeys(table.columns.intersection(_TEXTS), "object")
    return table.astype(types)
