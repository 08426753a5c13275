"""Follow cells from volume to volume, as Eyewire does: answers spawn further tasks.

What the answer covers in the shared slab becomes seeds on the other side, by the rule
of `volumes.spawning`.
"""

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eyewire_validator.sandbox.bucket.volumes import Volume
from eyewire_validator.sandbox.tracing.crowd import CrowdAnswer
from eyewire_validator.volumes.dust import Dust, scaled
from eyewire_validator.volumes.geometry import Corner, VolumeGeometry
from eyewire_validator.volumes.spawning import (
    MAX_TRACED,
    PRIOR_VOXELS,
    Slab,
    Step,
    connected_to,
    spawn_seeds,
)
from eyewire_validator.volumes.voxel_size import VoxelSize

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
        return spawn_seeds(slab, answer, eligible, child.borders.pairs)

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
