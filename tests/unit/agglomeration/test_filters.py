"""Tests for the filters of images."""

import numpy as np
from skimage.feature import hessian_matrix, hessian_matrix_eigvals

from eyewire_validator.agglomeration.features import FILTERS, SHEETS
from eyewire_validator.agglomeration.filters import filter_image
from eyewire_validator.volumes.grey import standardize_image


def test_sheets_are_the_eigenvalues_of_the_hessian_of_scikit_image():
    image = np.random.default_rng(5).integers(0, 256, (9, 10, 11), np.uint8)
    grey = standardize_image(image)
    expected = [
        values * sigma**2
        for sigma in SHEETS
        for values in hessian_matrix_eigvals(
            hessian_matrix(grey, sigma, order="rc", use_gaussian_derivatives=False)
        )
    ]
    found = filter_image(image)
    assert len(found) == len(FILTERS)
    np.testing.assert_allclose(found[-len(expected) :], expected, atol=1e-5)
