"""Follow cells from volume to volume, as Eyewire does: answers spawn further tasks.

The rule is that of Eyewire's task spawner of 2016 and 2017 (eyewire-api 6.2, third):
what the answer covers in the shared slab becomes seeds on the other side.
"""

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import label
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from eyewire_validator.sandbox.bucket.regions import Borders
from eyewire_validator.sandbox.bucket.volumes import Volume
from eyewire_validator.sandbox.tracing.crowd import CrowdAnswer
from eyewire_validator.volumes.dust import Dust, scaled
from eyewire_validator.volumes.geometry import Edges, VolumeGeometry
from eyewire_validator.volumes.voxel_size import VoxelSize

# Share of a segment that the parent's answer must cover for it to become a seed.
MATCH_RATIO = 0.6
# Voxels that a match counts more than it has, of twice as many more of the segment, in
# volumes of 256^3.
PRIOR_VOXELS = 1000
# Share of a seed that may be traced already; beyond it no task is spawned.
MAX_TRACED = 0.5

Corner = tuple[int, int, int]


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
        """Whether it lies higher."""
        return self.voxels > 0

    def reversed(self) -> "Step":
        """Return the way back."""
        return Step(self.axis, -self.voxels)

    def shared(self, size: Edges) -> tuple[int, int]:
        """Return where in the first volume the shared slab starts and stops."""
        return max(self.voxels, 0), size[self.axis] + min(self.voxels, 0)


# Has players answer a task: (volume, seed, segments connected to it, mergers included).
AskPlayers = Callable[[Volume, set[int], set[int]], CrowdAnswer]


@dataclass(frozen=True)
class SpawnedTask:
    """A task and its answer.

    Args:
        task: id; within one cell, counted from 0 in the order of spawning.
        parent: the task that spawned it, None for the first.
        volume: segmentation volume id.
        seed: segment -> voxels that the parent's answer covers of it.
        truth: the segments that really belong to the seed, mergers left out.
        answer: the combined answer of the players.
    """

    task: int
    parent: int | None
    volume: int
    seed: dict[int, int]
    truth: set[int]
    answer: CrowdAnswer


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


