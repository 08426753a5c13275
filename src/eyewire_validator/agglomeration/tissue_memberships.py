"""Membership by tissue: what evidence means depends on what it is found in.

In mouse cortex, contacts that look like one cell are of two far more often than in the
fly, and cells that touch the seed belong more often. So each tissue that was learned
from has a membership of its own, and a volume is answered with that of the tissue that
it looks like. One that looks like none is answered by what was fitted to all of them,
whatever company segments join in: how much of a cell joins at once depends on how
finely its supervoxels cut it (docs/log/company.md).
"""

from collections.abc import Mapping
from dataclasses import dataclass

from eyewire_validator.agglomeration.membership import Membership
from eyewire_validator.volumes.appearance import Appearance, Familiar
from eyewire_validator.volumes.voxel_size import VoxelSize


@dataclass(frozen=True)
class TissueMemberships:
    """The memberships of the tissues that a model learned from.

    Attributes:
        of_tissue: by name.
        of_all: fitted to all of them, without company; for volumes that look like none.
        familiar: how the tissues look.
    """

    of_tissue: Mapping[str, Membership]
    of_all: Membership
    familiar: Familiar

    def on(self, seen: Appearance, voxel_nm: VoxelSize | None) -> Membership:
        """Return the membership for a volume.

        Args:
            seen: how the volume looks.
            voxel_nm: edges of its voxels (z, y, x) in nm, if known.
        """
        return self.of(self.tissue_of(seen, voxel_nm))

    def of(self, tissue: str | None) -> Membership:
        """Return the membership of a tissue, by its name; of none, that of all."""
        return self.of_all if tissue is None else self.of_tissue[tissue]

    def for_strangers(self) -> "TissueMemberships":
        """Return what answers every volume as if it looked like none."""
        nothing = Familiar({}, self.familiar.voxel_nm)
        return TissueMemberships({}, self.of_all, nothing)

    def tissue_of(self, seen: Appearance, voxel_nm: VoxelSize | None) -> str | None:
        """Name the tissue whose membership a volume gets; none: that of all.

        Args:
            seen: how the volume looks.
            voxel_nm: edges of its voxels (z, y, x) in nm, if known.
        """
        tissues = self.familiar.tissues.items()
        fitted = {name: one for name, one in tissues if name in self.of_tissue}
        strange = any(self.familiar.strange(seen, voxel_nm))
        return None if strange else Familiar(fitted).nearest(seen, voxel_nm)
