"""Keep the scored contacts of volumes in files: scoring costs seconds a volume."""

import json
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from eyewire_validator.agglomeration.scoring import SCORED_VOLUMES, ScoredContacts
from eyewire_validator.storage.schemas.growth import CONTACT_SCORES
from eyewire_validator.storage.tables import read_metadata, read_table
from eyewire_validator.volumes.appearance import Appearance

# Of a volume in which nothing touches.
NO_PAIRS, NO_EVIDENCE = np.empty((0, 2), np.int64), np.empty((1, 0), np.float32)


def rows_of_scores(volume: int, contacts: ScoredContacts) -> pd.DataFrame:
    """Return the rows of `CONTACT_SCORES` of a volume."""
    return pd.DataFrame(
        {
            "volume": volume,
            "one": contacts.pairs[:, 0],
            "other": contacts.pairs[:, 1],
            "area": contacts.area,
            "evidence": pd.Series(list(contacts.evidence.T), dtype=object),
        }
    )


def seen_in(scored: Mapping[int, ScoredContacts]) -> dict[str, str]:
    """Return metadata of `CONTACT_SCORES`: how volumes looked when they were scored."""
    seen = {volume: [one.looks, one.voxel_nm] for volume, one in scored.items()}
    return {"seen": json.dumps(seen)}


def scores_in(files: Iterable[Path]) -> Callable[[int], ScoredContacts]:
    """Return a function that gives the scored contacts of a volume.

    Args:
        files: tables in the schema `CONTACT_SCORES`, each of some volumes.
    """
    rows: dict[int, pd.DataFrame] = {}
    seen: dict[str, Any] = {}
    for file in files:
        table = read_table(file, CONTACT_SCORES)
        rows |= {int(volume): part for volume, part in table.groupby("volume")}
        seen |= json.loads(read_metadata(file)["seen"])

    def contacts_of(volume: int) -> ScoredContacts:
        looks, voxel_nm = seen[str(volume)]
        about = Appearance(*looks), (*voxel_nm,) if voxel_nm else None
        if volume not in rows:
            return ScoredContacts(NO_PAIRS, np.empty(0), NO_EVIDENCE, *about)
        part = rows[volume]
        evidence = np.stack(part["evidence"].to_list(), axis=1).astype(np.float32)
        pairs = part[["one", "other"]].to_numpy(np.int64)
        return ScoredContacts(
            pairs, part["area"].to_numpy(np.float64), evidence, *about
        )

    return lru_cache(SCORED_VOLUMES)(contacts_of)
