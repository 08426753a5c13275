"""Keep the scored contacts of volumes in files: scoring costs seconds a volume."""

from collections.abc import Callable, Iterable
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd

from eyewire_validator.agglomeration.scoring import SCORED_VOLUMES, ScoredContacts
from eyewire_validator.storage.schemas.growth import CONTACT_SCORES
from eyewire_validator.storage.tables import read_table

NO_CONTACTS = ScoredContacts(
    np.empty((0, 2), np.int64), np.empty(0), np.empty((1, 0), np.float32)
)


def rows_of_scores(volume: int, contacts: ScoredContacts) -> pd.DataFrame:
    """Return the rows of `CONTACT_SCORES` of a volume."""
    return pd.DataFrame(
        {
            "volume": volume,
            "one": contacts.pairs[:, 0],
            "other": contacts.pairs[:, 1],
            "area": contacts.area,
            "evidence": list(contacts.evidence.T),
        }
    )


def scores_in(files: Iterable[Path]) -> Callable[[int], ScoredContacts]:
    """Return a function that gives the scored contacts of a volume.

    Args:
        files: tables in the schema `CONTACT_SCORES`, each of some volumes. One of which
            they have no row has no contacts.
    """
    rows = {
        int(volume): part
        for file in files
        for volume, part in read_table(file, CONTACT_SCORES).groupby("volume")
    }

    def contacts_of(volume: int) -> ScoredContacts:
        if volume not in rows:
            return NO_CONTACTS
        part = rows[volume]
        evidence = np.stack(part["evidence"].to_list(), axis=1).astype(np.float32)
        pairs = part[["one", "other"]].to_numpy(np.int64)
        return ScoredContacts(pairs, part["area"].to_numpy(np.float64), evidence)

    return lru_cache(SCORED_VOLUMES)(contacts_of)
