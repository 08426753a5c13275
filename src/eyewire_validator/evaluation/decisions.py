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
from eyewire_validator.evaluation.risk import Risk, accept_ranked
from eyewire_validator.evaluation.task_rows import segment_truth, task_rows
from eyewire_validator.evaluation.voxel_metrics import recall

# What is to be done with a segment: join it or leave it unseen, or ask a person.
ACCEPT, ASK, REJECT = "accept", "ask", "reject"

# What decisions did not say before acceptance was bounded.
_ON_RISK = ("bound", "coverage", "missing")
_FROM_TASKS = ("seed_full_voxels", "dust_truth_segments", "dust_truth_full_voxels")


@dataclass(frozen=True)
class DecisionSettings:
    """The demands on decisions that nobody looks at.

    Attributes:
        risk: of the false merges of accepted segments.
        reject_recall: least share, from 0 to 1, of the segments that belong which must
            not be rejected.

    Raises:
        ConfigError: a value is out of range, by its key.
    """

    risk: Risk
    reject_recall: float

    def __post_init__(self) -> None:
        """Refuse what is no share."""
        if not 0 <= self.reject_recall <= 1:
            raise ConfigError(
                f"reject_recall is {self.reject_recall}, expected a share from 0 to 1"
            )

    @classmethod
    def from_config(cls, evaluation: Mapping[str, Any]) -> "DecisionSettings":
        """Take ``risk`` and ``reject_recall`` from ``evaluation:``."""
        return cls(Risk(**evaluation["risk"]), evaluation["reject_recall"])


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
        bound: upper confidence bound on the share of false merges among what is
            accepted in a cell (`risk`); none: nothing is accepted, or, in an older
            checkpoint, nobody bounded it.
        coverage: share of the segments that belong which were accepted.
        missing: cells that are missing before anything could be accepted, at least.
    """

    threshold: float | None
    accept: float | None
    reject: float | None
    tasks: int
    cells: int
    segments: int
    bound: float | None = None
    coverage: float | None = None
    missing: int = 0

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
        older = expected - set(_ON_RISK)
        if found := min(set(values) ^ expected, set(values) ^ older, key=len):
            raise TableError(
                f"decisions: {', '.join(sorted(found))} missing or unknown; choose "
                "them again with this version"
            )
        return cls(**values)

    def describe_acceptance(self) -> str:
        """Describe what is accepted unseen, and what bounds it, or why nothing is."""
        if self.accept is None and self.missing:
            return (
                f"nothing is accepted unseen: {self.missing} more cells are missing, "
                f"even if nothing accepted in them is wrong, where {self.cells} were "
                "answered; label more, or raise evaluation.risk.false_merge"
            )
        if self.accept is None:
            return (
                "nothing is accepted unseen: too much is wrong even among the surest "
                f"segments of {self.cells} cells; label more cells, or raise "
                "evaluation.risk.false_merge"
            )
        if self.bound is None:
            return (
                f"accepted unseen from {self.accept:.3f} on, by the share that was "
                "right where it was chosen; nothing bounds their errors"
            )
        return (
            f"accepted unseen from {self.accept:.3f} on: at most {self.bound:.1%} of a "
            "cell's accepted segments are false merges on average, and "
            f"{self.coverage:.0%} of what belongs is accepted"
        )


@dataclass(frozen=True)
class _Cuts:
    """The choices at each threshold: (n,) arrays, highest threshold first."""

    threshold: NDArray[np.float32]
    chosen: NDArray[np.int64]
    right: NDArray[np.int64]


def choose_decisions(
    ranked: RankedSegments, tasks: pd.DataFrame, settings: DecisionSettings
) -> Decisions:
    """Choose the thresholds that serve best on validation tasks.

    ``threshold`` leaves the fewest edits: segments chosen that do not belong, and
    segments that belong and are not chosen, over all tasks; of equals, the highest.
    ``accept`` is the lowest whose risk of false merges is low enough, by cells
    (`risk`). ``reject`` is the highest with at least ``reject_recall`` of the segments
    that belong at or above it, pooled and unweighted, but never above ``accept``. Each
    lies half-way between the lowest probability that it lets pass and the highest that
    it does not: what was told apart with ease on validation need not be as extreme
    later.

    Args:
        ranked: the segments of these tasks, by their cells.
        tasks: table in the schema `TASK_METRICS`.
        settings: what is asked of accepted and rejected segments.

    Returns:
        The thresholds, each None where no probability serves: none leaves fewer edits
        than to choose nothing, none keeps the risk, none keeps enough.
    """
    most_saved = 0
    threshold: np.float32 | None = None
    reject: np.float32 | None = None
    for cuts in _cuts(ranked):
        # Each right segment is one to add less, each wrong one is one to remove.
        saved = 2 * cuts.right - cuts.chosen
        if saved.max() > most_saved:
            most_saved, threshold = saved.max(), cuts.threshold[saved.argmax()]
        truth = np.full_like(cuts.right, ranked.totals["right"])
        complete = cuts.threshold[recall(cuts.right, truth) >= settings.reject_recall]
        reject = complete[0] if len(complete) and reject is None else reject
    acceptance = accept_ranked(ranked, settings.risk)
    if acceptance.threshold is not None and reject is not None:
        reject = min(np.float32(acceptance.threshold), reject)
    return Decisions(
        threshold=_number(threshold),
        accept=acceptance.threshold,
        reject=_number(reject),
        tasks=len(tasks),
        cells=tasks["cell"].nunique(),
        segments=ranked.totals["segments"],
        bound=acceptance.bound,
        coverage=acceptance.coverage,
        missing=acceptance.missing,
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
    chosen = reaches(probability, decisions.threshold)
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


def reaches(probability: ArrayLike, threshold: float | None) -> NDArray[np.bool_]:
    """Return which segments a threshold takes: that it chooses, or that it accepts.

    Args:
        probability: (segments,) float32.
        threshold: least probability of what it takes; none: it takes nothing.
    """
    limit = np.float32(np.inf if threshold is None else threshold)
    taken: NDArray[np.bool_] = np.asarray(probability, np.float32) >= limit
    return taken


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
    below = np.float32(-np.inf if decisions.reject is None else decisions.reject)
    return reaches(probability, decisions.accept), probability < below


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


def _cuts(ranked: RankedSegments) -> Iterator[_Cuts]:
    """Yield the choices at each probability above 0, the highest first."""
    chosen = right = 0
    for levels, following in with_next(ranked.levels()):
        cuts = _Cuts(
            threshold=between(
                levels["probability"], np.append(levels["probability"][1:], following)
            ),
            chosen=chosen + levels["segments"].cumsum(),
            right=right + levels["right"].cumsum(),
        )
        chosen, right = cuts.chosen[-1], cuts.right[-1]
        yield cuts


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
