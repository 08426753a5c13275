"""Runs of equal voxels along x, and the connected pieces that they make up."""

import numpy as np
from numpy.typing import NDArray

from eyewire_validator.volumes.compiled import compiled

# Rows that come before a row (z, y) and touch it: by faces, or by edges and corners.
BY_FACES = np.array([(-1, 0), (0, -1)])
BY_CORNERS = np.array([(-1, -1), (-1, 0), (-1, 1), (0, -1)])


def find_runs(*arrays: NDArray[np.generic]) -> NDArray[np.int64]:
    """Find where runs start: voxels side by side along x, equal in all arrays.

    Args:
        arrays: (z, y, x), of one shape.

    Returns:
        (n,) flat index (C-order) of the first voxel of each run, ascending.
    """
    is_start = np.zeros(arrays[0].shape, bool)
    is_start[:, :, 0] = True
    for array in arrays:
        is_start[:, :, 1:] |= array[:, :, 1:] != array[:, :, :-1]
    return np.flatnonzero(is_start)


def label_pieces(
    labels: NDArray[np.integer], *, by_corners: bool = False
) -> NDArray[np.int32]:
    """Number the connected pieces of each label.

    Args:
        labels: (z, y, x); 0 is nothing.
        by_corners: whether voxels that share but an edge or a corner are connected.

    Returns:
        int32 (z, y, x), pieces from 1 in the order of their first voxels; 0 for 0.
    """
    starts = find_runs(labels)
    depth, height, width = labels.shape
    pieces: NDArray[np.int32] = _number_pieces(
        np.append(starts, labels.size),
        # Labels beyond int64 become negative, and still differ from all others.
        labels.ravel()[starts].astype(np.int64),
        np.searchsorted(starts, np.arange(depth * height + 1) * width),
        height,
        width,
        BY_CORNERS if by_corners else BY_FACES,
        int(by_corners),
    )
    return pieces.repeat(np.diff(starts, append=labels.size)).reshape(labels.shape)


@compiled()
def _number_pieces(starts, labels, rows, height, width, neighbours, reach):  # type: ignore[no-untyped-def]
    """Join runs of rows that touch, and number the joined ones.

    Runs and rows end where the next ones start; ``reach`` is how many voxels along x
    may lie beyond the end of a run that still touches.
    """
    parents = np.arange(labels.size)
    for row in range(rows.size - 1):
        z, y = row // height, row % height
        for n in range(neighbours.shape[0]):
            k, j = z + neighbours[n, 0], y + neighbours[n, 1]
            if k >= 0 and 0 <= j < height:
                _join_rows(
                    starts, labels, rows, row, k * height + j, width, reach, parents
                )
    pieces = np.zeros(labels.size, np.int32)
    count = 0
    for run in range(labels.size):
        root = _root(parents, run)
        if root == run and labels[run] != 0:
            count += 1
            pieces[run] = count
        else:
            pieces[run] = pieces[root]
    return pieces


@compiled()
def _join_rows(starts, labels, rows, row, other, width, reach, parents):  # type: ignore[no-untyped-def]
    """Join the runs of a row with those of an earlier row that they touch."""
    shift = (row - other) * width
    first = rows[other]
    for run in range(rows[row], rows[row + 1]):
        while starts[first + 1] + shift + reach <= starts[run]:
            first += 1
        near = first
        while near < rows[other + 1] and starts[near] + shift < starts[run + 1] + reach:
            if labels[near] == labels[run]:
                one, two = _root(parents, near), _root(parents, run)
                parents[max(one, two)] = min(one, two)
            near += 1


@compiled()
def _root(parents, run):  # type: ignore[no-untyped-def]
    """Return the first run of those that a run is joined with."""
    while parents[run] != run:
        parents[run] = parents[parents[run]]
        run = parents[run]
    return run
