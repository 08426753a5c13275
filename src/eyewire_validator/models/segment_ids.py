"""Ids of segments as a user has them, and as the models count them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from operator import index
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eyewire_validator.errors import ModelError
from eyewire_validator.volumes.store import SEGMENT_IDS


def listed(ids: Iterable[int]) -> list[int]:
    """List ids of segments, whatever holds them.

    Raises:
        ModelError: one is no whole number, or it is not several.
    """
    try:
        return [index(one) for one in ids]
    except TypeError:
        raise ModelError(
            f"{ids!r:.60}: expected ids of segments, such as [17, 230]; those in a "
            "mask are np.unique(segmentation[mask])"
        ) from None


@dataclass(frozen=True)
class SegmentIds:
    """The ids of a segmentation; the models number them from 1, in ascending order.

    Attributes:
        own: (n,) the ids but 0, ascending, in the segmentation's dtype.
    """

    own: NDArray[np.integer[Any]]

    @classmethod
    def number(
        cls, segmentation: NDArray[np.integer[Any]]
    ) -> tuple["SegmentIds", NDArray[np.uint16]]:
        """Number the segments of a segmentation.

        Args:
            segmentation: (z, y, x) ids of any integer dtype and byte order, up to
                2^64 - 1; 0 is nothing.

        Returns:
            The ids, and (z, y, x) uint16 their numbers, 0 for nothing.

        Raises:
            ModelError: ids are not integers or negative, or there are more than 65535.
        """
        if segmentation.dtype.kind not in "iu":
            raise ModelError(
                f"segmentation is {segmentation.dtype}, expected ids of an integer "
                "dtype; take them from before they were converted, as floats and "
                "truth values do not hold every id"
            )
        ids, places = np.unique(segmentation, return_inverse=True)
        if ids[0] < 0:
            raise ModelError(
                f"segmentation has the id {ids[0]}, expected 0 for nothing and ids "
                "above it; set what is nothing to 0: segmentation[segmentation < 0] = 0"
            )
        nothing = int(ids[0] == 0)
        own = ids[nothing:].astype(ids.dtype.newbyteorder("="))
        if len(own) >= SEGMENT_IDS:
            raise ModelError(
                f"segmentation has {len(own)} segments, expected {SEGMENT_IDS - 1} at "
                "most; cut the volume into smaller ones, or set its smallest to 0"
            )
        numbers = places.reshape(segmentation.shape) + (1 - nothing)
        return cls(own), numbers.astype(np.uint16)

    def numbers(self, ids: Sequence[int]) -> NDArray[np.int64]:
        """Return the number of each id, (n,) int64; 0 where there is no segment."""
        known = {int(one): number for number, one in enumerate(self.own, 1)}
        return np.array([known.get(one, 0) for one in ids], np.int64)
