"""Hold what linkage says of the candidates of labelled tasks, and fit to it.

Scoring contacts is what takes time. Membership, thresholds and calibration are fitted
to its outcome again and again: across tissues, or to a few tasks of a new one.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from eyewire_validator.agglomeration.evidence_scale import EvidenceScale
from eyewire_validator.agglomeration.membership import (
    DRIFT,
    Membership,
    fit_membership,
    refit_membership,
)
from eyewire_validator.agglomeration.tissue_memberships import TissueMemberships
from eyewire_validator.storage.schemas.carry_over import (
    CONTACTS,
    EVIDENCE,
    EVIDENCE_TASKS,
)
from eyewire_validator.storage.tables import read_table
from eyewire_validator.volumes.appearance import Appearance, Familiar
from eyewire_validator.volumes.voxel_size import VoxelSize


class Evidence(NamedTuple):
    """The candidates of labelled tasks, and what linkage says of them.

    Attributes:
        tasks: in the schema `EVIDENCE_TASKS`.
        candidates: in the schema `EVIDENCE`.
        contacts: of their volumes, in the schema `CONTACTS`; none where they were not
            kept.
    """

    tasks: pd.DataFrame
    candidates: pd.DataFrame
    contacts: pd.DataFrame = pd.DataFrame(columns=CONTACTS.names)

    @classmethod
    def read(
        cls, tasks: Path | str, candidates: Path | str, *contacts: Path | str
    ) -> "Evidence":
        """Read the tables, contacts only where they are given.

        Raises:
            TableError: one is missing, unreadable, or does not match its schema.
        """
        return cls(
            read_table(Path(tasks), EVIDENCE_TASKS),
            read_table(Path(candidates), EVIDENCE),
            *(read_table(Path(file), CONTACTS) for file in contacts),
        )

    def levels(self) -> NDArray[np.float32]:
        """Return (members, candidates) log odds of the linkage."""
        return np.stack(self.candidates["levels"].to_list(), axis=1)

    def looks(self) -> dict[int, Appearance]:
        """Return how each volume looks."""
        rows = self.tasks.drop_duplicates("volume")
        pairs = zip(rows["volume"], rows["looks"], strict=True)
        return {int(volume): Appearance(*looks) for volume, looks in pairs}

    def scales(self) -> dict[int, EvidenceScale]:
        """Return where the evidence on the contacts of each volume lies."""
        rows = self.tasks.drop_duplicates("volume")
        pairs = zip(rows["volume"], rows["scale"], strict=True)
        return {int(volume): EvidenceScale(*scale) for volume, scale in pairs}

    def scale(self) -> EvidenceScale:
        """Return the mean scale of the volumes."""
        middle, spread = np.mean([*self.scales().values()], axis=0)
        return EvidenceScale(float(middle), float(spread))

    def standardized(self) -> "Evidence":
        """Return the same with the levels of each volume on the scale of its own."""
        scales = pd.DataFrame(self.scales(), index=EvidenceScale._fields)
        middle, spread = scales[self.candidates["volume"]].to_numpy(np.float32)
        levels = (self.levels() - middle) / spread
        return self._replace(candidates=self.candidates.assign(levels=list(levels.T)))

    def voxel_nm(self) -> VoxelSize | None:
        """Return the edges of a coarse voxel (z, y, x) in nm; none if unknown."""
        edges = [float(edge) for edge in self.tasks["voxel_nm"].iloc[0]]
        return (edges[0], edges[1], edges[2]) if edges else None

    def probability(self, memberships: TissueMemberships) -> NDArray[np.float32]:
        """Return the probability of each candidate: the mean of the members."""
        about, levels = self.candidates, self.levels()
        area, rejected = (about[name].to_numpy() for name in ("seed_area", "rejected"))
        found = np.zeros(len(about), np.float32)
        scales = self.scales()
        for volume, seen in self.looks().items():
            here = about["volume"].to_numpy() == volume
            membership = memberships.on(seen, self.voxel_nm(), scales[volume])
            members = membership.probability(
                levels[:, here], area[here], rejected[here]
            )
            found[here] = members.mean(axis=0)
        return found


def fit_memberships(tissues: Mapping[str, Evidence]) -> TissueMemberships:
    """Fit a membership to each tissue, and one to all of them."""
    return TissueMemberships(
        {name: fit_membership_across({name: one}) for name, one in tissues.items()},
        fit_membership_across(
            {name: one.standardized() for name, one in tissues.items()}
        ),
        Familiar.of(
            {name: one.looks().values() for name, one in tissues.items()},
            {name: one.voxel_nm() for name, one in tissues.items()},
        ),
    )


def fit_membership_across(tissues: Mapping[str, Evidence]) -> Membership:
    """Fit membership to several tissues, each of which counts the same."""
    parts = [_Joined.of(evidence) for evidence in tissues.values()]
    every = _Joined(*map(np.concatenate, zip(*parts, strict=True)))
    weights = np.concatenate(
        [np.full(len(one.levels), 1 / len(one.levels)) for one in parts]
    )
    return fit_membership(
        every.levels,
        every.seed_area,
        every.rejected,
        every.belongs,
        weights / weights.mean(),
    )


def refit_to(
    start: Membership, evidence: Evidence, drift: Membership = DRIFT
) -> Membership:
    """Refit a membership to the known candidates of another tissue."""
    joined, members = _Joined.of(evidence), len(evidence.levels())
    return refit_membership(
        start,
        joined.levels,
        joined.seed_area,
        joined.rejected,
        joined.belongs,
        np.full(len(joined.levels), 1 / members),
        drift,
    )


class _Joined(NamedTuple):
    """The candidates that a member joins to the seed, member by member: (n,) each."""

    levels: NDArray[np.float32]
    seed_area: NDArray[np.float64]
    rejected: NDArray[np.bool_]
    belongs: NDArray[np.bool_]

    @classmethod
    def of(cls, evidence: Evidence) -> "_Joined":
        levels, about = evidence.levels(), evidence.candidates
        known = np.isfinite(levels)
        columns = (
            np.concatenate([about[name].to_numpy()[here] for here in known])
            for name in ("seed_area", "rejected", "truth")
        )
        return cls(levels[known], *columns)
