"""List the distinct volumes that tasks lie in."""

import numpy as np
import pandas as pd

from eyewire_validator.errors import VolumeError
from eyewire_validator.storage.schemas.cells import CATALOG
from eyewire_validator.storage.schemas.columns import MAXIMA, MINIMA

# Columns of its tasks that describe a volume.
VOLUME_COLUMNS = ["channel", "full_path", *MINIMA, *MAXIMA]


def catalog_volumes(tables: pd.DataFrame, group_span: int) -> pd.DataFrame:
    """List the distinct volumes of all tasks.

    Args:
        tables: rows of `CELL_TASKS` of all cells, with at least ``volume`` and
            `VOLUME_COLUMNS`.
        group_span: volumes whose ids share ``volume // group_span`` form a group.

    Returns:
        A row of `CATALOG` for each volume, ascending.

    Raises:
        VolumeError: tasks disagree about where a volume is.
    """
    tasks = tables.dropna(subset="volume").astype({"volume": np.int64})
    of_volume = tasks.groupby("volume")
    _check_agreement(tasks, of_volume[VOLUME_COLUMNS].nunique())
    catalog = of_volume[VOLUME_COLUMNS].first()
    catalog["tasks"] = of_volume.size()
    catalog = catalog.reset_index()
    catalog["group"] = catalog["volume"] // group_span
    return catalog[CATALOG.names]


def _check_agreement(tasks: pd.DataFrame, answers: pd.DataFrame) -> None:
    """Refuse different ``answers``, counted by volume (rows) and name (columns)."""
    for volume in answers.index[(answers > 1).any(axis=1)]:
        name = answers.columns[answers.loc[volume] > 1][0]
        found = tasks.loc[tasks["volume"] == volume, name].dropna().unique()
        raise VolumeError(
            f"volume {volume}: its tasks disagree about {name} "
            f"({', '.join(map(str, found))}); delete the downloads of its cells, rerun"
        )
