"""Keep the scored contacts of volumes in files: scoring costs seconds a volume."""

import json
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import pandas as pd

from eyewire_validator.agglomeration.scoring import SCORED_VOLUMES, ScoredContacts
from eyewire_validator.storage.schemas.growth import CONTACT_SCORES
from eyewire_validator.storage.tables import read_metadata, read_table, write_table
from eyewire_validator.volumes.appearance import Appearance
from eyewire_validator.volumes.fine_contacts import contacts_of_rows, rows_of_contacts


def write_scores(path: Path, scored: Mapping[int, ScoredContacts]) -> None:
    """Write the contacts of volumes as `CONTACT_SCORES`, with how these looked."""
    rows = [pd.DataFrame(columns=CONTACT_SCORES.names)] if not scored else []
    for volume, one in scored.items():
        of_volume = rows_of_contacts(one.pairs, one.area, one.evidence)
        rows.append(of_volume.assign(volume=volume))
    seen = {volume: [one.looks, one.voxel_nm] for volume, one in scored.items()}
    table = pd.concat(rows, ignore_index=True)
    write_table(path, table, CONTACT_SCORES, {"seen": json.dumps(seen)})


def scored_volumes(file: Path) -> list[int]:
    """List the volumes of a table of `write_scores`, with those that have no contacts.

    Raises:
        TableError: it is missing or damaged.
    """
    return [int(volume) for volume in json.loads(read_metadata(file)["seen"])]


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
