"""The image that a user gives, as the models take it."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from eyewire_validator.errors import ModelError


def grey_values(image: NDArray[np.integer[Any]]) -> NDArray[np.uint8]:
    """Take the image of a volume as uint8, if that changes no value.

    Args:
        image: (z, y, x) whole grey values 0 to 255, of any integer dtype and byte
            order.

    Raises:
        ModelError: other axes, or values that are not whole or leave that range; none
            is scaled here, as all volumes must be scaled alike.
    """
    if image.ndim != 3 or not image.size:
        raise ModelError(
            f"image has the shape {image.shape}, expected 3 axes (z, y, x), none empty"
        )
    low, high = image.min(), image.max()
    if image.dtype.kind not in "iu" or low < 0 or high > 255:
        raise ModelError(
            f"image is {image.dtype} with values {low} to {high}, expected whole grey "
            "values 0 to 255 (uint8); a cast would wrap or cut them: scale all volumes "
            "alike, np.interp(image, [darkest, brightest], [0, 255]).astype(np.uint8)"
        )
    return image.astype(np.uint8, copy=False)
