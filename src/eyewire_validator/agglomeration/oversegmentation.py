"""Make supervoxels of an image that has none, by watershed of its affinities.

Affinities are cut where they are high, the distance to the nearest boundary is
smoothed, and the watershed of the boundary map (scikit-image) floods from the maxima of
the distance: the usual way from boundaries to supervoxels (Beier et al. 2017,
doi:10.1038/nmeth.4151).
"""

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt, gaussian_filter
from skimage.feature import peak_local_max
from skimage.segmentation import watershed
from skimage.transform import resize

from eyewire_validator.agglomeration.affinity_unet import AffinityUNet, predict
from eyewire_validator.agglomeration.cube_grid import cube_edge, resample_image
from eyewire_validator.agglomeration.tiles import tiles_of
from eyewire_validator.errors import ModelError
from eyewire_validator.jobs.progress import Progress
from eyewire_validator.volumes.grey import standardize_image
from eyewire_validator.volumes.voxel_size import VoxelSize, relative_edges

# Edge of what the network sees at once, and how much of it is seen but not used.
TILE, MARGIN = 64, 16
# A voxel is boundary where its mean affinity to its next neighbours is below this.
BOUNDARY = 0.9
# Smoothing of the distance to the boundary, and distance of two seeds, voxels.
SMOOTHING, APART = 1.0, 2
# Bytes a voxel that it takes, and what it may take.
VOXEL_BYTES, MOST_BYTES = 40, 8 * 2**30


def oversegment(
    model: AffinityUNet,
    image: NDArray[np.uint8],
    voxel_nm: VoxelSize | None = None,
    learned_nm: VoxelSize | None = None,
) -> NDArray[np.uint32]:
    """Cut an image into supervoxels.

    Args:
        model: the network; it computes where its weights are.
        image: (z, y, x) grey values.
        voxel_nm: edges of a voxel (z, y, x) in nm; where it is no cube, the network
            sees cubes, see `cube_grid`.
        learned_nm: the same of the voxels that the network learned from.

    Returns:
        (z, y, x) uint32 ids from 1 on; every voxel has one.

    Raises:
        ModelError: the image is too large to be cut at once.
    """
    if image.size * VOXEL_BYTES > MOST_BYTES:
        raise ModelError(
            f"supervoxels: an image of shape {image.shape} is too large to be cut at "
            f"once; at most {MOST_BYTES // VOXEL_BYTES} voxels"
        )
    edges = relative_edges(voxel_nm)
    boundary = 1 - _affinities_of_voxels(model, image, voxel_nm, learned_nm)
    distance = distance_transform_edt(boundary <= 1 - BOUNDARY, edges)
    distance = gaussian_filter(distance.astype(np.float32), SMOOTHING / np.array(edges))
    peaks = peak_local_max(  # type: ignore[no-untyped-call]
        distance, min_distance=APART, exclude_border=False
    )
    markers = np.zeros(image.shape, np.int32)
    markers[tuple(peaks.T)] = np.arange(1, len(peaks) + 1)
    flooded = watershed(boundary, markers)  # type: ignore[no-untyped-call]
    return np.asarray(flooded, np.uint32)


def _affinities_of_voxels(
    model: AffinityUNet,
    image: NDArray[np.uint8],
    voxel_nm: VoxelSize | None,
    learned_nm: VoxelSize | None,
) -> NDArray[np.float32]:
    """Return `mean_affinities`, found on cubes where voxels are none."""
    edge = cube_edge(voxel_nm, learned_nm)
    if voxel_nm is None or edge is None:
        return mean_affinities(model, image)
    of_cubes = mean_affinities(model, resample_image(image, voxel_nm, edge))
    found = resize(of_cubes, image.shape, order=1)  # type: ignore[no-untyped-call]
    return np.asarray(found, np.float32)


def mean_affinities(
    model: AffinityUNet, image: NDArray[np.uint8] | NDArray[np.float32]
) -> NDArray[np.float32]:
    """Return each voxel's mean affinity to the next one along each axis.

    Args:
        model: the network.
        image: (z, y, x) grey values.

    Returns:
        (z, y, x) float32, 0 to 1.
    """
    standard = torch.from_numpy(standardize_image(image))
    standard = standard.to(next(model.parameters()).device)
    found = np.empty(image.shape, np.float32)
    tiles = list(tiles_of(image.shape, TILE, MARGIN))
    for seen, used, inside in Progress(tiles, unit="tiles"):
        with torch.inference_mode():
            logits = predict(model, standard[seen][None])[0, :3]
            found[used] = logits[:, *inside].sigmoid().mean(dim=0).cpu().numpy()
    return found
