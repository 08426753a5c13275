"""Hold what is known of a user's own tissue: labelled tasks, and single decisions."""

from collections import defaultdict
from collections.abc import Collection
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from eyewire_validator.agglomeration.examples import draw_volumes
from eyewire_validator.errors import TableError
from eyewire_validator.models.evidence import Evidence
from eyewire_validator.storage.schemas.index import OPEN

# Parts of the cells, each of which judges what the other taught a network.
HALVES = 2


class Labels(NamedTuple):
    """Labels of the tasks of a tissue: evidence on their segments, and the truth.

    Attributes:
        evidence: on tasks of which anything is known, and on the candidates of which it
            is known whether they belong.
        whole: (tasks,) bool, whether the answer of a task is known.
    """

    evidence: Evidence
    whole: NDArray[np.bool_]

    @classmethod
    def of(
        cls, evidence: Evidence, labelled: Collection[int], decided: pd.DataFrame
    ) -> "Labels":
        """Join the answers of labelled tasks and what people decided.

        Args:
            evidence: on all of these tasks, with all of their candidates.
            labelled: ids of the tasks whose answer is known.
            decided: ``task``, ``segment`` and ``belongs`` (bool), each pair once; it
                overrules the answer of a labelled task.
        """
        candidates, pair = evidence.candidates, ["task", "segment"]
        people = decided.set_index(pair)["belongs"].astype("boolean")
        said = people.reindex(pd.MultiIndex.from_frame(candidates[pair])).array
        known = candidates["task"].isin(labelled).to_numpy() | ~said.isna()
        truth = np.where(said.isna(), candidates["truth"], said.fillna(False))
        candidates = candidates.assign(truth=truth.astype(np.bool_))[known]
        whole = evidence.tasks["task"].isin(labelled)
        seen = whole | evidence.tasks["task"].isin(candidates["task"])
        return cls(evidence, whole.to_numpy())._kept(seen, candidates)

    def of_tasks(self, tasks: NDArray[np.bool_]) -> "Labels":
        """Return the labels of some tasks, (tasks,) bool."""
        ids = self.evidence.tasks.loc[tasks, "task"]
        candidates = self.evidence.candidates
        return self._kept(tasks, candidates[candidates["task"].isin(ids)])

    def describe(self) -> dict[str, int]:
        """Count tasks, cells and volumes, labelled tasks, and known candidates."""
        tasks, candidates = self.evidence.tasks, self.evidence.candidates
        return {
            "tasks": len(tasks),
            "labelled_tasks": int(self.whole.sum()),
            "cells": int(tasks["cell"].nunique()),
            "volumes": int(tasks["volume"].nunique()),
            "candidates": len(candidates),
            "belong": int(candidates["truth"].sum()),
        }

    def _kept(
        self, tasks: "NDArray[np.bool_] | pd.Series[bool]", candidates: pd.DataFrame
    ) -> "Labels":
        kept = self.evidence.tasks[tasks].reset_index(drop=True)
        return Labels(
            Evidence(kept, candidates.reset_index(drop=True)),
            self.whole[np.asarray(tasks)],
        )


def labelled_tasks(index: pd.DataFrame, splits: Collection[str]) -> list[int]:
    """Return the ids of the labelled tasks of splits.

    Args:
        index: table in the schema `TASK_INDEX`.
        splits: those that teach.
    """
    return [int(task) for task in index.loc[index["split"].isin(splits), "task"]]


def tasks_to_learn(
    index: pd.DataFrame, splits: Collection[str], most_volumes: int, decided: pd.Series
) -> list[int]:
    """Return the ids of the tasks of which anything is known, volume by volume.

    What was decided of labelled tasks of other splits is left aside: these judge.

    Args:
        index: table in the schema `TASK_INDEX`.
        splits: those whose labelled tasks teach.
        most_volumes: of labelled tasks, drawn at random.
        decided: tasks that people decided on.

    Raises:
        TableError: there is none.
    """
    taught = index[index["split"].isin(splits)]
    drawn = taught["volume"].isin(draw_volumes(taught, most_volumes, random_seed=0))
    asked = index["task"].isin(decided) & index["excluded"].isna()
    asked &= (index["state"] == OPEN) | index["split"].isin(splits)
    wanted = index[asked | index["task"].isin(taught.loc[drawn, "task"])]
    if wanted.empty:
        raise TableError(
            f"nothing to learn from: no labelled task is in {', '.join(splits)} "
            "(learn.splits), and no decision is about an open one, or about a stop "
            "of growth (review.decisions)"
        )
    ordered = wanted.sort_values(["volume", "task"])
    return [int(task) for task in ordered["task"]]


def half_of(index: pd.DataFrame, tasks: Collection[int], half: int) -> list[int]:
    """Return the tasks of a half of the cells.

    Only cells of labelled tasks are counted off: the same whatever else was decided.

    Args:
        index: table in the schema `TASK_INDEX`.
        tasks: ids, see `tasks_to_learn`; their order is kept.
        half: 0 or 1.
    """
    rows = index.drop_duplicates("task").set_index("task").loc[list(tasks)]
    counted = np.unique(rows.loc[rows["state"] != OPEN, "cell"])
    number = np.searchsorted(counted, rows["cell"])
    return [int(task) for task in rows.index[number % HALVES == half]]


def known_answers(
    index: pd.DataFrame, tasks: Collection[int], decided: pd.DataFrame
) -> dict[int, list[NDArray[np.int64]]]:
    """Return the known answers of labelled tasks, by the volume that they lie in.

    Args:
        index: table in the schema `TASK_INDEX`.
        tasks: ids; open ones have no answer, and are left aside.
        decided: see `Labels.of`.

    Returns:
        Of each task the segments that belong, its seed included.
    """
    belongs = dict(list(decided.groupby("task")))
    labelled = index["task"].isin(tasks) & (index["state"] != OPEN)
    answers = defaultdict(list)
    for row in index[labelled].drop_duplicates("task").itertuples():
        known = np.union1d(row.seed, row.aggregate)
        if row.task in belongs:
            said = belongs[row.task].set_index("segment")["belongs"]
            known = np.setdiff1d(known, said.index[~said])
            known = np.union1d(known, said.index[said])
        answers[int(row.volume)].append(known.astype(np.int64))
    return dict(answers)
