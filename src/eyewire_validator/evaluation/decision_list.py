"""The decisions of a model on segments and tasks, by the user's own ids."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from eyewire_validator.evaluation.calibration import rescale
from eyewire_validator.evaluation.decisions import (
    ACCEPT,
    ASK,
    REJECT,
    Decisions,
    decided_unseen,
)
from eyewire_validator.storage.schemas.answers import ANSWERS, VERDICTS
from eyewire_validator.volumes.appearance import WHAT_HELPS
from eyewire_validator.volumes.frame import Frame

ANSWERED, ASK_A_PERSON, NOT_ANSWERED = "answered", "ask a person", "not answered"


class Thresholds(NamedTuple):
    """The thresholds and the temperature that answers are read with.

    Attributes:
        decisions: the thresholds.
        temperature: that logits are divided by.
        source: where they are from, in words.
    """

    decisions: Decisions
    temperature: float
    source: str


def list_answers(
    segments: pd.DataFrame,
    tasks: pd.DataFrame,
    thresholds: Thresholds,
    seeds: Mapping[int, Sequence[int]],
    frame: Frame,
    split: str,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """List what is to be done with each candidate, and with each task.

    Args:
        segments: table in the schema `SEGMENT_SCORES`.
        tasks: table in the schema `TASK_METRICS`, with all tasks of ``segments``.
        thresholds: by which to decide.
        seeds: own ids of each task's seed, by task id.
        frame: of the data, for points in nm.
        split: of the tasks; or open.

    Returns:
        A table in the schema `ANSWERS`, in the order of ``segments``, and one in the
        schema `VERDICTS`, in the order of ``tasks``.
    """
    accepted, rejected = decided_unseen(segments, tasks, thresholds.decisions)
    listed = segments[["task", "cell", "volume", "segment"]].reset_index(drop=True)
    names = {task: " ".join(map(str, own)) for task, own in seeds.items()}
    listed["seed"] = segments["task"].map(lambda task: seeds[task][0]).to_numpy("u8")
    listed["supervoxel"] = segments["supervoxel"].to_numpy(np.uint64)
    listed["seeds"] = segments["task"].map(names).to_numpy(object)
    for axis, name in enumerate("zyx"):
        voxel = segments[name].to_numpy()
        listed[name] = voxel
        listed[f"{name}_nm"] = frame.in_nm(voxel, axis)
    listed["voxels"] = segments["voxels"].to_numpy(np.int64)
    listed["aggregate"] = segments["truth"].to_numpy(object)
    listed["vote_weight"] = segments["vote_weight"].to_numpy(np.float32)
    probability = segments["probability"].to_numpy(np.float32)
    listed["probability"] = probability
    listed["calibrated"] = rescale(probability, thresholds.temperature)
    listed["decision"] = np.select([accepted, rejected], [ACCEPT, REJECT], ASK)
    listed["split"], listed["thresholds"] = split, thresholds.source
    verdicts = _verdicts(listed, tasks, split).assign(seeds=tasks["task"].map(names))
    of_task = verdicts.set_index("task")[["verdict", "why"]]
    listed = listed.join(of_task, on="task")
    listed = listed.join(tasks.set_index("task")["alarm"], on="task")
    return listed[ANSWERS.names], verdicts[VERDICTS.names]


def list_unanswered(index: pd.DataFrame) -> pd.DataFrame:
    """List the open tasks that cannot be answered, with the reason: `VERDICTS`.

    Args:
        index: rows of `TASK_INDEX` of open tasks that are excluded.
    """
    verdicts = index[["task", "cell", "volume"]].assign(
        seeds=None,
        split="open",
        verdict=NOT_ANSWERED,
        why=index["excluded"],
        **dict.fromkeys(["candidates", ACCEPT, ASK, REJECT], 0),
    )
    return verdicts[VERDICTS.names]


def _verdicts(listed: pd.DataFrame, tasks: pd.DataFrame, split: str) -> pd.DataFrame:
    counts = pd.crosstab(listed["task"], listed["decision"])
    counts = counts.reindex(
        index=tasks["task"], columns=[ACCEPT, ASK, REJECT], fill_value=0
    )
    verdicts = tasks[["task", "cell", "volume"]].assign(
        split=split,
        candidates=counts.sum(axis=1).to_numpy(),
        **{name: counts[name].to_numpy() for name in counts},
    )
    alarmed = tasks["alarm"].notna()
    asks = verdicts[ASK] > 0
    verdicts["verdict"] = np.where(alarmed | asks, ASK_A_PERSON, ANSWERED)
    unsure = verdicts[ASK].map("neither sure of {} of its segments".format)
    strange = tasks["alarm"].map(f"{{}}. {WHAT_HELPS}.".format, na_action="ignore")
    verdicts["why"] = strange.where(alarmed, unsure.where(asks, None))
    return verdicts
