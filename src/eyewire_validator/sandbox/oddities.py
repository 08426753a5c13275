"""Add the oddities of real data to a sandbox, and count them.

Those of tasks go to tasks without children, each task getting one at most, so that no
tree is torn by accident. Where a small sandbox has too few of them, fewer are made.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eyewire_validator.sandbox.bucket.volumes import Volume
from eyewire_validator.sandbox.service.replies import (
    DUPLICATE,
    FROZEN,
    STASHED,
    Cell,
    ServedTask,
)
from eyewire_validator.volumes.geometry import ByAxis, by_axis

# Voxels of a segment that is too small to win a block of downsampling.
SPECK_VOXELS = 2
# One reply in this many has numbers as text, or lacks what a client can do without.
TEXT_NUMBERS_EVERY = 40
LACKS_EXTRAS_EVERY = 25

Change = Callable[[ServedTask], ServedTask | None]


def plant_speck(
    segmentation: NDArray[np.uint16],
    allowed: NDArray[np.bool_],
    factor: ByAxis,
    rng: np.random.Generator,
) -> None:
    """Relabel two voxels deep within a segment as a segment of their own, in place.

    In the block of downsampling that holds them, the segment around has more voxels,
    so the speck has no coarse voxel.

    Args:
        segmentation: uint16 (z, y, x), edges divisible by those of ``factor``.
        allowed: (z, y, x), where the speck may lie.
        factor: edges of a block; in small ones there is no such speck.
        rng: where it lies.
    """
    edges = by_axis(factor)
    if edges[2] < SPECK_VOXELS or math.prod(edges) <= 2 * SPECK_VOXELS:
        return
    used = np.bincount(segmentation.ravel(), minlength=2**16)
    blocks = np.array(segmentation.shape) // edges
    for block in rng.permutation(int(blocks.prod())):
        low = np.array(np.unravel_index(block, tuple(blocks))) * edges
        box = tuple(map(slice, low, low + edges))
        inside = segmentation[box]
        if inside[0, 0, 0] and np.ptp(inside) == 0 and allowed[box].all():
            inside[0, 0, :SPECK_VOXELS] = used[1:].argmin() + 1
            return


def add_oddities(
    cells: list[Cell], volumes: list[Volume], rng: np.random.Generator
) -> tuple[list[Cell], dict[str, int]]:
    """Add oddities to the tasks of the cells.

    Args:
        cells: their task ids differ.
        volumes: the volumes of the tasks.
        rng: which tasks.

    Returns:
        The cells, and how often each oddity was made.
    """
    by_id = {volume.box.volume: volume for volume in volumes}
    odd = _OddTasks(cells, rng)
    made = {
        "vanishing_seeds": odd.change(1, lambda t: _seed_with_speck(t, by_id)),
        "empty_aggregates": odd.change(2, lambda t: replace(t, segments={})),
        "empty_aggregate_lists": odd.change(1, lambda t: replace(t, segments=[])),
        "aggregates_without_seed": odd.change(2, _without_seed),
        "frozen_tasks": odd.change(2, lambda t: replace(t, status=FROZEN)),
        "stashed_tasks": odd.change(2, lambda t: replace(t, status=STASHED)),
        "unlisted_parents": odd.change(1, lambda t: _orphan(t, 7)),
        "duplicate_tasks": odd.duplicate(2),
    }
    return odd.cells, made


class _OddTasks:
    """The cells, and which of their tasks are still ordinary."""

    def __init__(self, cells: list[Cell], rng: np.random.Generator) -> None:
        self.cells = [replace(cell, tasks=list(cell.tasks)) for cell in cells]
        parents = {served.task.parent for cell in cells for served in cell.tasks}
        leaves = [
            (k, n)
            for k, cell in enumerate(cells)
            for n, served in enumerate(cell.tasks)
            if cell.status == "Completed"
            and served.task.task not in parents
            and served.task.parent is not None
        ]
        self.ordinary = [leaves[i] for i in rng.permutation(len(leaves))]

    def change(self, count: int, change: Change) -> int:
        """Change up to ``count`` ordinary tasks that can be; return how many were."""
        made = 0
        for k, n in list(self.ordinary):
            if made < count and (odd := change(self.cells[k].tasks[n])) is not None:
                self.cells[k].tasks[n] = odd
                self.ordinary.remove((k, n))
                made += 1
        return made

    def duplicate(self, count: int) -> int:
        """Add tasks of the same segments to another cell."""
        made = 0
        for k, n in list(self.ordinary)[:count]:
            served = self.cells[k].tasks[n]
            other = (k + 1) % len(self.cells)
            hosts = [t for t in self.cells[other].tasks if t.status == 0]
            if hosts:
                highest = max(t.task.task for c in self.cells for t in c.tasks)
                task = replace(served.task, task=highest + 1, parent=hosts[0].task.task)
                self.cells[other].tasks.append(
                    replace(served, task=task, status=DUPLICATE)
                )
                self.ordinary.remove((k, n))
                made += 1
        return made


def _seed_with_speck(
    served: ServedTask, volumes: dict[int, Volume]
) -> ServedTask | None:
    """Make a speck within the task's answer its only seed."""
    sizes = volumes[served.task.volume].sizes
    specks = [s for s in sorted(served.task.truth) if sizes[s] == SPECK_VOXELS]
    if not specks or not isinstance(served.segments, dict):
        return None
    speck = specks[0]
    return replace(
        served,
        task=replace(served.task, seed={speck: SPECK_VOXELS}),
        segments={**served.segments, str(speck): 1.0},
    )


def _without_seed(served: ServedTask) -> ServedTask | None:
    """Take the first seed segment out of the aggregate, if anything is left then."""
    seed = str(min(served.task.seed))
    if not isinstance(served.segments, dict) or seed not in served.segments:
        return None
    left = {s: share for s, share in served.segments.items() if s != seed}
    return replace(served, segments=left) if left else None


def _orphan(served: ServedTask, parent: int) -> ServedTask:
    """Give the task a parent that no list holds."""
    return replace(served, task=replace(served.task, parent=parent))


def disturb_replies(tasks: dict[str, dict[str, Any]]) -> dict[str, int]:
    """Write some numbers as text and leave out some extras, in place.

    Args:
        tasks: replies of ``GET /1.0/task/{task}`` by id.

    Returns:
        How many replies were disturbed, by kind.
    """
    with_text = list(_every(tasks, TEXT_NUMBERS_EVERY))
    for reply in with_text:
        reply["id"] = str(reply["id"])
        reply["weightsum"] = str(reply["weightsum"])
        reply["data"]["segmentation"]["id"] = str(reply["data"]["segmentation"]["id"])
    without_extras = list(_every(tasks, LACKS_EXTRAS_EVERY))
    for reply in without_extras:
        del reply["users"], reply["wiki_notes"]
    return {
        "numbers_as_text": len(with_text),
        "without_users_and_notes": len(without_extras),
    }


def _every(replies: dict[str, dict[str, Any]], period: int) -> Iterator[dict[str, Any]]:
    yield from (replies[key] for key in sorted(replies, key=int)[period // 2 :: period])
