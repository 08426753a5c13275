"""Learn a tissue from a few of its labels: refit membership to them.

What that brings is measured on cells that it was not fitted to: parts of the cells are
held out in turn. It is taken only if it helped.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from eyewire_validator.agglomeration.membership import Membership
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
from eyewire_validator.models.labels import Labels
from eyewire_validator.volumes.appearance import FOLDS as LEAST_VOLUMES
from eyewire_validator.volumes.appearance import Familiar, Tissue

# Parts of the cells that are held out in turn.
PARTS = 5
# Where probabilities are calibrated, this threshold leaves the fewest expected edits.
EVEN = 0.5

Fit = Callable[[Evidence], TissueMemberships]


class Learned(NamedTuple):
    """A tissue that was learned.

    Attributes:
        memberships: with that of the tissue among them.
        decisions: thresholds for it.
        judgement: what it brought on cells that were held out.
        start: the tissue whose membership was refitted; none: that of all.
    """

    memberships: TissueMemberships
    decisions: Decisions
    judgement: Judgement
    start: str | None


def learn_tissue(
    labels: Labels,
    tissue: str,
    known: TissueMemberships,
    threshold: float | None,
    settings: DecisionSettings,
    *,
    volume_voxels: int,
    bootstrap: Mapping[str, int],
) -> Learned:
    """Refit membership to labels, and judge it on cells that are held out.

    Args:
        labels: of the tissue.
        tissue: its name.
        known: the memberships of the model until now.
        threshold: of the model until now: least probability of what it chooses; none:
            it chooses nothing.
        settings: what is asked of decisions that nobody looks at.
        volume_voxels: full-resolution voxels of a volume.
        bootstrap: ``resamples`` and ``random_seed``.

    Raises:
        ModelError: there are too few volumes to know the tissue by, or too few cells to
            hold any out.
    """
    familiar = _recognize(labels.evidence, tissue, known.familiar)
    start = usual_tissue(known, labels.evidence)
    membership = start_of(known, start, labels.evidence)

    def fit(part: Evidence) -> TissueMemberships:
        fitted = {**known.of_tissue, tissue: refit_to(membership, part)}
        return TissueMemberships(fitted, known.of_all, familiar)

    held_out = probability_held_out(labels, fit)
    judgement = judge(
        labels,
        Chosen(labels.evidence.probability(known), threshold),
        Chosen(held_out, EVEN),
        volume_voxels=volume_voxels,
        bootstrap=bootstrap,
    )
    decisions = choose_on_whole_tasks(labels, held_out, settings)
    return Learned(fit(labels.evidence), decisions, judgement, start)


def start_of(
    known: TissueMemberships, start: str | None, evidence: Evidence
) -> Membership:
    """Return the membership that is refitted, on the levels of a tissue as they are."""
    if start is None:
        return known.of_all.on_scale(evidence.scale())
    return known.of_tissue[start]


def usual_tissue(known: TissueMemberships, evidence: Evidence) -> str | None:
    """Return the tissue whose membership most candidates are answered with."""
    voxel_nm = evidence.voxel_nm()
    of_volume = {
        volume: known.tissue_of(seen, voxel_nm)
        for volume, seen in evidence.looks().items()
    }
    counts = Counter(of_volume[volume] for volume in evidence.candidates["volume"])
    return counts.most_common(1)[0][0]


def probability_held_out(labels: Labels, fit: Fit) -> NDArray[np.float32]:
    """Return the probability of each candidate by what saw none of its cell.

    Raises:
        ModelError: there is but one cell.
    """
    tasks, candidates = labels.evidence.tasks, labels.evidence.candidates
    cells, cell = np.unique(tasks["cell"], return_inverse=True)
    if len(cells) < 2:
        raise ModelError(
            f"labels are of {len(cells)} cell, expected 2 or more: some are held out, "
            "to see whether the others help; label tasks of other cells"
        )
    found = np.zeros(len(candidates), np.float32)
    for part in range(min(PARTS, len(cells))):
        aside = cell % PARTS == part
        here = candidates["task"].isin(tasks.loc[aside, "task"]).to_numpy()
        memberships = fit(labels.of_tasks(~aside).evidence)
        if here.any():
            found[here] = labels.of_tasks(aside).evidence.probability(memberships)
    return found


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
