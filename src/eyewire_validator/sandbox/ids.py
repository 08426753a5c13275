"""Ids of labels and supervoxels, of whatever integer type, as one."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from eyewire_validator.errors import SandboxError

# How CREMI marks voxels of nothing: -1, also as an unsigned number.
NOTHING = np.uint64(2**64 - 1)


def as_ids(source: str, array: NDArray[np.integer]) -> NDArray[np.uint64]:
    """Return a copy of ids as uint64; -1 and 2^64 - 1 become 0, as they are nothing.

    Raises:
        SandboxError: there are other negative ones.
    """
    if array.dtype.kind == "i" and (lowest := int(array.min(initial=0))) < -1:
        raise SandboxError(
            f"{source}: holds the id {lowest}, expected 0 and above (-1 is nothing); "
            "were unsigned numbers stored as signed ones? then convert them back"
        )
    ids = array.astype(np.uint64)
    ids[ids == NOTHING] = 0
    return ids


def count_ids(parts: Iterable[NDArray[np.uint64]]) -> dict[int, int]:
    """Return {id: voxels} of all parts of an array, ascending, without 0."""
    found = [np.unique(part, return_counts=True) for part in parts]
    ids, place = np.unique(np.concatenate([i for i, _ in found]), return_inverse=True)
    counts = np.zeros(len(ids), np.int64)
    np.add.at(counts, place, np.concatenate([count for _, count in found]))
    sizes = zip(ids.tolist(), counts.tolist(), strict=True)
    return {label: size for label, size in sizes if label}
