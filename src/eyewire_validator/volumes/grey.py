"""Grey values on a scale of their own, whatever the brightness and the contrast."""

import numpy as np
from numpy.typing import NDArray


def standardize_image(image: NDArray[np.uint8 | np.float32]) -> NDArray[np.float32]:
    """Return (z, y, x) grey values in standard deviations from their mean.

    An image of one grey value stays so: a deviation is at least one grey value.
    """
    grey = image.astype(np.float32)
    grey -= grey.mean()
    grey /= max(float(grey.std()), 1.0)
    return grey
