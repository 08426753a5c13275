"""Gather what linkage says of the candidates of labelled tasks."""

from collections.abc import Iterable
from itertools import starmap

import numpy as np
import pandas as pd

from eyewire_validator.agglomeration.contact_model import ContactModel
from eyewire_validator.agglomeration.scoring import ScoredContacts, linker
from eyewire_validator.config.families import AgglomerationSettings
from eyewire_validator.evaluation.segment_scores import Candidates
from eyewire_validator.jobs.progress import Progress
from eyewire_validator.models.evidence import Evidence
from eyewire_validator.storage.schemas.carry_over import (
    CONTACTS,
    EVIDENCE,
    EVIDENCE_TASKS,
)
from eyewire_validator.tasks.lineage import Lineage
from eyewire_validator.volumes.dust import Dust
from eyewire_validator.volumes.store import VolumeStore


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
    contacts: dict[int, ScoredContacts] = {}
    for task in Progress([lineage.task(task) for task in tasks], unit="tasks"):
        linked = link_task(task, lineage)
        contacts[task.volume_id] = linked.contacts
        found = Candidates.of(task, store.coverage(task.volume_id), dust)
        ids = {"task": task.task, "cell": task.cell, "volume": task.volume_id}
        volume = {
            "looks": list(linked.contacts.looks),
            "voxel_nm": list(linked.contacts.voxel_nm or ()),
            "scale": list(linked.contacts.scale),
        }
        rows.append({**ids, "seed": task.seed, **found.full_counts, **volume})
        place = pd.Index(linked.segments).get_indexer(found.about["segment"])
        is_linked = place >= 0
        levels = np.full((len(linked.levels), len(place)), -np.inf, np.float32)
        levels[:, is_linked] = linked.levels[:, place[is_linked]]
        about = {
            "truth": np.isin(found.about["segment"], task.aggregate),
            "seed_area": np.where(is_linked, linked.seed_area[place], 0.0),
            "rejected": is_linked & linked.rejected[place],
            "levels": list(levels.T),
        }
        candidates.append(pd.DataFrame({**found.about, **about})[EVIDENCE.names])
    return Evidence(
        pd.DataFrame(rows, columns=EVIDENCE_TASKS.names),
        pd.concat(candidates, ignore_index=True),
        pd.concat(starmap(_of_volume, contacts.items()), ignore_index=True),
    )


def _of_volume(volume: int, contacts: ScoredContacts) -> pd.DataFrame:
    """Return the contacts of a volume in the schema `CONTACTS`."""
    columns = {
        "volume": volume,
        "one": contacts.pairs[:, 0],
        "other": contacts.pairs[:, 1],
        "area": contacts.area,
        "log_odds": contacts.evidence.mean(axis=0, dtype=np.float64),
    }
    return pd.DataFrame(columns, columns=CONTACTS.names)
