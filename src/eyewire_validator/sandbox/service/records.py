"""The records of a sandbox folder, served in the form of the Eyewire API.

The folder holds one reply per cell and per task; the rest of the API (ancestors,
lists, heatmaps) follows from those. Where public code shows a field's name but not its
exact meaning, the reading is marked ASSUME.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from eyewire_validator.errors import SandboxError
from eyewire_validator.storage.files import read_json

Record = dict[str, Any]

# Task status codes.
FROZEN, DUPLICATE = 10, 11
# Crowds below this weight still need players.
ENOUGH_WEIGHT = 3
# From this weight on, a member of staff has decided.
ADMIN_WEIGHT = 1_000_000
# ASSUME the sandbox knows one superuser and one scythe.
ADMIN_USER, SCYTHE_USER = "1", "2"


@dataclass(frozen=True)
class Records:
    """The folder's replies by cell or task id; for unknown ids they are empty.

    Attributes:
        cells: replies of ``/1.0/cell/{cell}``.
        task_lists: replies of ``/1.0/cell/{cell}/tasks``.
        tasks: replies of ``/1.0/task/{task}``, ``full_path`` relative to the bucket.
        aggregates: replies of ``/1.0/task/{task}/aggregate``.
    """

    cells: dict[int, Record]
    task_lists: dict[int, Record]
    tasks: dict[int, Record]
    aggregates: dict[int, Record]

    @classmethod
    def read(cls, folder: Path) -> "Records":
        """Read the JSON files in ``api/`` of a sandbox folder.

        Raises:
            SandboxError: the folder is not there.
            FileError: one of its files is missing or not JSON.
        """
        if not (folder / "api").is_dir():
            raise SandboxError(
                f"{folder} is no sandbox (it has no folder api); make one by running "
                "the workflow with source: sandbox"
            )
        names = ("cells", "cell_tasks", "tasks", "aggregates")
        replies = [read_json(folder / "api" / f"{name}.json") for name in names]
        return cls(*({int(key): record[key] for key in record} for record in replies))

    @cached_property
    def children(self) -> dict[int, list[int]]:
        """The tasks that each task spawned, oldest first; roots are under 0."""
        children = defaultdict(list)
        for task in sorted(self.tasks):
            children[self.tasks[task].get("parent") or 0].append(task)
        return dict(children)

    def cell(self, cell: int) -> Record:
        """Reply to ``/1.0/cell/{cell}``."""
        return self.cells.get(cell, {})

    def tasks_of_cell(self, cell: int) -> Record:
        """Reply to ``/1.0/cell/{cell}/tasks``."""
        return self.task_lists.get(cell, {})

    def aggregate(self, task: int) -> Record:
        """Reply to ``/1.0/task/{task}/aggregate``."""
        return self.aggregates.get(task, {})

    def task(self, task: int, storage_url: str) -> Record:
        """Reply to a task, its ``full_path`` absolute and with a trailing slash."""
        if task not in self.tasks:
            return {}
        reply = self.tasks[task]
        return {**reply, "full_path": storage_url + reply["full_path"]}

    def ancestors(self, task: int) -> list[int]:
        """List the ancestors that are on record, root first."""
        chain: list[int] = []
        while (task := self.tasks.get(task, {}).get("parent") or 0) in self.tasks:
            chain.insert(0, task)
        return chain

    def descendants(self, task: int) -> list[int]:
        """List all descendants of a task, generation by generation."""
        generation = self.children.get(task, []) if task in self.tasks else []
        found: list[int] = []
        while generation:
            found += generation
            generation = [c for task in generation for c in self.children.get(task, [])]
        return found

    def hierarchy(self, task: int) -> Record:
        """Reply to ``/1.0/task/{task}/hierarchy``."""
        if task not in self.tasks:
            return {}
        return {
            "ancestors": self.ancestors(task),
            "descendants": self.descendants(task),
        }

    def volumes(self, task: int) -> Record:
        """Reply to ``/1.0/task/{task}/volumes``."""
        if task not in self.tasks:
            return {}
        data = self.tasks[task]["data"]
        return {
            "channel_id": data["channel"]["id"],
            "segmentation_id": data["segmentation"]["id"],
        }

    def task_list(
        self, dataset: int | None, cell: int | None, lowest: float, highest: float
    ) -> list[Record]:
        """Reply to ``/1.0/task``: tasks of a weight from ``lowest`` to ``highest``."""
        return [
            self._summary(task, place)
            for task, place in self._nested_sets()
            if cell in (None, self.tasks[task]["cell"])
            and dataset in (None, self._cell_of(task).get("dataset_id"))
            and lowest <= self._weight(task) <= highest
        ]

    def cell_list(self, dataset: int | None) -> list[Record]:
        """Reply to ``/1.0/cell``."""
        return [
            self._cell_summary(cell)
            for cell, reply in sorted(self.cells.items())
            if dataset in (None, reply.get("dataset_id"))
        ]

    def scythe_heatmap(self, cell: int) -> Record:
        """Reply to ``/1.0/cell/{cell}/heatmap/scythe``."""
        if cell not in self.cells:
            return {}
        tasks = self._tasks_of(cell)
        votes = {task: self._votes(task) for task in tasks}
        # ASSUME scythed tasks have one vote, reaped ones a staff member's weight, and
        # flagged ones wait for review.
        return {
            "complete": [{"id": t, "votes": votes[t]} for t in tasks if votes[t]],
            "scythed": [task for task in tasks if votes[task] == 1],
            "reaped": [task for task in tasks if self._weight(task) >= ADMIN_WEIGHT],
            "review": [task for task in tasks if self.aggregate(task).get("flagged")],
            "frozen": self._with_status(tasks, FROZEN),
            "duplicate": self._with_status(tasks, DUPLICATE),
        }

    def low_weight_heatmap(self, cell: int, limit: int) -> dict[str, list[Record]]:
        """Reply to ``/1.0/cell/{cell}/heatmap/low-weight``: tasks by whole weight."""
        if cell not in self.cells:
            return {}
        heatmap: dict[str, list[Record]] = {str(i): [] for i in range(limit)}
        for task in self._tasks_of(cell):
            if (weight := int(self._weight(task))) < limit:
                heatmap[str(weight)].append({"task_id": task})
        return heatmap

    def completions(self, cell: int) -> dict[str, dict[str, list[int]]]:
        """Reply to ``/1.0/cell/{cell}/tasks/complete/player``."""
        if cell not in self.cells:
            return {}
        tasks = self._tasks_of(cell)
        admin = [task for task in tasks if self._votes(task) >= ADMIN_WEIGHT]
        scythe = [task for task in tasks if 0 < self._votes(task) < ADMIN_WEIGHT]
        return {"scythe": {SCYTHE_USER: scythe}, "admin": {ADMIN_USER: admin}}

    def _tasks_of(self, cell: int) -> list[int]:
        return [task for task in sorted(self.tasks) if self.tasks[task]["cell"] == cell]

    def _with_status(self, tasks: list[int], status: int) -> list[int]:
        return [task for task in tasks if self.tasks[task]["status"] == status]

    def _cell_of(self, task: int) -> Record:
        return self.cell(self.tasks[task]["cell"])

    def _weight(self, task: int) -> float:
        weight: float = self.aggregate(task).get("weight") or 0
        return weight

    def _votes(self, task: int) -> int:
        votes: int = (self.aggregate(task).get("votes") or {}).get("total", 0)
        return votes

    def _nested_sets(self) -> Iterator[tuple[int, tuple[int, int, int]]]:
        """Give each task its depth and its left and right edge, parents first."""
        edge = 0

        def visit(task: int, depth: int) -> list[tuple[int, tuple[int, int, int]]]:
            nonlocal edge
            left = edge = edge + 1
            below = [
                visited
                for child in self.children.get(task, [])
                for visited in visit(child, depth + 1)
            ]
            edge += 1
            return [(task, (depth, left, edge)), *below]

        strays = [parent for parent in self.children if parent not in self.tasks]
        for parent in strays:
            for root in self.children[parent]:
                yield from visit(root, 0)

    def _summary(self, task: int, place: tuple[int, int, int]) -> Record:
        reply, weight = self.tasks[task], self._weight(task)
        agreed = list((self.aggregate(task).get("segments") or {}).values())
        depth, left, right = place
        return {
            "id": task,
            "weightsum": weight,
            "inspected_weight": weight,
            "segmentation_path": reply["full_path"],
            "cell": reply["cell"],
            "depth": depth,
            "left_edge": left,
            "right_edge": right,
            "status": reply["status"],
            "users": reply.get("users", ""),
            "parent": reply["parent"],
            "wiki_notes": reply.get("wiki_notes", ""),
            # ASSUME segments that anyone chose, and that most players did.
            "allSize": len(agreed),
            "agreedSize": sum(fraction > 0.5 for fraction in agreed),
        }

    def _cell_summary(self, cell: int) -> Record:
        reply, tasks = self.cells[cell], self._tasks_of(cell)
        weights = [self._weight(task) for task in tasks]
        return {
            "id": cell,
            "name": reply.get("name"),
            "description": reply.get("raw_description"),
            "difficulty": reply.get("difficulty"),
            "completed": reply.get("completed"),
            "tags": reply.get("tags"),
            # ASSUME these count tasks: wanted, there, of low weight, new, playable.
            "target": len(tasks),
            "count": len(tasks),
            "underconfident": sum(weight < ENOUGH_WEIGHT for weight in weights),
            "weight": sum(weights),
            "growth": 0,
            "avail": len(self._with_status(tasks, 0)),
        }
