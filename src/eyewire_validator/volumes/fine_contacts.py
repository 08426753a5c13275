"""The contacts of a volume as they were scored at full resolution, kept beside it.

At 64 voxels an edge of Eyewire's 256, a membrane is thinner than a voxel, and neurites
are a voxel or two thick. So contacts may be scored while the raw volume is in hand, and
are then at hand without another download.
"""

import json
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from eyewire_validator.storage.schemas.volumes import FINE_CONTACTS
from eyewire_validator.storage.tables import read_metadata, read_table, write_table
from eyewire_validator.volumes.appearance import Appearance
from eyewire_validator.volumes.voxel_size import VoxelSize


def rows_of_contacts(
    pairs: NDArray[np.int64], area: NDArray[np.float64], evidence: NDArray[np.float32]
) -> pd.DataFrame:
    """Return contacts as rows in the schema `FINE_CONTACTS`.

    Args:
        pairs: (n, 2) segment ids, the lower one first.
        area: (n,) in faces of voxels.
        evidence: (members, n) log odds that both sides belong together.
    """
    one, other = pairs.T
    log_odds = pd.Series(list(evidence.T), dtype=object)
    return pd.DataFrame({"one": one, "other": other, "area": area}).assign(
        log_odds=log_odds
    )


def contacts_of_rows(
    rows: pd.DataFrame,
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float32]]:
    """Return what `rows_of_contacts` took; of no rows, the evidence of one member."""
    log_odds = rows["log_odds"].to_list()
    evidence = np.stack(log_odds, axis=1) if log_odds else np.zeros((1, 0))
    return (
        rows[["one", "other"]].to_numpy(np.int64),
        rows["area"].to_numpy(np.float64),
        evidence.astype(np.float32),
    )


class FineContacts(NamedTuple):
    """The contacts between the segments of a raw volume.

    Attributes:
        pairs: (n, 2) int64 segment ids, the lower one first, ascending.
        area: (n,) float64, in faces of full-resolution voxels.
        evidence: (members, n) float32 log odds that both sides belong together.
        looks: of the raw volume.
        voxel_nm: edges of a full-resolution voxel (z, y, x) in nm; none if unknown.
        scored_by: hash of the network that did.
    """

    pairs: NDArray[np.int64]
    area: NDArray[np.float64]
    evidence: NDArray[np.float32]
    looks: Appearance
    voxel_nm: VoxelSize | None
    scored_by: str

    def write(self, path: Path) -> None:
        """Write them as Parquet."""
        frame = rows_of_contacts(self.pairs, self.area, self.evidence)
        about = {
            "looks": json.dumps(self.looks),
            "voxel_nm": json.dumps(self.voxel_nm),
            "scored_by": self.scored_by,
        }
        write_table(path, frame, FINE_CONTACTS, about)

    @staticmethod
    def scored_by_of(path: Path) -> str | None:
        """Return the hash of the network that scored what `write` wrote."""
        return read_metadata(path).get("scored_by")

    @classmethod
    def read(cls, path: Path) -> "FineContacts":
        """Read what `write` wrote.

        Raises:
            TableError: missing, damaged, or another table.
        """
        frame, about = read_table(path, FINE_CONTACTS), read_metadata(path)
        edges = json.loads(about["voxel_nm"])
        return cls(
            *contacts_of_rows(frame),
            Appearance(*json.loads(about["looks"])),
            (edges[0], edges[1], edges[2]) if edges else None,
            about["scored_by"],
        )
