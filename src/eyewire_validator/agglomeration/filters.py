"""Image filters: grey values at several scales, their edges and their sheets.

The filters are those that ilastik offers for membranes (Sommer et al. 2011, Berg et al.
2019): Gaussians, their gradients, and the eigenvalues of the Hessian, the largest of
which is high in a dark sheet such as a membrane.
"""

from itertools import combinations_with_replacement

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from eyewire_validator.agglomeration.features import SHEETS, SMOOTHING
from eyewire_validator.volumes.compiled import compiled
from eyewire_validator.volumes.grey import standardize_image
from eyewire_validator.volumes.voxel_size import VoxelSize


def filter_image(
    image: NDArray[np.uint8], edges: VoxelSize = (1.0, 1.0, 1.0)
) -> NDArray[np.float32]:
    """Filter an image at several scales.

    Args:
        image: (z, y, x) uint8 grey values; their mean and contrast do not matter.
        edges: of a voxel, which scales count in, see `relative_edges`.

    Returns:
        (filters, z, y, x) float32, in the order of `features.FILTERS`; grey values are
        counted in standard deviations of the image from its mean. The eigenvalues of a
        sheet come from the largest to the lowest, times the square of their scale.
    """
    grey = standardize_image(image)
    found = [grey]
    for sigma in SMOOTHING:
        found.append(gaussian_filter(grey, sigma / np.array(edges)))
        found.append(_gradient(grey, sigma, edges))
    for sigma in SHEETS:
        found += _sheets(grey, sigma, edges)
    return np.stack(found).astype(np.float32, copy=False)


def _gradient(
    grey: NDArray[np.float32], sigma: float, edges: VoxelSize
) -> NDArray[np.float32]:
    """Return how steep a Gaussian of the image is."""
    squares = np.zeros_like(grey)
    for axis, edge in enumerate(edges):
        order = [int(axis == other) for other in range(3)]
        slope = gaussian_filter(grey, sigma / np.array(edges), order)
        slope /= np.float32(edge)
        squares += slope * slope
    return np.sqrt(squares, squares)


def _sheets(
    grey: NDArray[np.float32], sigma: float, edges: VoxelSize
) -> list[NDArray[np.float32]]:
    """Return the eigenvalues of the Hessian, from the largest to the lowest.

    The Hessian is that of `skimage.feature.hessian_matrix`, which takes a second to
    import.
    """
    slopes = np.gradient(
        gaussian_filter(grey, sigma / np.array(edges), mode="constant")
    )
    hessian = [
        np.gradient(slopes[one], axis=other) / np.float32(edges[one] * edges[other])
        for one, other in combinations_with_replacement(range(3), 2)
    ]
    eigenvalues = np.empty((3, *grey.shape), np.float32)
    _eigenvalues(np.stack(hessian).reshape(6, -1), eigenvalues.reshape(3, -1))
    return list(eigenvalues * sigma**2)


@compiled("numpy")
def _eigenvalues(matrices, found):  # type: ignore[no-untyped-def]
    """Find the eigenvalues of symmetric matrices, from the largest to the lowest.

    In closed form, by angles (Smith 1961, doi:10.1145/355578.366316), as float64, in a
    twentieth of the time of LAPACK's iterations.

    Args:
        matrices: (6, n) float32 entries zz, zy, zx, yy, yx and xx.
        found: (3, n) float32, is filled.
    """
    for i in range(matrices.shape[1]):
        p, q, r = matrices[0, i], matrices[3, i], matrices[5, i]
        a = np.float64(matrices[1, i])
        b = np.float64(matrices[2, i])
        c = np.float64(matrices[4, i])
        mean = (np.float64(p) + q + r) / 3
        p, q, r = p - mean, q - mean, r - mean
        scale = np.sqrt((p * p + q * q + r * r + 2 * (a * a + b * b + c * c)) / 6)
        third = 0.0
        if scale > 0:
            half = p * (q * r - c * c) - a * (a * r - b * c) + b * (a * c - q * b)
            cosine = half / (2 * scale * scale * scale)
            third = np.arccos(min(max(cosine, -1.0), 1.0)) / 3
        largest = mean + 2 * scale * np.cos(third)
        lowest = mean + 2 * scale * np.cos(third + 2 * np.pi / 3)
        found[0, i] = largest
        found[1, i] = 3 * mean - largest - lowest
        found[2, i] = lowest
