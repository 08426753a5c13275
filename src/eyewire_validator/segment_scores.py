"""Answers in segments: how probably each candidate segment belongs.

People act on segments, not on voxels, so this is what an answer is worth to them. The
probability of a segment is the mean over all its voxels (`bridge.Bridge`).
"""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import entr

from eyewire_validator.answers import Answer
from eyewire_validator.bridge import Bridge
from eyewire_validator.lineage import Task
from eyewire_validator.tables import SEGMENT_SCORES


def score_segments(
    task: Task,
    answer: Answer,
    bridge: Bridge,
    dust_voxels: int,
    neuron: frozenset[int] | None = None,
) -> pd.DataFrame:
    """Score the candidate segments of a task.

    Args:
        task: what the index says about it.
        answer: to that task.
        bridge: of its volume.
        dust_voxels: segments of up to this many voxels are no candidates.
        neuron: the segments that really belong, where that is known.

    Returns:
        A row of `tables.SEGMENT_SCORES` for each candidate, ascending by segment.
    """
    chosen = bridge.candidates(task.seed, dust_voxels)
    segments = bridge.segments["segment"].to_numpy()[chosen]
    columns: dict[str, Any] = {
        "task": task.task,
        "cell": task.cell,
        "volume": task.volume,
        "segment": segments,
        "voxels": bridge.segments["voxels"].to_numpy()[chosen],
        **{
            name: None if values is None else values[chosen].astype(np.float32)
            for name, values in _scores(answer, bridge).items()
        },
        "truth": np.isin(segments, task.aggregate),
        "vote_weight": _vote_weights(segments, task).astype(np.float32),
        "neuron": None if neuron is None else np.isin(segments, sorted(neuron)),
    }
    return pd.DataFrame(columns, columns=SEGMENT_SCORES.names)


def dust_of_truth(task: Task, bridge: Bridge, dust_voxels: int) -> dict[str, int]:
    """Count what of the truth no answer in candidates can reach, and the seed.

    Returns:
        The columns of `tables.TASK_METRICS` that are counted at full resolution.
    """
    segments = bridge.segments
    is_seed = segments["segment"].isin(task.seed)
    is_dust = ~bridge.candidates(task.seed, dust_voxels) & ~is_seed
    missed = segments.loc[segments["segment"].isin(task.aggregate) & is_dust, "voxels"]
    return {
        "seed_full_voxels": int(segments.loc[is_seed, "voxels"].sum()),
        "dust_truth_segments": len(missed),
        "dust_truth_full_voxels": int(missed.sum()),
    }


def _scores(answer: Answer, bridge: Bridge) -> dict[str, NDArray[np.float64] | None]:
    """Return probability and uncertainties of all segments of the volume."""
    if answer.segments is not None:
        probability = answer.segments[bridge.segments["segment"]].astype(np.float64)
    else:
        probability = bridge.mean(answer.probability)
    sigma = None if answer.sigma is None else bridge.mean(answer.sigma)
    variance, information = None, None
    if answer.members is not None:
        members = bridge.mean(answer.members)
        variance = members.var(axis=1)
        mean_entropy = _entropy(members).mean(axis=1)
        information = np.maximum(_entropy(members.mean(axis=1)) - mean_entropy, 0)
    return {
        "probability": probability.clip(0, 1),
        "sigma": sigma,
        "variance": variance,
        "mutual_information": information,
    }


def _entropy(probability: NDArray[np.float64]) -> NDArray[np.float64]:
    """Entropy of a yes-no answer, in nats."""
    clipped = probability.clip(0, 1)
    entropy: NDArray[np.float64] = entr(clipped) + entr(1 - clipped)
    return entropy


def _vote_weights(segments: NDArray[np.int64], task: Task) -> NDArray[np.float64]:
    weights = dict(zip(task.aggregate, task.aggregate_weights, strict=True))
    return np.array([weights.get(segment, 0.0) for segment in segments], np.float64)
