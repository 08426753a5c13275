"""The frame of the user's data: how large a voxel is, and where the first one lies."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from eyewire_validator.storage.files import read_json
from eyewire_validator.volumes.voxel_size import VoxelSize, voxel_size


class Frame(NamedTuple):
    """The frame of the user's data.

    Attributes:
        voxel_nm: edges of a voxel (z, y, x) in nm; none if unknown.
        offset_nm: where the first voxel of the image lies (z, y, x), nm; none is 0.
    """

    voxel_nm: VoxelSize | None
    offset_nm: VoxelSize | None

    @classmethod
    def open(cls, voxel_nm: Sequence[float] | None, manifest: str | None) -> "Frame":
        """Open the frame that a job is given.

        Args:
            voxel_nm: ``volumes.voxel_nm`` of the configuration.
            manifest: of a sandbox from files, which says where they lie; if any.

        Raises:
            ConfigError: configuration and manifest say different things.
        """
        if not manifest:
            return cls(voxel_size(voxel_nm), None)
        file = Path(manifest)
        return cls(voxel_size(voxel_nm, file), read_json(file)["offset_nm"])

    def in_nm(self, voxel: NDArray[np.int64], axis: int) -> NDArray[np.float64]:
        """Return the middles of voxels on an axis, nm; NaN where nobody knows."""
        if self.voxel_nm is None:
            return np.full(voxel.shape, np.nan)
        origin = self.offset_nm[axis] if self.offset_nm else 0.0
        return np.where(voxel < 0, np.nan, (voxel + 0.5) * self.voxel_nm[axis] + origin)
