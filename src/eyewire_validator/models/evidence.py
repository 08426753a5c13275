"""Hold what linkage says of the candidates of labelled tasks, and fit to it.

Scoring contacts is what takes time. Membership, thresholds and calibration are fitted
to its outcome again and again: across tissues, or to a few tasks of a new one.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from eyewire_validator.agglomeration.membership import (
    DRIFT,
    Joined,
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

    def joined(self) -> Joined:
        """Return how each member joins the candidates to the seeds."""
        about = self.candidates
        levels, company = (
            np.stack(about[name].to_list(), axis=1) for name in ("levels", "company")
        )
        area, rejected = (about[name].to_numpy() for name in ("seed_area", "rejected"))
        return Joined(levels, company, area, rejected)

    def looks(self) -> dict[int, Appearance]:
        """Return how each volume looks."""
        rows = self.tasks.drop_duplicates("volume")
        pairs = zip(rows["volume"], rows["looks"], strict=True)
        return {int(volume): Appearance(*looks) for volume, looks in pairs}

    def without_company(self) -> "Evidence":
        """Return the same, as if all joined in company as large as the seed."""
        none = self.candidates["company"].map(np.zeros_like)
        return self._replace(candidates=self.candidates.assign(company=none))

    def voxel_nm(self) -> VoxelSize | None:
        """Return the edges of a coarse voxel (z, y, x) in nm; none if unknown."""
        edges = [float(edge) for edge in self.tasks["voxel_nm"].iloc[0]]
        return (edges[0], edges[1], edges[2]) if edges else None

    def probability(self, memberships: TissueMemberships) -> NDArray[np.float32]:
        """Return the probability of each candidate: the mean of the members."""
        joined, volumes = self.joined(), self.candidates["volume"].to_numpy()
        found = np.zeros(len(volumes), np.float32)
        for volume, seen in self.looks().items():
            here = volumes == volume
            membership = memberships.on(seen, self.voxel_nm())
            members = membership.probability(joined.of_segments(here))
            found[here] = members.mean(axis=0)
        return found


def fit_memberships(tissues: Mapping[str, Evidence]) -> TissueMemberships:
    """Fit a membership to each tissue, and one to all of them."""
    return TissueMemberships(
        {name: fit_membership_across({name: one}) for name, one in tissues.items()},
        fit_membership_across(
            {name: one.without_company() for name, one in tissues.items()}
        ),
        Familiar.of(
            {name: one.looks().values() for name, one in tissues.items()},
            {name: one.voxel_nm() for name, one in tissues.items()},
        ),
    )


def fit_membership_across(tissues: Mapping[str, Evidence]) -> Membership:
    """Fit membership to several tissues, each of which counts the same."""
    parts = [_of_members(one, one.joined()) for one in tissues.values()]
    *joined, belongs = map(np.concatenate, zip(*parts, strict=True))
    weights = np.concatenate(
        [np.full(len(part[-1]), 1 / len(part[-1])) for part in parts]
    )
    return fit_membership(Joined(*joined), belongs, weights / weights.mean())


def refit_to(
    start: Membership, evidence: Evidence, drift: Membership = DRIFT
) -> Membership:
    """Refit a membership to the known candidates of another tissue."""
    joined = evidence.joined()
    *of_members, belongs = _of_members(evidence, joined)
    weights = np.full(len(belongs), 1 / len(joined.levels))
    return refit_membership(start, Joined(*of_members), belongs, weights, drift)


def _of_members(evidence: Evidence, joined: Joined) -> tuple[NDArray[Any], ...]:
    """Return the candidates that members join, and whether they belong: (n,) each."""
    of_members, of_each = joined.of_members()
    return *of_members, evidence.candidates["truth"].to_numpy(np.bool_)[of_each]
