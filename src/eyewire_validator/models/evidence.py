"""Gather what linkage says of every candidate of labelled tasks.

Scoring contacts is what takes time. Membership, thresholds and calibration are fitted
to its outcome again and again: across tissues, or to a few tasks of a new one.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from eyewire_validator.agglomeration.contact_model import ContactModel
from eyewire_validator.agglomeration.membership import Membership, fit_membership
from eyewire_validator.agglomeration.scoring import linker
from eyewire_validator.config.families import AgglomerationSettings
from eyewire_validator.evaluation.segment_scores import Candidates
from eyewire_validator.jobs.progress import Progress
from eyewire_validator.storage.schemas.carry_over import EVIDENCE, EVIDENCE_TASKS
from eyewire_validator.tasks.lineage import Lineage
from eyewire_validator.volumes.dust import Dust
from eyewire_validator.volumes.store import VolumeStore


class Evidence(NamedTuple):
    """The candidates of labelled tasks, and what linkage says of them.

    Attributes:
        tasks: in the schema `EVIDENCE_TASKS`.
        candidates: in the schema `EVIDENCE`.
    """

    tasks: pd.DataFrame
    candidates: pd.DataFrame

    def levels(self) -> NDArray[np.float32]:
        """Return (members, candidates) log odds of the linkage."""
        return np.stack(self.candidates["levels"].to_list(), axis=1)

    def probability(self, membership: Membership) -> NDArray[np.float32]:
        """Return the probability of each candidate: the mean of the members."""
        about = self.candidates[["seed_area", "rejected"]]
        area, rejected = (column.to_numpy() for _, column in about.items())
        members = membership.probability(self.levels(), area, rejected)
        return np.asarray(members.mean(axis=0), np.float32)


def gather_evidence(
    model: ContactModel,
    index: pd.DataFrame,
    store: VolumeStore,
    settings: AgglomerationSettings,
    dust: Dust,
    tasks: Iterable[int],
) -> Evidence:
    """Score the volumes of tasks, and link their candidates to the seeds.

    Args:
        model: scores contacts; its membership is not used.
        index: table in the schema `TASK_INDEX`, with the ancestors of the tasks, too.
        store: the volumes.
        settings: of the model.
        dust: segments that are no candidates.
        tasks: ids, those of a volume together.
    """
    lineage, link_task = Lineage(index), linker(model, store, settings)
    rows, candidates = [], []
    for task in Progress([lineage.task(task) for task in tasks], unit="tasks"):
        linked = link_task(task, lineage)
        found = Candidates.of(task, store.coverage(task.volume_id), dust)
        ids = {"task": task.task, "cell": task.cell, "volume": task.volume_id}
        rows.append({**ids, **found.full_counts})
        place = pd.Index(linked.segments).get_indexer(found.about["segment"])
        is_linked = place >= 0
        levels = np.full((len(linked.levels), len(place)), -np.inf, np.float32)
        levels[:, is_linked] = linked.levels[:, place[is_linked]]
        about = {
            "seed_area": np.where(is_linked, linked.seed_area[place], 0.0),
            "rejected": is_linked & linked.rejected[place],
            "levels": list(levels.T),
        }
        candidates.append(pd.DataFrame({**found.about, **about})[EVIDENCE.names])
    return Evidence(
        pd.DataFrame(rows, columns=EVIDENCE_TASKS.names),
        pd.concat(candidates, ignore_index=True),
    )


def fit_membership_across(tissues: Mapping[str, Evidence]) -> Membership:
    """Fit membership to several tissues, each of which counts the same."""
    parts = []
    for evidence in tissues.values():
        levels, about = evidence.levels(), evidence.candidates
        for level in levels:
            known = np.isfinite(level)
            weights = np.full(known.sum(), 1 / np.isfinite(levels).sum())
            own = about.loc[known, ["seed_area", "rejected", "truth"]]
            parts.append((level[known], *own.to_numpy(object).T, weights))
    levels, area, rejected, belongs, weights = map(
        np.concatenate, zip(*parts, strict=True)
    )
    return fit_membership(
        levels,
        area.astype(np.float64),
        rejected.astype(np.bool_),
        belongs.astype(np.bool_),
        weights / weights.mean(),
    )
