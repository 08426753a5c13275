"""Answers in segments: how probably each candidate segment belongs.

People act on segments, not on voxels, so this is what an answer is worth to them. The
probability of a segment is the mean over all its voxels (`coverage.SegmentCoverage`).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy
from numpy.typing import NDArray

from eyewire_validator.answers import Answer
from eyewire_validator.tasks.lineage import Task
from eyewire_validator.volumes.coverage import SegmentCoverage
from eyewire_validator.volumes.dust import Dust


@dataclass(frozen=True, eq=False)
class Candidates:
    """The candidate segments of a task, and what is known before anybody answers.

    Attributes:
        coverage: of the task's volume.
        chosen: (segments of the volume,) bool, which of them are candidates.
        about: the columns of `SEGMENT_SCORES` that no answer changes, a value a
            candidate, ascending by segment.
        full_counts: the columns of `TASK_METRICS` that are counted at full
            resolution: the seed, and what of the truth no candidate holds.
    """

    coverage: SegmentCoverage
    chosen: NDArray[np.bool_]
    about: dict[str, NDArray[Any]]
    full_counts: dict[str, int]

    @classmethod
    def of(
        cls,
        task: Task,
        coverage: SegmentCoverage,
        dust: Dust,
        neuron: frozenset[int] | None = None,
    ) -> "Candidates":
        """Find the candidates of a task.

        Args:
            task: what the index says about it.
            coverage: of its volume.
            dust: segments that are no candidates.
            neuron: the segments that really belong, where that is known.
        """
        rows = coverage.segments
        ids, voxels = rows["segment"].to_numpy(), rows["voxels"].to_numpy()
        chosen = coverage.candidates(task.seed, dust)
        segments, is_truth = ids[chosen], np.isin(ids, task.aggregate)
        every = segments.shape
        about = {
            "task": np.full(every, task.task),
            "cell": np.full(every, task.cell),
            "volume": np.full(every, task.volume),
            "segment": segments,
            "voxels": voxels[chosen],
            "truth": np.full(every, None) if task.is_open else is_truth[chosen],
            "vote_weight": np.full(every, None)
            if task.is_open
            else _vote_weights(segments, task),
            "neuron": np.full(every, None)
            if neuron is None
            else np.isin(segments, sorted(neuron)),
        }
        is_seed = np.isin(ids, task.seed)
        missed = voxels[is_truth & ~chosen & ~is_seed]
        full_counts = {
            "seed_full_voxels": int(voxels[is_seed].sum()),
            "dust_truth_segments": len(missed),
            "dust_truth_full_voxels": int(missed.sum()),
        }
        return cls(coverage, chosen, about, full_counts)

    def score(self, answer: Answer) -> dict[str, NDArray[Any]]:
        """Return the columns of `SEGMENT_SCORES`, a value a candidate."""
        scores = {
            name: np.full(np.count_nonzero(self.chosen), None)
            if values is None
            else values[self.chosen].astype(np.float32)
            for name, values in _scores(answer, self.coverage).items()
        }
        return {**self.about, **scores}


def _scores(
    answer: Answer, coverage: SegmentCoverage
) -> dict[str, NDArray[np.float64] | None]:
    """Return probability and uncertainties of all segments of the volume."""
    ids = coverage.segments["segment"].to_numpy()
    members: NDArray[np.float64] | None = None
    if answer.segments is not None:
        probability = answer.segments[ids].astype(np.float64)
        if answer.segment_members is not None:
            members = answer.segment_members[:, ids].T.astype(np.float64)
    else:
        probability = coverage.mean(answer.probability)
        if answer.members is not None:
            members = coverage.mean(answer.members)
    sigma = None if answer.sigma is None else coverage.mean(answer.sigma)
    variance, information = None, None
    if members is not None:
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
    entr = scipy.special.entr
    clipped = probability.clip(0, 1)
    entropy: NDArray[np.float64] = entr(clipped) + entr(1 - clipped)
    return entropy


def _vote_weights(segments: NDArray[np.int64], task: Task) -> NDArray[np.float32]:
    """Return the agreed fraction of each segment, 0 outside the aggregate."""
    weights = np.zeros(segments.shape, np.float32)
    for segment, weight in zip(task.aggregate, task.aggregate_weights, strict=True):
        weights[segments == segment] = weight
    return weights
