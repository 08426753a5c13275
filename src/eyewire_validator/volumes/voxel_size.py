"""The edges of a voxel: as the config says, or as the files of the image say."""

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from eyewire_validator.errors import ConfigError, ModelError
from eyewire_validator.storage.files import read_json
from eyewire_validator.volumes.geometry import ByAxis, by_axis

# Edges (z, y, x), nm.
VoxelSize = tuple[float, float, float]
# Edges that differ by no more than this are alike.
ALIKE = 1.15
# Those of a config and of a file are the same up to this part of them.
TOLERANCE = 0.01


def voxel_size(
    configured: Sequence[float] | None, manifest: Path | None = None
) -> VoxelSize | None:
    """Return the edges of a full-resolution voxel (z, y, x) in nm; none if unknown.

    Args:
        configured: ``volumes.voxel_nm``.
        manifest: of a sandbox from files, which says how large their voxels are.

    Raises:
        ConfigError: the two say different things.
    """
    found = read_json(manifest).get("voxel_nm") if manifest else None
    return agreed(configured, found)


def agreed(
    configured: Sequence[float] | None, found: Sequence[float] | None
) -> VoxelSize | None:
    """Return the edges (z, y, x) in nm that a config and a file agree on.

    Args:
        configured: ``volumes.voxel_nm``; none if the config does not say.
        found: as the image's file says; none if it does not.

    Raises:
        ConfigError: the two say different things.
    """
    if configured and found and not np.allclose(configured, found, rtol=TOLERANCE):
        raise ConfigError(
            f"volumes.voxel_nm is {list(configured)}, but the image's file says "
            f"{list(found)} (z, y, x); correct it, or leave it out"
        )
    edges = configured or found
    return (float(edges[0]), float(edges[1]), float(edges[2])) if edges else None


def stated(voxel_nm: Sequence[float] | None) -> VoxelSize | None:
    """Return the edges (z, y, x) in nm that somebody states; none if nobody does.

    Raises:
        ModelError: they are not three lengths above 0.
    """
    if voxel_nm is None:
        return None
    try:
        z, y, x = map(float, voxel_nm)
    except (TypeError, ValueError):
        z = y = x = math.nan
    if not all(0 < edge < math.inf for edge in (z, y, x)):
        raise ModelError(
            f"the edges of a voxel are {voxel_nm!r:.60}, expected three lengths above "
            "0 in nm (z, y, x), such as (30, 8, 8)"
        )
    return z, y, x


def coarsened(voxel_nm: VoxelSize | None, factor: ByAxis) -> VoxelSize | None:
    """Return the edges of a coarse voxel of ``factor`` voxels an edge, by axis."""
    if voxel_nm is None:
        return None
    z, y, x = (a * b for a, b in zip(voxel_nm, by_axis(factor), strict=True))
    return z, y, x


def relative_edges(voxel_nm: VoxelSize | None) -> VoxelSize:
    """Return the edges (z, y, x) in those of a cube of the same volume.

    Lengths, areas and volumes in these units are counted in voxels where voxels are
    cubes, of whatever size: their edges are exactly 1, as are those of unknown voxels.
    """
    if voxel_nm is None or len(set(voxel_nm)) == 1:
        return 1.0, 1.0, 1.0
    z, y, x = np.asarray(voxel_nm) / math.prod(voxel_nm) ** (1 / 3)
    return float(z), float(y), float(x)


def relative_areas(voxel_nm: VoxelSize | None) -> VoxelSize:
    """Return the areas of faces across z, y and x, relative as `relative_edges`."""
    z, y, x = relative_edges(voxel_nm)
    return 1 / z, 1 / y, 1 / x


def are_alike(one: float, other: float) -> bool:
    """Return whether two edges are alike, as those of a cube are."""
    return max(one, other) <= ALIKE * min(one, other)


def are_cubes(voxel_nm: VoxelSize) -> bool:
    """Return whether all edges are alike."""
    return are_alike(min(voxel_nm), max(voxel_nm))
