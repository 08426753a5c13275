"""The rule by which an answer in one volume gives seeds in a neighbouring one.

It is that of Eyewire's task spawner of 2016 and 2017: what the answer covers in the
shared slab becomes seeds on the other side.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import label
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from eyewire_validator.volumes.geometry import Edges

# Share of a segment that the parent's answer must cover for it to become a seed.
MATCH_RATIO = 0.6
# Voxels that a match counts more than it has, of twice as many more of the segment, in
# volumes of 256^3.
PRIOR_VOXELS = 1000
# Share of a seed that may be traced already; beyond it no task is spawned.
MAX_TRACED = 0.5


class Step(NamedTuple):
    """The way from a volume to a face-adjacent one.

    Attributes:
        axis: along which it lies.
        voxels: by how far it lies higher; below 0 if it lies lower.
    """

    axis: int
    voxels: int

    @property
    def is_above(self) -> bool:
        """Tell if it lies higher."""
        return self.voxels > 0

    def reversed(self) -> "Step":
        """Return the way back."""
        return Step(self.axis, -self.voxels)

    def shared(self, size: Edges) -> tuple[int, int]:
        """Return where in the first volume the shared slab starts and stops."""
        return max(self.voxels, 0), size[self.axis] + min(self.voxels, 0)


@dataclass(frozen=True)
class Slab:
    """A part of the overlap of two volumes, as either segments it.

    Args:
        parent: uint16 (z, y, x), the parent's segments.
        child: the same place in the child.
        axis: along which the child lies.
        is_above: whether the child lies higher on that axis.
        sizes: voxels of each child segment in the whole of what they share.
        prior: voxels that keep small segments from being the best match.
    """

    parent: NDArray[np.uint16]
    child: NDArray[np.uint16]
    axis: int
    is_above: bool
    sizes: NDArray[np.int64]
    prior: float


def spawn_seeds(
    slab: Slab,
    answer: list[int],
    eligible: NDArray[np.bool_],
    pairs: NDArray[np.int64],
) -> list[dict[int, int]]:
    """Find the seeds that a parent's answer gives in the child.

    A connected piece of the answer counts if it reaches the half of the slab that is
    farther from the parent. Under it, child segments that it covers by at least
    ``MATCH_RATIO`` become seeds, or else the best by
    (match + prior) / (size + 2 prior); Eyewire's prior is 1000. Seeds that touch in
    the child share a task.

    Args:
        slab: what both share, around the answer, without the outermost voxels.
        answer: the parent's segments.
        eligible: by child segment id, whether it may be a seed.
        pairs: (n, 2) those of the child's segments that touch.

    Returns:
        One {segment: covered voxels} a task, larger ones first.
    """
    pieces, count = label(np.isin(slab.parent, answer), np.ones((3, 3, 3)))
    along = np.moveaxis(pieces, slab.axis, 0)
    half = len(along) // 2
    far_side = along[half:] if slab.is_above else along[: len(along) - half]
    seeds: dict[int, int] = {}
    for piece in np.intersect1d(np.arange(1, count + 1), far_side):
        matches = np.bincount(slab.child[pieces == piece], minlength=len(eligible))
        seeds.update(_seeds_under_piece(matches * eligible, slab))
    return _group_by_contact(seeds, pairs)


def _seeds_under_piece(matches: NDArray[np.int64], slab: Slab) -> dict[int, int]:
    matches[0] = 0
    sizes, prior = slab.sizes, slab.prior
    chosen = np.flatnonzero((matches > 0) & (matches >= MATCH_RATIO * sizes))
    if not len(chosen) and matches.any():
        scores = np.where(matches > 0, (matches + prior) / (sizes + 2 * prior), 0)
        chosen = np.array([scores.argmax()])
    return {int(segment): int(matches[segment]) for segment in chosen}


def _group_by_contact(
    seeds: dict[int, int], pairs: NDArray[np.int64]
) -> list[dict[int, int]]:
    groups = []
    left = set(seeds)
    while left:
        first = max(left, key=lambda segment: (seeds[segment], segment))
        group = connected_to({first}, pairs, set(seeds))
        groups.append({segment: seeds[segment] for segment in sorted(group)})
        left -= group
    return groups


def connected_to(
    start: set[int], pairs: NDArray[np.int64], within: set[int]
) -> set[int]:
    """Return the segments that ``start`` reaches by pairs of ``within``.

    Args:
        start: segment ids; those outside ``within`` are left out.
        pairs: (n, 2) segments that are connected.
        within: segments that may be walked on.
    """
    members = np.array(sorted(within), np.int64)
    if not len(members):
        return set()
    pairs = pairs[np.isin(pairs, members).all(axis=1)]
    ends = np.searchsorted(members, pairs).T
    edges = coo_array((np.ones(len(pairs)), ends), shape=(len(members),) * 2)
    _, group = connected_components(edges, directed=False)
    wanted = group[np.isin(members, sorted(start))]
    return set(members[np.isin(group, wanted)].tolist())
