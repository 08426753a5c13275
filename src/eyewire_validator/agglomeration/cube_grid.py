"""Show a network voxels that are no cubes on a grid of cubes, and bring back answers.

A network that learned from cubes takes steps of equal length for granted. So the image
is resampled for it, and only the image: segments stay where they are, and affinities
are brought back to the faces between their voxels.
"""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from eyewire_validator.learning.symmetry import SYMMETRIES, Symmetry, symmetries_of
from eyewire_validator.volumes.geometry import Edges
from eyewire_validator.volumes.grey import standardize_image
from eyewire_validator.volumes.store import CoarseVolume
from eyewire_validator.volumes.voxel_size import VoxelSize, are_cubes


def shown_image(volume: CoarseVolume, learned_nm: VoxelSize | None) -> Tensor:
    """Return the image of a volume as a network is shown it.

    Args:
        volume: see `CoarseVolume`.
        learned_nm: edges of the voxels (z, y, x) in nm that the network learned from.

    Returns:
        (z, y, x) float32 in standard deviations, of the voxels or of cubes.
    """
    edge = cube_edge(volume.voxel_nm, learned_nm)
    if volume.voxel_nm is None or edge is None:
        return torch.from_numpy(standardize_image(volume.image))
    cubes = resample_image(volume.image, volume.voxel_nm, edge)
    return torch.from_numpy(standardize_image(cubes))


def shown_symmetries(
    voxel_nm: VoxelSize | None, learned_nm: VoxelSize | None
) -> Sequence[Symmetry]:
    """Return the symmetries of what a network is shown; see `cube_edge`."""
    as_cubes = cube_edge(voxel_nm, learned_nm) is not None
    return SYMMETRIES if as_cubes else symmetries_of(voxel_nm)


def cube_edge(voxel_nm: VoxelSize | None, learned_nm: VoxelSize | None) -> float | None:
    """Return the edge in nm of the cubes that a network is to see.

    It is that of the voxels that it learned from, or the nearest to it that is neither
    longer nor shorter than all edges of the voxels; the shortest if nobody knows.

    Args:
        voxel_nm: edges of a voxel (z, y, x) in nm; none if unknown.
        learned_nm: the same of the voxels that the network learned from.

    Returns:
        None where the voxels are to be seen as they are: cubes, or unknown, or the
        network learned from such as are no cubes.
    """
    if voxel_nm is None or are_cubes(voxel_nm):
        return None
    if learned_nm is None:
        return min(voxel_nm)
    if not are_cubes(learned_nm):
        return None
    return float(np.clip(np.mean(learned_nm), min(voxel_nm), max(voxel_nm)))


def resample_image(
    image: NDArray[np.uint8], voxel_nm: VoxelSize, edge: float
) -> NDArray[np.float32]:
    """Resample (z, y, x) grey values to cubes of an edge in nm, in the same box."""
    # It takes a second to import, and most voxels are cubes.
    from skimage.transform import resize

    shape = [
        max(1, round(n * own / edge))
        for n, own in zip(image.shape, voxel_nm, strict=True)
    ]
    found: NDArray[np.float32] = resize(  # type: ignore[no-untyped-call]
        image.astype(np.float32), shape, order=1, mode="edge", anti_aliasing=True
    )
    return found


def nearest_voxels(ids: NDArray[np.int32], shape: Sequence[int]) -> NDArray[np.int32]:
    """Resample (z, y, x) ids to another grid in the same box, each by the nearest."""
    for axis, (own, wanted) in enumerate(zip(ids.shape, shape, strict=True)):
        places = ((np.arange(wanted) + 0.5) * own / wanted).astype(np.intp)
        ids = ids.take(places, axis)
    return ids


def onto_faces(logits: Tensor, shape: Edges) -> Tensor:
    """Bring affinities of cubes back to the faces of a grid in the same box.

    Between the centres of two voxels lie several faces of cubes, where voxels are
    longer than these: a membrane in any of them parts the two, so that the lowest
    counts.

    Args:
        logits: (3, z, y, x) of each cube and the next one along z, y and x.
        shape: of the grid.

    Returns:
        (3, *shape), of each voxel and the next one along z, y and x.
    """
    return torch.stack(
        [_onto_faces_along(axis, values, shape) for axis, values in enumerate(logits)]
    )


def _onto_faces_along(own: int, values: Tensor, shape: Edges) -> Tensor:
    for axis, count in enumerate(shape):
        cubes = values.shape[axis] / count
        voxels = torch.arange(count, dtype=torch.float32, device=values.device)
        if axis != own:
            values = _interpolate(values, axis, (voxels + 0.5) * cubes - 0.5)
            continue
        behind = (voxels + 1) * cubes - 1
        between = max(round(cubes), 1)
        steps = torch.arange(between, device=values.device) - (between - 1) / 2
        found = [_interpolate(values, axis, behind + step) for step in steps]
        values = torch.stack(found).amin(0)
    return values


def _interpolate(values: Tensor, axis: int, places: Tensor) -> Tensor:
    """Interpolate linearly at places along an axis; beyond, the ends go on."""
    last = values.shape[axis] - 1
    places = places.clamp(0, last)
    low = places.long()
    high = (low + 1).clamp(max=last)
    weight = (places - low).view([-1 if a == axis else 1 for a in range(3)])
    return torch.lerp(
        values.index_select(axis, low), values.index_select(axis, high), weight
    )
