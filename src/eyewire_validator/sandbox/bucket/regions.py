"""What is known of the segments of a volume: sizes, boxes, contacts, owners."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.ndimage import find_objects
from scipy.sparse import coo_array
from scipy.sparse.csgraph import minimum_spanning_tree

# Segments are in contact if they touch or if this many voxels lie between them.
CONTACT_GAP = 1


@dataclass(frozen=True)
class Contacts:
    """Pairs of segments that are in contact.

    Args:
        pairs: (n, 2) segment ids, the lower one first, ascending.
        areas: (n,) voxel pairs that are in contact.
        means: (n,) mean of the values along the contact.
    """

    pairs: NDArray[np.int64]
    areas: NDArray[np.int64]
    means: NDArray[np.float64]


def find_contacts(
    segmentation: NDArray[np.integer], values: NDArray[np.generic]
) -> Contacts:
    """Find the pairs of segments in contact along the axes.

    Args:
        segmentation: (z, y, x) segment ids, 0 is nothing.
        values: (z, y, x) averaged over each contact; of the two voxels of a contact
            and what lies between them the lowest counts.
    """
    keys, lowest = [], []
    highest = int(segmentation.max()) + 1
    for axis in range(3):
        segments, greys = (
            np.moveaxis(segmentation, axis, 0),
            np.moveaxis(values, axis, 0),
        )
        for gap in range(CONTACT_GAP + 1):
            one, other = segments[: -1 - gap], segments[1 + gap :]
            touching = (one != other) & (one != 0) & (other != 0)
            ends = one[touching].astype(np.int64), other[touching].astype(np.int64)
            keys.append(np.minimum(*ends) * highest + np.maximum(*ends))
            between = [
                greys[step : len(greys) - 1 - gap + step][touching]
                for step in range(gap + 2)
            ]
            lowest.append(np.min(between, axis=0))
    codes, unique = pd.factorize(np.concatenate(keys), sort=True)
    areas = np.bincount(codes, minlength=len(unique))
    totals = np.bincount(codes, np.concatenate(lowest), len(unique))
    pairs = np.stack(np.divmod(unique, highest), axis=1)
    return Contacts(pairs, areas, totals / areas)


def merge_contacts(contacts: Contacts, group: NDArray[np.integer]) -> Contacts:
    """Return the contacts between groups of segments.

    Args:
        contacts: between segments.
        group: the group of each segment, by its id.
    """
    ends = np.sort(group[contacts.pairs].astype(np.int64), axis=1)
    is_between = ends[:, 0] != ends[:, 1]
    highest = int(group.max()) + 1
    keys = ends[is_between] @ np.array([highest, 1])
    codes, unique = pd.factorize(keys, sort=True)
    areas = np.bincount(codes, contacts.areas[is_between], len(unique))
    totals = (contacts.areas * contacts.means)[is_between]
    means = np.bincount(codes, totals, len(unique)) / areas
    pairs = np.stack(np.divmod(unique, highest), axis=1)
    return Contacts(pairs, areas.astype(np.int64), means)


def maximum_spanning_tree(contacts: Contacts, highest: int) -> Contacts:
    """Keep the contacts that join all segments with the highest means.

    Args:
        contacts: of segments 1 to ``highest``, means above 0.
        highest: the highest segment id.
    """
    # SciPy has the minimum; zeros would be no edges, so the costs start at 1.
    costs = contacts.means.max(initial=0) + 1 - contacts.means
    edges = coo_array((costs, contacts.pairs.T), shape=(highest + 1,) * 2)
    tree = minimum_spanning_tree(edges.tocsr()).tocoo()
    kept = np.isin(
        contacts.pairs @ [highest + 1, 1], tree.row * np.int64(highest + 1) + tree.col
    )
    return Contacts(contacts.pairs[kept], contacts.areas[kept], contacts.means[kept])


def bounding_boxes(segmentation: NDArray[np.integer]) -> NDArray[np.int64]:
    """Return the box of every id from 0 up: (n, 2, 3), lowest and last voxel (z, y, x).

    Ids that do not occur, and 0, have the last voxel of the volume and voxel 0.
    """
    boxes = np.zeros((int(segmentation.max()) + 1, 2, 3), np.int64)
    boxes[:, 0] = np.array(segmentation.shape) - 1
    for segment, slices in enumerate(find_objects(segmentation), start=1):
        if slices is not None:
            boxes[segment] = [
                [s.start for s in slices],
                [s.stop - 1 for s in slices],
            ]
    return boxes


def majority_owners(
    segmentation: NDArray[np.integer], owners: NDArray[np.integer]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Find who owns most of each segment.

    Args:
        segmentation: (z, y, x) segment ids.
        owners: (z, y, x) labels; 0 is nobody.

    Returns:
        For every id from 0 up: the label with most voxels (the lowest of equals), and
        its share of the segment's voxels. 0 and 0.0 for 0, for ids that do not occur,
        and where nobody owns most.
    """
    count = int(segmentation.max()) + 1
    dense, labels = pd.factorize(owners.ravel(), sort=True)
    key = segmentation.ravel().astype(np.int64) * len(labels) + dense
    overlap = np.bincount(key, minlength=count * len(labels)).reshape(count, -1)
    winner = overlap.argmax(axis=1)
    share = overlap.max(axis=1) / np.maximum(overlap.sum(axis=1), 1)
    owner = labels[winner].astype(np.int64)
    owner[0], share[0] = 0, 0
    share[owner == 0] = 0
    owner[share == 0] = 0
    return owner, share