class Tracer:
    """A tracer of neurons through a set of volumes."""

    def __init__(
        self,
        volumes: Mapping[Corner, Volume],
        geometry: VolumeGeometry,
        min_purity: float,
        dust: Dust,
        voxel_nm: VoxelSize | None = None,
    ) -> None:
        """Take the volumes by corner, how pure answers are, and what is no seed."""
        self.voxel_nm = voxel_nm
        self.volumes = volumes
        self.geometry = geometry
        self.min_purity = min_purity
        self.dust = dust
        self.sizes: dict[tuple[int, Step], NDArray[np.int64]] = {}
        self.starts = [sorted(set(along)) for along in zip(*volumes, strict=True)]

    def trace(self, neuron: int, answer: AskPlayers) -> list[SpawnedTask]:
        """Trace a neuron from its largest segment until nothing spawns any more.

        Args:
            neuron: its number.
            answer: has players answer a task.

        Returns:
            The tasks, parents before children; none if the neuron has no segment.
        """
        segments = {
            corner: set(volume.segments_of(neuron).tolist())
            for corner, volume in self.volumes.items()
        }
        traced: dict[Corner, set[int]] = {corner: set() for corner in self.volumes}
        waiting = deque(self._root(segments))
        tasks: list[SpawnedTask] = []
        while waiting:
            corner, seed, parent = waiting.popleft()
            volume = self.volumes[corner]
            # Players pass through mergers, though these are no part of the answer.
            body = connected_to(set(seed), volume.connections, segments[corner])
            truth = {s for s in body if volume.purity[s] >= self.min_purity}
            if not truth or _is_traced(seed, traced[corner], volume):
                continue
            found = answer(volume, set(seed), body)
            traced[corner] |= set(found.consensus) | set(seed)
            waiting.extend(
                (neighbour, child_seed, len(tasks))
                for neighbour, child_seed in self._spawn(corner, found.consensus)
            )
            tasks.append(
                SpawnedTask(len(tasks), parent, volume.box.volume, seed, truth, found)
            )
        return tasks

    def _root(
        self, segments: dict[Corner, set[int]]
    ) -> list[tuple[Corner, dict[int, int], int | None]]:
        """Return the neuron's largest pure segment as the seed of the root task."""
        candidates = [
            (int(self.volumes[corner].sizes[segment]), corner, segment)
            for corner, found in segments.items()
            for segment in found
            if self.volumes[corner].purity[segment] >= self.min_purity
        ]
        if not candidates:
            return []
        size, corner, segment = max(candidates)
        return [(corner, {segment: size}, None)]

    def _spawn(
        self, corner: Corner, answer: list[int]
    ) -> Iterator[tuple[Corner, dict[int, int]]]:
        """Yield the seeds that an answer gives in the volumes around."""
        for step in self._steps_from(corner):
            z, y, x = (c + step.voxels * (a == step.axis) for a, c in enumerate(corner))
            child = self.volumes.get((z, y, x))
            if child is not None:
                for seed in self._seeds(corner, child, step, answer):
                    yield (z, y, x), seed

    def _steps_from(self, corner: Corner) -> Iterator[Step]:
        """Yield the steps to the next places in the grid that share voxels."""
        for axis, starts in enumerate(self.starts):
            here = starts.index(corner[axis])
            for start in (*starts[:here][-1:], *starts[here + 1 :][:1]):
                step = Step(axis, start - corner[axis])
                if abs(step.voxels) < self.geometry.size[axis]:
                    yield step

    def _seeds(
        self,
        corner: Corner,
        child: Volume,
        step: Step,
        answer: list[int],
    ) -> list[dict[int, int]]:
        parent = self.volumes[corner]
        box = _box_in_slab(parent, step.shared(self.geometry.size), step.axis, answer)
        if box is None:
            return []
        in_child = list(box)
        start, stop = box[step.axis].start, box[step.axis].stop
        in_child[step.axis] = slice(start - step.voxels, stop - step.voxels)
        slab = Slab(
            np.asarray(parent.segmentation[box]),
            np.asarray(child.segmentation[tuple(in_child)]),
            step.axis,
            step.is_above,
            self._sizes_in_slab(child, step),
            scaled(PRIOR_VOXELS, self.geometry.size),
        )
        edges = child.segment_boxes[:, 1] - child.segment_boxes[:, 0]
        dust = self.dust.among(child.sizes, edges, self.voxel_nm)
        eligible = ~dust & (child.sizes > 0)
        return spawn_seeds(slab, answer, eligible, child.borders)

    def _sizes_in_slab(self, child: Volume, step: Step) -> NDArray[np.int64]:
        key = (child.box.volume, step)
        if key not in self.sizes:
            start, stop = step.reversed().shared(self.geometry.size)
            box = [slice(None)] * 3
            box[step.axis] = slice(start + 1, stop - 1)
            slab = np.asarray(child.segmentation[tuple(box)])
            self.sizes[key] = np.bincount(slab.ravel(), minlength=len(child.sizes))
        return self.sizes[key]


def _is_traced(seed: dict[int, int], traced: set[int], volume: Volume) -> bool:
    done = sum(int(volume.sizes[segment]) for segment in seed if segment in traced)
    total = sum(int(volume.sizes[segment]) for segment in seed)
    return done > MAX_TRACED * total


def _box_in_slab(
    parent: Volume, shared: tuple[int, int], axis: int, answer: list[int]
) -> tuple[slice, ...] | None:
    """Return the box of the answer in the slab, without the outermost voxels."""
    if not answer:
        return None
    low = np.maximum(parent.segment_boxes[answer, 0].min(axis=0), 1)
    high = parent.segment_boxes[answer, 1].max(axis=0)
    high = np.minimum(high, np.array(parent.box.shape) - 1)
    start, stop = shared
    if high[axis] <= start + 1 or low[axis] >= stop - 1:
        return None
    # Along the axis the whole slab, so that its far half is known.
    low[axis], high[axis] = start + 1, stop - 1
    return tuple(slice(int(a), int(b)) for a, b in zip(low, high, strict=True))


def spawn_seeds(
    slab: Slab,
    answer: list[int],
    eligible: NDArray[np.bool_],
    borders: Borders,
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
        borders: which of the child's segments touch.

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
    return _group_by_contact(seeds, borders)


def _seeds_under_piece(matches: NDArray[np.int64], slab: Slab) -> dict[int, int]:
    matches[0] = 0
    sizes, prior = slab.sizes, slab.prior
    chosen = np.flatnonzero((matches > 0) & (matches >= MATCH_RATIO * sizes))
    if not len(chosen) and matches.any():
        scores = np.where(matches > 0, (matches + prior) / (sizes + 2 * prior), 0)
        chosen = np.array([scores.argmax()])
    return {int(segment): int(matches[segment]) for segment in chosen}


def _group_by_contact(seeds: dict[int, int], borders: Borders) -> list[dict[int, int]]:
    groups = []
    left = set(seeds)
    while left:
        first = max(left, key=lambda segment: (seeds[segment], segment))
        group = connected_to({first}, borders.pairs, set(seeds))
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
