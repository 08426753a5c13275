"""Dust: segments too small to be asked about, or to spawn a task."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eyewire_validator.volumes.geometry import Edges
from eyewire_validator.volumes.voxel_size import VoxelSize, relative_edges

# Eyewire's spawner has 100 voxels (seung-lab/task_spawner), in volumes of this edge.
EYEWIRE_VOXELS = 100
EYEWIRE_SIZE = 256


def scaled(voxels: int, size: Edges) -> float:
    """Scale a number of Eyewire's volumes with the mean cross section of others.

    Args:
        voxels: in volumes of 256^3.
        size: edges of a volume (z, y, x), voxels.
    """
    z, y, x = size
    return voxels * ((z * y + y * x + x * z) / 3 / EYEWIRE_SIZE**2)


@dataclass(frozen=True)
class Dust:
    """Sizes up to which a segment is dust, too small to be a candidate.

    Eyewire's spawner has 100 and 1 (seung-lab/task_spawner).

    Attributes:
        voxels: segments of up to this many voxels are dust.
        thickness: so are those up to this many voxels thick along an axis, or edges of
            a cube of a voxel's volume; 0 if the segments are of single slices.
    """

    voxels: int
    thickness: int = 1

    @classmethod
    def of(cls, voxels: int | None, thickness: int, size: Edges) -> "Dust":
        """Resolve what the config leaves open.

        Args:
            voxels: as in the config; None is Eyewire's, scaled with the cross section.
            thickness: voxels.
            size: edges of a volume (z, y, x), voxels.
        """
        if voxels is None:
            voxels = int(scaled(EYEWIRE_VOXELS, size))
        return cls(voxels, thickness)

    def among(
        self,
        voxels: NDArray[np.integer],
        edges: NDArray[np.integer],
        voxel_nm: VoxelSize | None = None,
    ) -> NDArray[np.bool_]:
        """Tell which segments are dust.

        Args:
            voxels: (n,) voxels of each segment.
            edges: (n, 3) edges of the box around each, voxels.
            voxel_nm: edges of a voxel (z, y, x) in nm; a cube if not given.

        Returns:
            (n,) bool.
        """
        thickness = (edges * relative_edges(voxel_nm)).min(axis=1)
        dust: NDArray[np.bool_] = (voxels <= self.voxels) | (
            thickness <= self.thickness
        )
        return dust
