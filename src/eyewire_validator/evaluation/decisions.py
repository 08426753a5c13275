"""From probabilities of segments to decisions: chosen or not; accept, maybe or reject.

The thresholds are chosen once, on validation tasks, and kept. They are float32, as the
probabilities are, so that a threshold which went through JSON still meets its segment.
"""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd
import scipy
from numpy.typing import ArrayLike, NDArray

from eyewire_validator.errors import ConfigError, TableError
from eyewire_validator.evaluation.ranking import (
    RankedSegments,
    between,
    with_next,
)
from eyewire_validator.evaluation.task_rows import segment_truth, task_rows
from eyewire_validator.evaluation.voxel_metrics import iou, precision, recall

# What is to be done with a segment: join it or leave it unseen, or ask a person.
ACCEPT, ASK, REJECT = "accept", "ask", "reject"

_FROM_TASKS = ("seed_full_voxels", "dust_truth_segments", "dust_truth_full_voxels")


@dataclass(frozen=True)
class DecisionSettings:
    """The demands on decisions that nobody looks at, each from 0 to 1.

    Attributes:
        accept_precision: least share of the accepted segments that must belong.
        reject_recall: least share of the segments that belong which must not be
            rejected.

    Raises:
        ConfigError: a value is out of range, by its key.
    """

    accept_precision: float
    reject_recall: float

    def __post_init__(self) -> None:
        """Refuse what is no share."""
        for key, value in asdict(self).items():
            if not 0 <= value <= 1:
                raise ConfigError(f"{key} is {value}, expected a share from 0 to 1")


