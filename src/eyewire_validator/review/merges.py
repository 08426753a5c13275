"""The merges that people decided: both sides of each pair, as CAVE takes them.

A question is no merge: only pairs that are settled as belonging are listed. CAVE's
`do_merge` takes the ids of two supervoxels and a point (x, y, z) in each, which times
its resolution is in nm.

Source: CAVEconnectome/CAVEclient, caveclient/chunkedgraph.py.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from eyewire_validator.review.agreement import settle
from eyewire_validator.review.crops import SEED, find_contact, label_pair
from eyewire_validator.review.decisions import YES
from eyewire_validator.tasks.lineage import Lineage, Task
from eyewire_validator.tasks.origins import Origins
from eyewire_validator.volumes.store import CoarseVolume, VolumeStore

COLUMNS = (
    *("item", "decided_by"),
    *("seed", "seed_x_nm", "seed_y_nm", "seed_z_nm"),
    *("supervoxel", "x_nm", "y_nm", "z_nm"),
)


def list_merges(
    decisions: pd.DataFrame, lineage: Lineage, store: VolumeStore, origins: Origins
) -> pd.DataFrame:
    """List the pairs that all who decided say belong together.

    Args:
        decisions: table in the schema `DECISIONS`.
        lineage: with their tasks.
        store: with their volumes.
        origins: of their segments.

    Returns:
        `COLUMNS`: own ids of candidate and of the nearest segment of the seed, as
        texts, and the two voxels where they are nearest, in nm. A pair is left out
        where the size of voxels or the place is not known, or the seed is too small to
        be seen.
    """
    settled = settle(decisions)
    names = settled[settled["verdict"] == YES].set_index("item")["decided_by"]
    rows = decisions.drop_duplicates("item").dropna(subset="z_nm")
    rows = rows[rows["item"].isin(names.index)].sort_values("item")
    merges = _merges(rows, lineage, store, origins) if store.voxel_nm else ()
    found = pd.DataFrame(merges, columns=COLUMNS)
    return found.assign(decided_by=found["item"].map(names))


def _merges(
    rows: pd.DataFrame, lineage: Lineage, store: VolumeStore, origins: Origins
) -> Iterator[dict[str, Any]]:
    factor = np.array(store.geometry.factor)
    for row in rows.itertuples():
        task = lineage.task(row.task)
        volume = store.get(task.volume_id)
        corner, voxel = np.array(task.corner), np.array([row.z, row.y, row.x])
        sides = _sides(volume, task, row.segment, (voxel - corner) // factor)
        if not sides:
            continue
        nearest = volume.segmentation[tuple(sides[0])].astype(np.int64)
        seed = origins.own_ids(task.volume_id, nearest[None])[0]
        of_voxel = np.array([row.z_nm, row.y_nm, row.x_nm])
        seed_nm, nm = (
            of_voxel + (corner + side * factor + factor // 2 - voxel) * store.voxel_nm
            for side in sides
        )
        yield {
            "item": row.item,
            "seed": str(seed),
            "supervoxel": str(row.supervoxel),
            **dict(zip(("seed_z_nm", "seed_y_nm", "seed_x_nm"), seed_nm, strict=True)),
            **dict(zip(("z_nm", "y_nm", "x_nm"), nm, strict=True)),
        }


def _sides(
    volume: CoarseVolume, task: Task, candidate: int, point: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]] | None:
    """Return the voxels (z, y, x) of seed and candidate where they are nearest."""
    labels = label_pair(volume, task.seed, candidate)
    touched = find_contact(labels, point.tolist())
    seed = np.argwhere(labels == SEED)
    if not len(seed):
        return None
    return seed[((seed - touched) ** 2).sum(axis=1).argmin()], touched
