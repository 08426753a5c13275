"""Learn a tissue from a few of its labels: refit membership to them.

The evidence is that of the model's network, or of networks that were tuned to other
cells of the tissue. What either brings is measured on cells that it was not fitted to:
parts of the cells are held out in turn. The better one is taken, and only if it helped.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from eyewire_validator.agglomeration.tissue_memberships import TissueMemberships
from eyewire_validator.errors import ModelError
from eyewire_validator.evaluation.decisions import (
    Decisions,
    DecisionSettings,
    choose_decisions,
)
from eyewire_validator.evaluation.ranking import batches_of, rank_segments
from eyewire_validator.models.evidence import Evidence, refit_to
from eyewire_validator.models.judge_labels import Chosen, Judgement, judge
from eyewire_validator.models.labels import HALVES, Labels
from eyewire_validator.volumes.appearance import FOLDS as LEAST_VOLUMES
from eyewire_validator.volumes.appearance import Familiar, Tissue

# Parts of the cells that are held out in turn.
PARTS = 5
# Where probabilities are calibrated, this threshold leaves the fewest expected edits.
EVEN = 0.5

Fit = Callable[[Evidence], TissueMemberships]


class Tuned(NamedTuple):
    """Labels with evidence by networks that were tuned to the other half of the cells.

    Attributes:
        labels: of a tissue.
        halves: (tasks,) int64, the half of each task's cell.
    """

    labels: Labels
    halves: NDArray[np.int64]

    @classmethod
    def join(cls, labels: Labels, parts: Sequence[Evidence]) -> "Tuned":
        """Join the evidence on the halves, in the order of what is known.

        Args:
            labels: with evidence by the network as it was.
            parts: by each network, on all tasks of the half that did not teach it.
        """
        known, whole = labels
        tasks = pd.concat([part.tasks for part in parts], ignore_index=True)
        halves = np.repeat(np.arange(len(parts)), [len(part.tasks) for part in parts])
        rows = pd.Index(tasks["task"]).get_indexer(known.tasks["task"])
        pair = ["task", "segment"]
        candidates = (
            pd.concat([part.candidates for part in parts])
            .set_index(pair)
            .loc[pd.MultiIndex.from_frame(known.candidates[pair])]
            .reset_index()[known.candidates.columns]
            .assign(truth=known.candidates["truth"])
        )
        evidence = Evidence(tasks.iloc[rows].reset_index(drop=True), candidates)
        return cls(Labels(evidence, whole), halves[rows])

    def can_judge(self) -> bool:
        """Return whether each half has cells to hold some out."""
        cells = self.labels.evidence.tasks["cell"].groupby(self.halves).nunique()
        return len(cells) == HALVES and bool((cells > 1).all())


class Learned(NamedTuple):
    """A tissue that was learned.

    Attributes:
        memberships: with that of the tissue among them.
        decisions: thresholds for it.
        judgement: what it brought on cells that were held out.
        start: the tissue whose membership was refitted; none: that of all.
        is_tuned: whether its evidence is that of a network that was tuned.
    """

    memberships: TissueMemberships
    decisions: Decisions
    judgement: Judgement
    start: str | None
    is_tuned: bool = False


def learn_tissue(
    labels: Labels,
    tissue: str,
    known: TissueMemberships,
    before: Chosen,
    settings: DecisionSettings,
    *,
    halves: NDArray[np.int64] | None = None,
    volume_voxels: int,
    bootstrap: Mapping[str, int],
) -> Learned:
    """Refit membership to labels, and judge it on cells that are held out.

    Args:
        labels: of the tissue.
        tissue: its name.
        known: the memberships of the model until now.
        before: its answers to the same candidates.
        settings: what is asked of decisions that nobody looks at.
        halves: (tasks,) the half of each one's cell, where each half has evidence by a
            network that the other taught; none: all is by one that saw none of them.
        volume_voxels: full-resolution voxels of a volume.
        bootstrap: ``resamples`` and ``random_seed``.

    Raises:
        ModelError: there are too few volumes to know the tissue by, or too few cells to
            hold any out.
    """
    familiar = _recognize(labels.evidence, tissue, known.familiar)
    start = usual_tissue(known, labels.evidence)
    membership = known.of(start)

    def fit(part: Evidence) -> TissueMemberships:
        fitted = {**known.of_tissue, tissue: refit_to(membership, part)}
        return TissueMemberships(fitted, known.of_all, familiar)

    held_out = probability_held_out(labels, fit, halves)
    judgement = judge(
        labels,
        before,
        Chosen(held_out, EVEN),
        volume_voxels=volume_voxels,
        bootstrap=bootstrap,
    )
    decisions = choose_on_whole_tasks(labels, held_out, settings)
    return Learned(
        fit(labels.evidence), decisions, judgement, start, halves is not None
    )


def better_of(refit: Learned, tuned: Learned | None) -> Learned:
    """Return what leaves fewer edits on cells that were held out; else the refit."""
    if tuned is None:
        return refit
    edits = (one.judgement.after["edits"]["value"] for one in (refit, tuned))
    return tuned if next(edits) > next(edits) else refit


def usual_tissue(known: TissueMemberships, evidence: Evidence) -> str | None:
    """Return the tissue whose membership most candidates are answered with."""
    voxel_nm = evidence.voxel_nm()
    of_volume = {
        volume: known.tissue_of(seen, voxel_nm)
        for volume, seen in evidence.looks().items()
    }
    counts = Counter(of_volume[volume] for volume in evidence.candidates["volume"])
    return counts.most_common(1)[0][0]


def probability_held_out(
    labels: Labels, fit: Fit, halves: NDArray[np.int64] | None = None
) -> NDArray[np.float32]:
    """Return the probability of each candidate by what saw none of its cell.

    Args:
        labels: of a tissue.
        fit: fits memberships to evidence.
        halves: see `learn_tissue`; what is fitted to a half answers that half.

    Raises:
        ModelError: there is but one cell, in all or in a half.
    """
    tasks, candidates = labels.evidence.tasks, labels.evidence.candidates
    if halves is None:
        halves = np.zeros(len(tasks), np.int64)
    found = np.zeros(len(candidates), np.float32)
    for half in np.unique(halves):
        for aside in _held_out(tasks["cell"], halves == half):
            here = candidates["task"].isin(tasks.loc[aside, "task"]).to_numpy()
            teaching = labels.of_tasks((halves == half) & ~aside)
            memberships = fit(teaching.evidence)
            if here.any():
                found[here] = labels.of_tasks(aside).evidence.probability(memberships)
    return found


def _held_out(
    cells: "pd.Series[int]", among: NDArray[np.bool_]
) -> Iterator[NDArray[np.bool_]]:
    """Yield the tasks of each part of the cells: (tasks,) bool, all ``among`` these."""
    numbers, number = np.unique(cells[among], return_inverse=True)
    if len(numbers) < 2:
        raise ModelError(
            f"labels are of {len(numbers)} cell, expected 2 or more: some are held "
            "out, to see whether the others help; label tasks of other cells"
        )
    for part in range(min(PARTS, len(numbers))):
        aside = np.zeros(len(cells), np.bool_)
        aside[among] = number % PARTS == part
        yield aside


def choose_on_whole_tasks(
    labels: Labels, held_out: NDArray[np.float32], settings: DecisionSettings
) -> Decisions:
    """Choose what is accepted and rejected unseen; single decisions bound nothing.

    People were asked about what is doubtful, so what they decided says little of the
    rest: without labelled tasks all is asked about.

    Args:
        labels: of the tissue.
        held_out: (candidates,) float32, see `probability_held_out`.
        settings: what is asked of decisions that nobody looks at.
    """
    evidence = labels.of_tasks(labels.whole).evidence
    here = labels.evidence.candidates["task"].isin(evidence.tasks["task"])
    segments = evidence.candidates.assign(probability=held_out[here.to_numpy()])
    ranked = rank_segments(batches_of(segments), evidence.tasks)
    chosen = choose_decisions(ranked, evidence.tasks, settings)
    return replace(chosen, threshold=EVEN)


def _recognize(evidence: Evidence, tissue: str, familiar: Familiar) -> Familiar:
    """Note how the tissue looks, beside those that are known."""
    looks = evidence.looks()
    found = Tissue.of((looks[volume] for volume in sorted(looks)), evidence.voxel_nm())
    if found is None:
        raise ModelError(
            f"labels lie in {len(looks)} volumes, expected {LEAST_VOLUMES} or more to "
            "know the tissue by; label tasks in others, too"
        )
    return familiar._replace(tissues={**familiar.tissues, tissue: found})