@dataclass(frozen=True)
class Decisions:
    """Thresholds on the probability of a segment, and on what they were chosen.

    Attributes:
        threshold: chosen are segments with a probability of at least this; none: no
            segment is ever chosen.
        accept: accepted unseen are segments with at least this; none: nothing is.
        reject: rejected unseen are segments below this; none: nothing is. Whatever is
            neither accepted nor rejected is a maybe.
        tasks: number of tasks that they were chosen on.
        cells: number of their cells.
        segments: number of their candidate segments.
    """

    threshold: float | None
    accept: float | None
    reject: float | None
    tasks: int
    cells: int
    segments: int

    def as_json(self) -> dict[str, float | int | None]:
        """Return what `from_json` takes."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "Decisions":
        """Make decisions from what `as_json` gave.

        Raises:
            TableError: a value is missing or unknown.
        """
        expected = set(cls.__dataclass_fields__)
        if found := set(values) ^ expected:
            raise TableError(
                f"decisions: {', '.join(sorted(found))} missing or unknown; choose "
                "them again with this version"
            )
        return cls(**values)


@dataclass(frozen=True)
class _Cuts:
    """The choices at each threshold: (n,) arrays, highest threshold first."""

    threshold: NDArray[np.float32]
    chosen: NDArray[np.int64]
    right: NDArray[np.int64]
    chosen_voxels: NDArray[np.int64]
    right_voxels: NDArray[np.int64]


def choose_decisions(
    ranked: RankedSegments, tasks: pd.DataFrame, settings: DecisionSettings
) -> Decisions:
    """Choose the thresholds that serve best on validation tasks.

    ``threshold`` gives the highest IoU of voxels, pooled over the tasks, without their
    seeds: tp / (tp + fp + fn) over full-resolution voxels of segments, where dust that
    belongs is missed; of equals, the highest. ``accept`` is the lowest threshold with
    at least ``accept_precision`` of the segments at or above it belonging, pooled and
    unweighted. ``reject`` is the highest with at least ``reject_recall`` of the
    segments that belong at or above it, but never above ``accept``. Each lies half-way
    between the lowest probability that it lets pass and the highest that it does not:
    what was told apart with ease on validation need not be as extreme later.

    Args:
        ranked: the segments of these tasks.
        tasks: table in the schema `TASK_METRICS`.
        settings: what is asked of accepted and rejected segments.

    Returns:
        The thresholds, each None where no probability serves: none gives an IoU above
        0, none is precise enough, none keeps enough.
    """
    truth_voxels = ranked.totals["right_voxels"] + tasks["dust_truth_full_voxels"].sum()
    best = 0.0
    threshold: np.float32 | None = None
    accept: np.float32 | None = None
    reject: np.float32 | None = None
    for cuts in _cuts(ranked):
        overlap = _overlap(cuts, int(truth_voxels))
        if overlap.max() > best:
            best, threshold = overlap.max(), cuts.threshold[overlap.argmax()]
        precise = cuts.threshold[
            precision(cuts.right, cuts.chosen) >= settings.accept_precision
        ]
        truth = np.full_like(cuts.right, ranked.totals["right"])
        complete = cuts.threshold[recall(cuts.right, truth) >= settings.reject_recall]
        accept = precise[-1] if len(precise) else accept
        reject = complete[0] if len(complete) and reject is None else reject
    if accept is not None and reject is not None:
        reject = min(accept, reject)
    return Decisions(
        threshold=_number(threshold),
        accept=_number(accept),
        reject=_number(reject),
        tasks=len(tasks),
        cells=tasks["cell"].nunique(),
        segments=ranked.totals["segments"],
    )


def decide(
    segments: pd.DataFrame,
    tasks: pd.DataFrame,
    decisions: Decisions,
    *,
    volume_voxels: int,
    truth: str = "truth",
) -> pd.DataFrame:
    """Answer tasks in segments, and count what is right and wrong.

    Args:
        segments: table in the schema `SEGMENT_SCORES`.
        tasks: table in the schema `TASK_METRICS`, with all tasks of
            ``segments``; tasks without candidates count too.
        decisions: from `choose_decisions`.
        volume_voxels: full-resolution voxels of a volume.
        truth: column of ``segments`` that tells what belongs: ``truth`` or ``neuron``.

    Returns:
        A row a task, in the order of ``tasks``: the columns of `TASK_ANSWERS`
        without those on uncertainty, which `selective.task_uncertainty` gives.

    Raises:
        TableError: a segment's task is not in ``tasks``, it is not known whether a
            segment belongs, or a volume has fewer voxels than were counted in it.
    """
    rows = task_rows(segments, tasks)
    belongs = segment_truth(segments, truth)
    voxels = segments["voxels"].to_numpy(np.int64)
    probability = _probability(segments)
    chosen = probability >= _limit(decisions.threshold, np.inf)
    accepted, rejected = decided_unseen(segments, tasks, decisions)

    def count(mask: NDArray[np.bool_], weights: ArrayLike = 1) -> NDArray[np.int64]:
        sums = np.bincount(rows, mask * np.asarray(weights), len(tasks))
        return sums.astype(np.int64)

    outcomes = {
        "tp": chosen & belongs,
        "fp": chosen & ~belongs,
        "fn": ~chosen & belongs,
    }
    answers = tasks[["task", "cell", "volume"]].reset_index(drop=True)
    answers["candidates"] = count(np.ones_like(belongs))
    for name, mask in outcomes.items():
        answers[name] = count(mask)
        answers[f"{name}_voxels"] = count(mask, voxels)
    answers["edits"] = answers["fp"] + answers["fn"]
    answers["maybe"] = count(~accepted & ~rejected)
    answers["accepted_wrongly"] = count(accepted & ~belongs)
    answers["rejected_wrongly"] = count(rejected & belongs)
    answers["alarm"] = tasks["alarm"].to_numpy(object)
    for name in _FROM_TASKS:
        answers[name] = tasks[name].to_numpy(np.int64)
    answers["vi_split"], answers["vi_merge"] = _task_vi(answers, volume_voxels)
    return answers


def decided_unseen(
    segments: pd.DataFrame, tasks: pd.DataFrame, decisions: Decisions
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Tell which segments are accepted and which rejected unseen.

    Where the alarm rings, none is: the probabilities there mean nothing.

    Args:
        segments: table in the schema `SEGMENT_SCORES`.
        tasks: table with ``task`` and ``alarm``, of all tasks of ``segments``.
        decisions: from `choose_decisions`.

    Returns:
        (segments,) bool each. What is neither, a person is asked about.
    """
    calm = tasks["alarm"].isna().to_numpy()[task_rows(segments, tasks)]
    probability = _probability(segments)
    accepted, rejected = _beyond(probability, decisions)
    return accepted & calm, rejected & calm


