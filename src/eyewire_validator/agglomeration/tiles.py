"""Cut what is too large for a network at once into tiles that overlap."""

from collections.abc import Iterator, Sequence
from itertools import product

Box = tuple[slice, ...]


def tiles_of(
    shape: Sequence[int], tile: int, margin: int
) -> Iterator[tuple[Box, Box, Box]]:
    """Yield what is seen, what of it is used, and where that lies in what is seen.

    Args:
        shape: (z, y, x) of the whole.
        tile: edge of what is used of each, voxels; it and the margin divide by what
            the network's edges must divide by, so that tiles agree.
        margin: what is seen around it, as far as the whole goes.
    """
    starts = [range(0, size, tile) for size in shape]
    for corner in product(*starts):
        used = [(a, min(a + tile, n)) for a, n in zip(corner, shape, strict=True)]
        seen = [
            (max(a - margin, 0), min(b + margin, n))
            for (a, b), n in zip(used, shape, strict=True)
        ]
        inside = [
            slice(a - c, b - c) for (a, b), (c, _) in zip(used, seen, strict=True)
        ]
        yield (
            tuple(slice(*ends) for ends in seen),
            tuple(slice(*ends) for ends in used),
            tuple(inside),
        )
