"""Read an image of more than 8 bits as uint8, by a range that is stated."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eyewire_validator.storage.array_files.opened import Box, Voxels


@dataclass(frozen=True)
class InRange:
    """An image whose values ``low`` to ``high`` become 0 to 255.

    What lies outside is cut to them; values between are rounded to the nearest.

    Args:
        array: of any numbers.
        low: becomes 0.
        high: becomes 255.
    """

    array: Voxels
    low: float
    high: float

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the image."""
        return self.array.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype uint8."""
        return np.dtype(np.uint8)

    def __getitem__(self, box: Box) -> NDArray[np.uint8]:
        """Read a box; what is no number (NaN) becomes 0."""
        values = np.asarray(self.array[box]).astype(np.float64)
        grey = np.interp(values, [self.low, self.high], [0, 255])
        return np.rint(np.nan_to_num(grey, nan=0)).astype(np.uint8)