def decide_on(
    probability: NDArray[np.float32], decisions: Decisions | None
) -> NDArray[np.str_]:
    """Return what is to be done with segments where no alarm rings.

    Args:
        probability: (segments,) float32.
        decisions: from `choose_decisions`; a person is asked about all without them.

    Returns:
        (segments,) `ACCEPT`, `ASK` or `REJECT`.
    """
    if decisions is None:
        return np.full(probability.shape, ASK)
    accepted, rejected = _beyond(probability, decisions)
    return np.select([accepted, rejected], [ACCEPT, REJECT], ASK)


def _beyond(
    probability: NDArray[np.float32], decisions: Decisions
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return what is accepted, and what is rejected."""
    accepted = probability >= _limit(decisions.accept, np.inf)
    return accepted, probability < _limit(decisions.reject, -np.inf)


def object_vi(
    both: ArrayLike, answer_only: ArrayLike, truth_only: ArrayLike, neither: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the variation of information between two masks, in its two parts.

    Each mask parts its volume in two, the object and the rest. With n(a, t) voxels of
    answer a and truth t, n(t) of truth t and N of all, H(answer | truth) = sum over a
    and t of n(a, t) / N * log2(n(t) / n(a, t)), and likewise the other way round.

    Source: Meila, Comparing clusterings, J. Multivariate Anal. 98 (2007); the same as
    `skimage.metrics.variation_of_information`.

    Args:
        both: voxels in answer and truth, counts of any shape.
        answer_only: voxels only in the answer, of the same shape.
        truth_only: voxels only in the truth, of the same shape.
        neither: all other voxels, of the same shape.

    Returns:
        H(answer | truth), the split part, and H(truth | answer), the merge part, in
        bits, float64 of that shape.
    """
    # By answer, then by truth: [object, rest] each.
    voxels = np.array([[both, answer_only], [truth_only, neither]], np.float64)
    total = voxels.sum(axis=(0, 1))
    rel_entr = scipy.special.rel_entr
    split, merge = (
        (0 - rel_entr(voxels, voxels.sum(axis, keepdims=True)).sum(axis=(0, 1)))
        / (total * np.log(2))
        for axis in (0, 1)
    )
    return split, merge


def _probability(segments: pd.DataFrame) -> NDArray[np.float32]:
    probability: NDArray[np.float32] = segments["probability"].to_numpy(np.float32)
    return probability


def _number(threshold: np.float32 | None) -> float | None:
    return None if threshold is None else float(threshold)


def _limit(threshold: float | None, otherwise: float) -> np.float32:
    return np.float32(otherwise if threshold is None else threshold)


def _cuts(ranked: RankedSegments) -> Iterator[_Cuts]:
    """Yield the choices at each probability above 0, the highest first."""
    chosen = right = chosen_voxels = right_voxels = 0
    for levels, following in with_next(ranked.levels()):
        cuts = _Cuts(
            threshold=between(
                levels["probability"], np.append(levels["probability"][1:], following)
            ),
            chosen=chosen + levels["segments"].cumsum(),
            right=right + levels["right"].cumsum(),
            chosen_voxels=chosen_voxels + levels["voxels"].cumsum(),
            right_voxels=right_voxels + levels["right_voxels"].cumsum(),
        )
        chosen, right = cuts.chosen[-1], cuts.right[-1]
        chosen_voxels, right_voxels = cuts.chosen_voxels[-1], cuts.right_voxels[-1]
        yield cuts


def _overlap(cuts: _Cuts, truth_voxels: int) -> NDArray[np.float64]:
    """Return the IoU of voxels at each threshold, 0 where it is undefined."""
    union = cuts.chosen_voxels + truth_voxels - cuts.right_voxels
    return np.nan_to_num(iou(cuts.right_voxels, union))


def _task_vi(
    answers: pd.DataFrame, volume_voxels: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    # ASSUME: all of the seed belongs, as it does for whoever is given it.
    both = answers["seed_full_voxels"] + answers["tp_voxels"]
    truth_only = answers["fn_voxels"] + answers["dust_truth_full_voxels"]
    neither = volume_voxels - both - answers["fp_voxels"] - truth_only
    if (neither < 0).any():
        task = answers["task"][neither < 0].iloc[0]
        found = volume_voxels - neither.min()
        raise TableError(
            f"task {task}: counts up to {found} voxels in a volume of {volume_voxels}; "
            "give the full-resolution size of its volume"
        )
    return object_vi(both, answers["fp_voxels"], truth_only, neither)
