"""Show a network raw volumes to adapt to, before it scores their contacts."""

import numpy as np

from eyewire_validator.volumes.raw import RawVolume
from eyewire_validator.volumes.store import CoarseVolume
from eyewire_validator.volumes.voxel_size import VoxelSize

# Voxels an edge of what is seen of a volume: as many as adapting was measured with.
SEEN = 64


def middle_of(raw: RawVolume, voxel_nm: VoxelSize | None) -> CoarseVolume:
    """Cut out the middle of a raw volume, at full resolution.

    Args:
        raw: the volume.
        voxel_nm: edges of its voxels (z, y, x) in nm; none if unknown.

    Returns:
        At most `SEEN` voxels an edge.

    Raises:
        VolumeError: a file of it is missing, damaged, or of another size or form.
    """
    starts = [max(0, (edge - SEEN) // 2) for edge in raw.geometry.size]
    middle = tuple(slice(start, start + SEEN) for start in starts)
    return CoarseVolume(
        np.ascontiguousarray(raw.image()[middle]),
        np.ascontiguousarray(raw.segmentation()[middle]),
        voxel_nm,
    )
