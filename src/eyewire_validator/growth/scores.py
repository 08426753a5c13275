"""Keep the scored contacts of volumes in files: scoring costs seconds a volume."""

import json
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import pandas as pd

from eyewire_validator.agglomeration.scoring import SCORED_VOLUMES, ScoredContacts
from eyewire_validator.storage.schemas.growth import CONTACT_SCORES
from eyewire_validator.storage.tables import read_metadata, read_table
from eyewire_validator.volumes.appearance import Appearance
from eyewire_validator.volumes.fine_contacts import contacts_of_rows, rows_of_contacts


def rows_of_scores(volume: int, contacts: ScoredContacts) -> pd.DataFrame:
    """Return the rows of `CONTACT_SCORES` of a volume."""
    rows = rows_of_contacts(contacts.pairs, contacts.area, contacts.evidence)
    return rows.assign(volume=volume)


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
    none = pd.DataFrame(columns=CONTACT_SCORES.names)
    for file in files:
        table = read_table(file, CONTACT_SCORES)
        rows |= {int(volume): part for volume, part in table.groupby("volume")}
        seen |= json.loads(read_metadata(file)["seen"])

    def contacts_of(volume: int) -> ScoredContacts:
        looks, voxel_nm = seen[str(volume)]
        about = Appearance(*looks), (*voxel_nm,) if voxel_nm else None
        return ScoredContacts(*contacts_of_rows(rows.get(volume, none)), *about)

    return lru_cache(SCORED_VOLUMES)(contacts_of)
