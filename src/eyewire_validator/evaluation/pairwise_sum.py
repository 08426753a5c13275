"""Sums of numbers that come in batches, to the bits of a sum of all at once."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

# Numbers that numpy adds up itself: a subtree of its sum over all of them.
LEAF = 2**16


class PairwiseSum:
    """A sum that is that of `numpy.sum` over all numbers, bit for bit.

    numpy halves long arrays, again and again, so that rounding errors stay small. Here
    the same halves are added, wherever one batch ends and the next begins.

    Args:
        count: how many numbers will come.
    """

    def __init__(self, count: int) -> None:
        """Plan the halves."""
        self._count = count
        self._sizes = _leaves(count)
        self._sums: list[float] = []
        self._rest = np.empty(0)
        self._due = next(self._sizes)

    def add(self, values: NDArray[np.float64]) -> None:
        """Add the next numbers: (n,) float64."""
        self._rest = np.concatenate([self._rest, values])
        while self._due and len(self._rest) >= self._due:
            self._sums.append(float(self._rest[: self._due].sum()))
            self._rest = self._rest[self._due :]
            self._due = next(self._sizes, 0)

    def mean(self) -> float:
        """Return the mean, as `numpy.mean`: when all numbers have come."""
        return self.total() / self._count

    def total(self) -> float:
        """Return the sum, when all numbers have come."""
        return _combine(self._count, iter(self._sums)) if self._count else 0.0


def _halves(count: int) -> tuple[int, int]:
    """Split as numpy does, at a multiple of eight."""
    first = count // 2 - count // 2 % 8
    return first, count - first


def _leaves(count: int) -> Iterator[int]:
    """Yield how many numbers each leaf adds up, in their order."""
    if count <= LEAF:
        yield count
    else:
        for half in _halves(count):
            yield from _leaves(half)


def _combine(count: int, sums: Iterator[float]) -> float:
    if count <= LEAF:
        return next(sums)
    first, second = (_combine(half, sums) for half in _halves(count))
    return first + second
