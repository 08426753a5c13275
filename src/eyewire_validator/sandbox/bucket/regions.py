"""Borders between the segments of a volume, and owners of the segments."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import minimum_spanning_tree

from eyewire_validator.sandbox.bucket.pieces import find_runs, label_pieces
from eyewire_validator.volumes.compiled import compiled

# Segments are in contact if they touch or if this many voxels lie between them.
BORDER_GAP = 1


@dataclass(frozen=True)
class Borders:
    """Pairs of segments that touch, or almost do.

    Args:
        pairs: (n, 2) segment ids, the lower one first, ascending.
        areas: (n,) voxel pairs that are in contact.
        means: (n,) mean of the values along the contact.
    """

    pairs: NDArray[np.int64]
    areas: NDArray[np.int64]
    means: NDArray[np.float64]


def find_borders(
    segmentation: NDArray[np.integer], values: NDArray[np.generic]
) -> Borders:
    """Find the pairs of segments in contact along the axes.

    Args:
        segmentation: (z, y, x) segment ids, 0 is nothing.
        values: (z, y, x) averaged over each contact; of the two voxels of a contact
            and what lies between them the lowest counts.
    """
    highest = int(segmentation.max()) + 1
    keys = np.empty(2 * 3 * segmentation[0].size, np.int64)
    lowest = np.empty(keys.size, values.dtype)
    sections = []
    for z in range(len(segmentation)):
        found = _list_contacts(segmentation, values, z, highest, keys, lowest)
        sections.append((keys[:found].copy(), lowest[:found].copy()))
    keys, lowest = map(np.concatenate, zip(*sections, strict=True))
    codes, unique = pd.factorize(keys, sort=True)
    areas = np.bincount(codes, minlength=len(unique))
    totals = np.bincount(codes, lowest, len(unique))
    pairs = np.stack(np.divmod(unique, highest), axis=1)
    return Borders(pairs, areas, totals / areas)


@compiled()
def _list_contacts(segments, values, z, highest, keys, lowest):  # type: ignore[no-untyped-def]
    """List the contacts of a section with itself and the next two.

    Returns:
        How many there are; ``keys`` and ``lowest`` hold them.
    """
    depth, height, width = segments.shape
    found = 0
    for y in range(height):
        for x in range(width):
            one = np.int64(segments[z, y, x])
            for axis in range(3):
                lower = values[z, y, x]
                for step in range(1, BORDER_GAP + 2):
                    k = z + step * (axis == 0)
                    j = y + step * (axis == 1)
                    i = x + step * (axis == 2)
                    if one == 0 or k >= depth or j >= height or i >= width:
                        break
                    lower = min(lower, values[k, j, i])
                    other = np.int64(segments[k, j, i])
                    if other != one and other != 0:
                        keys[found] = min(one, other) * highest + max(one, other)
                        lowest[found] = lower
                        found += 1
    return found


def merge_borders(borders: Borders, group: NDArray[np.integer]) -> Borders:
    """Merge borders between segments into borders between groups of them.

    Args:
        borders: between segments.
        group: the group of each segment, by its id.
    """
    ends = np.sort(group[borders.pairs].astype(np.int64), axis=1)
    is_between = ends[:, 0] != ends[:, 1]
    highest = int(group.max()) + 1
    keys = ends[is_between] @ np.array([highest, 1])
    codes, unique = pd.factorize(keys, sort=True)
    areas = np.bincount(codes, borders.areas[is_between], len(unique))
    totals = (borders.areas * borders.means)[is_between]
    means = np.bincount(codes, totals, len(unique)) / areas
    pairs = np.stack(np.divmod(unique, highest), axis=1)
    return Borders(pairs, areas.astype(np.int64), means)


def maximum_spanning_tree(borders: Borders, highest: int) -> Borders:
    """Keep the borders that join all segments with the highest means.

    Args:
        borders: of segments 1 to ``highest``, means above 0.
        highest: the highest segment id.
    """
    # SciPy has the minimum; zeros would be no edges, so the costs start at 1.
    costs = borders.means.max(initial=0) + 1 - borders.means
    edges = coo_array((costs, borders.pairs.T), shape=(highest + 1,) * 2)
    tree = minimum_spanning_tree(edges.tocsr()).tocoo()
    kept = np.isin(
        borders.pairs @ [highest + 1, 1], tree.row * np.int64(highest + 1) + tree.col
    )
    return Borders(borders.pairs[kept], borders.areas[kept], borders.means[kept])


def majority_owners(
    segmentation: NDArray[np.integer], owners: NDArray[np.integer]
) -> tuple[NDArray[np.integer], NDArray[np.float64]]:
    """Find the owner of most of each segment.

    Args:
        segmentation: (z, y, x) segment ids.
        owners: (z, y, x) labels; 0 is none.

    Returns:
        For every id from 0 up: the label with most voxels (the lowest of equals), in
        the labels' own dtype, and its share of the segment's voxels. 0 and 0.0 for 0,
        for ids that do not occur, and where most has no owner.
    """
    count = int(segmentation.max()) + 1
    starts = find_runs(segmentation, owners)
    dense, labels = pd.factorize(owners.ravel()[starts], sort=True)
    key = segmentation.ravel()[starts].astype(np.int64) * len(labels) + dense
    lengths = np.diff(starts, append=owners.size)
    overlap = np.bincount(key, lengths, count * len(labels)).reshape(count, -1)
    winner = overlap.argmax(axis=1)
    share = overlap.max(axis=1) / np.maximum(overlap.sum(axis=1), 1)
    owner = labels[winner]
    owner[0], share[0] = 0, 0
    share[owner == 0] = 0
    owner[share == 0] = 0
    return owner, share


def joined_by_owners(
    segmentation: NDArray[np.integer],
    labels: NDArray[np.integer],
    owners: NDArray[np.integer],
) -> NDArray[np.int64]:
    """Find segments that a connected piece of their owner joins.

    A neurite that runs through a segment of another owner, or where there is none, goes
    on behind it.

    Args:
        segmentation: (z, y, x) segment ids, 0 is nothing.
        labels: (z, y, x) who owns each voxel, 0 is none.
        owners: the owner of each segment, by its id; see `majority_owners`.

    Returns:
        (n, 2) pairs of segments; all of a piece (26-connected voxels of one label) are
        joined by a chain of them.
    """
    starts = find_runs(segmentation, labels)
    pieces = label_pieces(labels, by_corners=True).ravel()[starts]
    segments = segmentation.ravel()[starts]
    own = labels.ravel()[starts]
    is_own = (segments > 0) & (own != 0) & (owners[segments] == own)
    keys = pieces[is_own].astype(np.int64) * len(owners) + segments[is_own]
    piece, segment = np.divmod(np.sort(pd.unique(keys)), len(owners))
    together = piece[1:] == piece[:-1]
    return np.stack([segment[:-1][together], segment[1:][together]], axis=1)
