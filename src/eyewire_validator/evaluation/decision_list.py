"""The decisions of a model on segments, by the user's own ids."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from eyewire_validator.evaluation.decisions import Decisions, decided_unseen
from eyewire_validator.volumes.voxel_size import VoxelSize

ACCEPT, ASK, REJECT = "accept", "ask", "reject"


def list_decisions(
    segments: pd.DataFrame,
    answers: pd.DataFrame,
    decisions: Decisions,
    seeds: Mapping[int, Sequence[int]],
    *,
    voxel_nm: VoxelSize | None,
    offset_nm: VoxelSize | None,
) -> pd.DataFrame:
    """List what is to be done with each candidate of each task.

    Args:
        segments: table in the schema `SEGMENT_SCORES`.
        answers: table in the schema `TASK_ANSWERS`, of the same tasks.
        decisions: chosen on validation.
        seeds: own ids of each task's seed, by task id.
        voxel_nm: edges of a voxel (z, y, x) in nm; none if unknown.
        offset_nm: where the first voxel of the image lies (z, y, x), nm; none is 0.

    Returns:
        A row a candidate, in the order of ``segments``: ``task``, ``cell``, ``volume``,
        ``segment``; ``seed`` and ``supervoxel``, the pair to merge, by own ids (the
        first of the seed's, all of which are in ``seeds``); ``z``, ``y``, ``x`` in
        voxels, and ``z_nm``, ``y_nm``, ``x_nm``, empty if the voxel's size is unknown;
        ``probability``; ``decision``: `ACCEPT`, `ASK` or `REJECT`; ``alarm``.
    """
    accepted, rejected = decided_unseen(segments, answers, decisions)
    listed = segments[["task", "cell", "volume", "segment"]].copy()
    listed["seed"] = [seeds[task][0] for task in segments["task"]]
    listed["supervoxel"] = segments["supervoxel"]
    listed["seeds"] = [" ".join(map(str, seeds[task])) for task in segments["task"]]
    listed[["z", "y", "x"]] = segments[["z", "y", "x"]]
    for axis, name in enumerate("zyx"):
        origin = offset_nm[axis] if offset_nm else 0.0
        # The middle of the voxel.
        middle = (
            (segments[name] + 0.5) * voxel_nm[axis] + origin if voxel_nm else np.nan
        )
        listed[f"{name}_nm"] = middle
    listed["probability"] = segments["probability"]
    listed["decision"] = np.select([accepted, rejected], [ACCEPT, REJECT], ASK)
    alarms = answers.set_index("task")["alarm"]
    listed["alarm"] = alarms.loc[segments["task"]].to_numpy(object)
    return listed
