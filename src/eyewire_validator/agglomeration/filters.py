"""Image filters: grey values at several scales, their edges and their sheets.

The filters are those that ilastik offers for membranes (Sommer et al. 2011, Berg et al.
2019): Gaussians, their gradients, and the eigenvalues of the Hessian, the largest of
which is high in a dark sheet such as a membrane.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, gaussian_gradient_magnitude
from skimage.feature import hessian_matrix, hessian_matrix_eigvals

from eyewire_validator.agglomeration.features import SHEETS, SMOOTHING


def filter_image(image: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Filter an image at several scales.

    Args:
        image: (z, y, x) uint8 grey values; their mean and contrast do not matter.

    Returns:
        (filters, z, y, x) float32, in the order of `features.FILTERS`; grey values are
        counted in standard deviations of the image from its mean. The eigenvalues of a
        sheet come from the largest to the lowest, times the square of their scale.
    """
    grey = standardize_image(image)
    found = [grey]
    for sigma in SMOOTHING:
        found.append(gaussian_filter(grey, sigma))
        found.append(gaussian_gradient_magnitude(grey, sigma))
    for sigma in SHEETS:
        found += _sheets(grey, sigma)
    return np.stack(found).astype(np.float32, copy=False)


def standardize_image(image: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return (z, y, x) grey values in standard deviations from their mean.

    An image of one grey value stays so: a deviation is at least one grey value.
    """
    grey = image.astype(np.float32)
    grey -= grey.mean()
    grey /= max(float(grey.std()), 1.0)
    return grey


def _sheets(grey: NDArray[np.float32], sigma: float) -> list[NDArray[np.float32]]:
    """Return the eigenvalues of the Hessian, from the largest to the lowest."""
    hessian = hessian_matrix(  # type: ignore[no-untyped-call]
        grey, sigma, order="rc", use_gaussian_derivatives=False
    )
    eigenvalues = hessian_matrix_eigvals(hessian)  # type: ignore[no-untyped-call]
    return list(eigenvalues * sigma**2)
