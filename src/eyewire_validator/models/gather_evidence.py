"""Gather what linkage says of the candidates of labelled tasks."""

from collections.abc import Callable, Iterable, Mapping
from itertools import starmap
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from eyewire_validator.agglomeration.scoring import Linked, ScoredContacts
from eyewire_validator.evaluation.segment_scores import Candidates
from eyewire_validator.jobs.progress import Progress
from eyewire_validator.models.evidence import Evidence
from eyewire_validator.storage.schemas.carry_over import (
    CONTACTS,
    EVIDENCE,
    EVIDENCE_TASKS,
)
from eyewire_validator.tasks.lineage import Lineage, Task
from eyewire_validator.volumes.dust import Dust
from eyewire_validator.volumes.store import VolumeStore


def gather_evidence(
    link_task: Callable[[Task, Lineage], Linked],
    index: pd.DataFrame,
    store: VolumeStore,
    dust: Dust,
    tasks: Iterable[int],
) -> Evidence:
    """Link the candidates of tasks to the seeds.

    Args:
        link_task: a `linker`.
        index: table in the schema `TASK_INDEX`, with the ancestors of the tasks, too.
        store: the volumes.
        dust: segments that are no candidates.
        tasks: ids, those of a volume together.
    """
    lineage = Lineage(index)
    rows, candidates = [], []
    for task in Progress([lineage.task(task) for task in tasks], unit="tasks"):
        linked = link_task(task, lineage)
        found = Candidates.of(task, store.coverage(task.volume_id), dust)
        ids = {"task": task.task, "cell": task.cell, "volume": task.volume_id}
        volume = {
            "looks": list(linked.contacts.looks),
            "voxel_nm": list(linked.contacts.voxel_nm or ()),
        }
        rows.append({**ids, "seed": task.seed, **found.full_counts, **volume})
        place = pd.Index(linked.segments).get_indexer(found.about["segment"])
        joined = linked.joined
        about = {
            "truth": np.isin(found.about["segment"], task.aggregate),
            "seed_area": _taken(joined.seed_area, place, 0.0),
            "rejected": _taken(joined.rejected, place, False),
            "levels": list(_taken(joined.levels, place, -np.inf).T),
            "company": list(_taken(joined.company, place, 0.0).T),
        }
        candidates.append(pd.DataFrame({**found.about, **about})[EVIDENCE.names])
    return Evidence(
        pd.DataFrame(rows, columns=EVIDENCE_TASKS.names),
        pd.concat(candidates, ignore_index=True),
    )


def _taken(
    values: NDArray[Any], place: NDArray[np.intp], otherwise: float
) -> NDArray[Any]:
    """Take values at places, (..., n); where a place is -1, what they are otherwise."""
    found = np.full((*values.shape[:-1], len(place)), otherwise, values.dtype)
    found[..., place >= 0] = values[..., place[place >= 0]]
    return found


def region_graphs(scored: Mapping[int, ScoredContacts]) -> pd.DataFrame:
    """Return the contacts of volumes in the schema `CONTACTS`."""
    graphs = starmap(_region_graph, scored.items())
    return pd.concat(graphs, ignore_index=True)


def _region_graph(volume: int, contacts: ScoredContacts) -> pd.DataFrame:
    columns = {
        "volume": volume,
        "one": contacts.pairs[:, 0],
        "other": contacts.pairs[:, 1],
        "area": contacts.area,
        "log_odds": contacts.evidence.mean(axis=0, dtype=np.float64),
    }
    return pd.DataFrame(columns, columns=CONTACTS.names)
