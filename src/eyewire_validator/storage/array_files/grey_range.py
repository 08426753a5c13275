"""Read an image of more than 8 bits as uint8, by a range that is stated."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eyewire_validator.errors import FileError
from eyewire_validator.storage.array_files.opened import Box, Voxels


@dataclass(frozen=True)
class InRange:
    """An image whose values ``low`` to ``high`` become 0 to 255.

    What lies outside is cut to them; values between are rounded to the nearest. Where
    ``low`` is the higher one, dark and bright change places.

    Args:
        array: of any numbers.
        low: becomes 0.
        high: becomes 255.
        source: what to call it in errors.
    """

    array: Voxels
    low: float
    high: float
    source: str = "image"

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the image."""
        return self.array.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype uint8."""
        return np.dtype(np.uint8)

    def __getitem__(self, box: Box) -> NDArray[np.uint8]:
        """Read a box.

        Raises:
            FileError: it holds what is no number.
        """
        values = np.asarray(self.array[box]).astype(np.float64)
        if np.isnan(values).any():
            raise FileError(
                f"{self.source}: holds grey values that are no numbers (NaN); set them "
                "to the grey value that they should have"
            )
        (first, dark), (last, bright) = sorted([(self.low, 0), (self.high, 255)])
        grey = np.interp(values, [first, last], [dark, bright])
        return np.rint(grey).astype(np.uint8)
