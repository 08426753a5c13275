"""Replies of the Eyewire API about cells and tasks.

Field names and forms are those of eyewire-api 1 to 3, as far as public code shows them.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from eyewire_validator.sandbox.bucket.folder import BUCKET
from eyewire_validator.sandbox.bucket.volumes import VolumeBox
from eyewire_validator.sandbox.tracing.spawning import SpawnedTask

Reply = dict[str, Any]

NORMAL, STASHED, FROZEN, DUPLICATE = 0, 6, 10, 11
VOTES_NEEDED = 2


@dataclass(frozen=True)
class Cell:
    """A cell of the registry and its tasks.

    Args:
        cell: id.
        name: as in the registry.
        status: "Completed" or empty.
        tags: JSON text, may be empty.
        description: free text.
        size: voxels, as the registry counts them.
        neuron: its true identity; 0 for a cell that was never traced.
        tasks: its tasks; counted from 0 until `number_tasks`.
    """

    cell: int
    name: str
    status: str
    tags: str
    description: str
    size: int = 0
    neuron: int = 0
    tasks: list["ServedTask"] = field(default_factory=list)


@dataclass(frozen=True)
class ServedTask:
    """A task and the fields that the API adds to it.

    Args:
        task: the task and its answer.
        status: 0 normal, 6 stashed, 10 frozen, 11 duplicate.
        segments: the aggregate's segments as served: {id: share}, or [].
        users: names of the players.
    """

    task: SpawnedTask
    status: int
    segments: dict[str, float] | list[int]
    users: str


def serve(task: SpawnedTask, shows_all: bool) -> ServedTask:
    """Return the served form of a task.

    Args:
        task: the task.
        shows_all: whether segments below the consensus threshold show, too.
    """
    answer = task.answer
    shown = sorted(answer.segments) if shows_all else answer.consensus
    players = ",".join(f"player{n + 1}" for n in range(len(answer.validations)))
    return ServedTask(
        task,
        NORMAL,
        {str(segment): answer.segments[segment] for segment in shown},
        players,
    )


def number_tasks(cells: Sequence[Cell], first: int) -> list[Cell]:
    """Number all tasks of all cells from ``first`` on, so that their ids differ."""
    numbered = []
    for cell in cells:
        tasks = [
            replace(served, task=_shift_ids(served.task, first))
            for served in cell.tasks
        ]
        numbered.append(replace(cell, tasks=tasks))
        first += len(tasks)
    return numbered


def _shift_ids(task: SpawnedTask, first: int) -> SpawnedTask:
    parent = None if task.parent is None else task.parent + first
    return replace(task, task=task.task + first, parent=parent)


def registry_row(cell: Cell) -> dict[str, object]:
    """Return the cell's row of the registry CSV."""
    return {
        "Cell ID": cell.cell,
        "Name": cell.name,
        "Status": cell.status,
        "Size": cell.size,
        "Tags": cell.tags,
        "Description": cell.description,
    }


def cell_reply(cell: Cell) -> Reply:
    """Reply to ``GET /1.0/cell/{cell}``."""
    is_done = cell.status == "Completed"
    return {
        "id": cell.cell,
        "name": cell.name,
        "size": cell.size,
        "raw_description": cell.description,
        "tags": json.loads(cell.tags or "{}"),
        "completed": "2016-05-04T12:00:00.000Z" if is_done else None,
        "created": "2013-12-10T12:00:00.000Z",
        "dataset_id": 11 if cell.name.startswith(("SN-", "Abd-")) else 1,
        "difficulty": 1,
        "is_evil": 0,
        "is_hunt": 0,
        "is_marathon": 0,
        "ai_accelerated": 0,
        "is_showcase": 0,
    }


def cell_tasks_reply(cell: Cell, boxes: Mapping[int, VolumeBox]) -> Reply:
    """Reply to ``GET /1.0/cell/{cell}/tasks``."""
    shapes = [boxes[served.task.volume].shape for served in cell.tasks]
    return {
        "tasks": [
            {
                "id": served.task.task,
                "status": served.status,
                "weight": served.task.answer.weight,
                "bounds": _bounds(boxes[served.task.volume]),
            }
            for served in cell.tasks
        ],
        "world": {
            "volumes": {
                "resolution": {"x": 1, "y": 1, "z": 1},
                "voxels": _xyz(shapes[0] if shapes else (0, 0, 0)),
            }
        },
    }


def task_reply(cell: int, served: ServedTask, box: VolumeBox) -> Reply:
    """Reply to ``GET /1.0/task/{task}``; ``full_path`` is relative to the host."""
    task = served.task
    weight = task.answer.weight
    return {
        "id": task.task,
        "cell": cell,
        "parent": task.parent,
        "prior": {
            "segments": {str(s): voxels for s, voxels in task.seed.items()},
            "weight": weight,
        },
        "weightsum": int(weight),
        "status": served.status,
        "data": {
            "channel": {"id": box.channel, "metadata": _metadata(box, 1)},
            "segmentation": {"id": box.volume, "metadata": _metadata(box, 2)},
        },
        "bounds": _bounds(box),
        "full_path": f"{BUCKET}/{box.name}/",
        "users": served.users,
        "wiki_notes": "",
    }


def aggregate_reply(served: ServedTask, children: Sequence[int]) -> Reply:
    """Reply to ``GET /1.0/task/{task}/aggregate``."""
    task = served.task
    return {
        "segments": served.segments,
        "weight": task.answer.weight,
        "traces": len(task.answer.validations),
        "status": served.status,
        "flagged": False,
        "splitpoint": False,
        "assignable": served.status == NORMAL and task.answer.votes < VOTES_NEEDED,
        "inspected": task.answer.votes > 0,
        "task_family": {"parent": task.parent, "children": list(children)},
        "votes": {"total": task.answer.votes, "max": VOTES_NEEDED},
    }


def _xyz(zyx: tuple[int, int, int]) -> dict[str, int]:
    return dict(zip("xyz", zyx[::-1], strict=True))


def _bounds(box: VolumeBox) -> dict[str, dict[str, int]]:
    z, y, x = (c + s for c, s in zip(box.corner, box.shape, strict=True))
    return {"min": _xyz(box.corner), "max": _xyz((z, y, x))}


def _metadata(box: VolumeBox, kind: int) -> Reply:
    return {
        "bounds": _bounds(box),
        "resolution": {"x": 1, "y": 1, "z": 1},
        # 2 is UINT8; Omni has no name for 16 bits.
        "type": 2 if kind == 1 else 4,
        "vol_type": kind,
        "chunkDims": {axis: edge // 2 for axis, edge in _xyz(box.shape).items()},
        "mipLevel": 0,
    }
