"""Free-running growth: the model walks by itself, and stops where it is not sure.

An answer spawns seeds in the neighbouring volumes, these are answered in turn, and so
on to the end of the block. Each path carries the probability that all that was joined
on it belongs, the product over its cubes of that of the weakest segment which leads on.
A segment is joined if it more likely belongs than not, and the path with it is wrong
with a probability of at most `Limits.path_risk`. So the further a path has gone through
doubtful places, the surer it must be.
"""

import heapq
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from eyewire_validator.growth.cube_answers import CubeAnswers, Joinable
from eyewire_validator.storage.schemas.growth import ENDED, STOPPED, WENT_ON
from eyewire_validator.tasks.lineage import Task
from eyewire_validator.volumes.spawning import MAX_TRACED

# What more likely belongs than not.
LIKELY = 0.5
_NONE = Joinable(np.empty(0, np.int64), np.empty(0))


@dataclass(frozen=True)
class Limits:
    """The limits of growth.

    Attributes:
        path_risk: highest probability, from 0 to 1, that anything joined on a path is
            wrong.
        cubes: most cubes of a cell that are answered; none: no limit.
    """

    path_risk: float
    cubes: int | None = None


class Seed(NamedTuple):
    """A place from which a cell grows.

    Attributes:
        cell: its id.
        volume: where it is.
        segments: (n,) int64 its segments, ascending.
    """

    cell: int
    volume: int
    segments: NDArray[np.int64]


@dataclass(frozen=True)
class GrownCube:
    """A cube of a grown cell.

    Attributes:
        cell: its id.
        cube: number within the cell, in the order of growth.
        parent: cube that it was reached from; none: a seed of the cell.
        volume: where it is.
        seed: (n,) int64 segments that it began with.
        accepted: what was joined to these.
        withheld: what more likely belongs than not, but at too high a risk.
        path_risk: probability that anything on the path up to its seed is wrong.
        outcome: `WENT_ON`, `ENDED` or `STOPPED`.
        why: in words.
    """

    cell: int
    cube: int
    parent: int | None
    volume: int
    seed: NDArray[np.int64]
    accepted: Joinable = field(default=_NONE)
    withheld: Joinable = field(default=_NONE)
    path_risk: float = 0.0
    outcome: str = STOPPED
    why: str = ""

    @property
    def segments(self) -> NDArray[np.int64]:
        """The segments of the answer, ascending."""
        return np.union1d(self.seed, self.accepted.segments)

    @property
    def risk(self) -> float:
        """Return the risk of the path with the weakest segment that was accepted."""
        weakest = float(self.accepted.probability.min(initial=1))
        return 1 - (1 - self.path_risk) * weakest


def divide(
    candidates: Joinable, path_risk: float, limits: Limits
) -> tuple[Joinable, Joinable]:
    """Return what is accepted of what likely belongs, and what is withheld."""
    segments, probability = candidates
    likely = probability >= LIKELY
    sure = likely & (1 - (1 - path_risk) * probability <= limits.path_risk)
    return (
        Joinable(segments[sure], probability[sure]),
        Joinable(segments[likely & ~sure], probability[likely & ~sure]),
    )


def grow(
    answers: CubeAnswers, seeds: Sequence[Seed], limits: Limits
) -> list[GrownCube]:
    """Grow cells from seeds, one after the other.

    Args:
        answers: of the model.
        seeds: of all cells; those of one cell in any order.
        limits: where to stop.

    Returns:
        The cubes, by cell, in the order of growth.
    """
    of_cell: dict[int, list[Seed]] = defaultdict(list)
    for seed in seeds:
        of_cell[seed.cell].append(seed)
    return [
        cube
        for cell, found in sorted(of_cell.items())
        for cube in _Growth(answers, limits, cell).run(found)
    ]


class _Waiting(NamedTuple):
    """A seed that waits, the surest path first, and of these the first found."""

    path_risk: float
    order: int
    volume: int
    seed: NDArray[np.int64]
    parent: int | None


class _Growth:
    """The growth of one cell."""

    def __init__(self, answers: CubeAnswers, limits: Limits, cell: int) -> None:
        self.answers, self.limits, self.cell = answers, limits, cell
        self.block = answers.block
        self.queue: list[_Waiting] = []
        self.found = 0
        self.cubes: list[GrownCube] = []
        self.traced: dict[int, set[int]] = defaultdict(set)

    def run(self, seeds: Sequence[Seed]) -> list[GrownCube]:
        """Grow until nothing is left, or the budget is spent."""
        for seed in seeds:
            self._wait(seed.volume, seed.segments, 0.0, None)
        while self.queue:
            waiting = heapq.heappop(self.queue)
            if self._is_traced(waiting.volume, waiting.seed):
                continue
            if self.limits.cubes is not None and len(self.cubes) >= self.limits.cubes:
                why = f"the budget of {self.limits.cubes} cubes is spent"
                self.queue.clear()
                self._keep(waiting, why=why)
                break
            self._answer(waiting)
        return self.cubes

    def _wait(
        self,
        volume: int,
        seed: NDArray[np.int64],
        path_risk: float,
        parent: int | None,
    ) -> None:
        waiting = _Waiting(path_risk, self.found, volume, seed, parent)
        heapq.heappush(self.queue, waiting)
        self.found += 1

    def _is_traced(self, volume: int, seed: NDArray[np.int64]) -> bool:
        """Return whether more than half of a seed has been joined already."""
        traced = np.array(sorted(self.traced[volume]), np.int64)
        done = self.block.voxels(volume, np.intersect1d(traced, seed))
        return done > MAX_TRACED * self.block.voxels(volume, seed)

    def _keep(self, waiting: _Waiting, **found: object) -> GrownCube:
        cube = GrownCube(
            self.cell,
            len(self.cubes),
            waiting.parent,
            waiting.volume,
            waiting.seed,
            path_risk=waiting.path_risk,
            **found,  # type: ignore[arg-type]
        )
        self.cubes.append(cube)
        self.traced[cube.volume].update(cube.segments.tolist())
        return cube

    def _answer(self, waiting: _Waiting) -> None:
        """Answer a cube, and let its children wait."""
        if strange := self.answers.alarm(waiting.volume):
            self._keep(waiting, why=f"the alarm rings: {strange}")
            return
        candidates = self.answers.answer(self._task(waiting), self._line(waiting))
        accepted, withheld = divide(candidates, waiting.path_risk, self.limits)
        number = len(self.cubes)
        answer = np.union1d(waiting.seed, accepted.segments)
        children = [
            child
            for child in self._children(waiting, answer, accepted)
            if not self._is_traced(child[0], child[1])
        ]
        outcome, why = explain(len(children), withheld, waiting.path_risk, self.limits)
        self._keep(
            waiting, accepted=accepted, withheld=withheld, outcome=outcome, why=why
        )
        for volume, seed, path_risk in children:
            self._wait(volume, seed, path_risk, number)

    def _children(
        self, waiting: _Waiting, answer: NDArray[np.int64], accepted: Joinable
    ) -> Iterator[tuple[int, NDArray[np.int64], float]]:
        """Yield volume, seed and path risk of what the answer leads to."""
        pairs = {
            way.volume: self.answers.contacts(way.volume).pairs
            for way in self.block.ways[waiting.volume]
        }
        for child in self.block.children(waiting.volume, answer, pairs):
            on_way = np.isin(accepted.segments, child.through)
            weakest = accepted.probability[on_way].min(initial=1)
            yield child.volume, child.seed, 1 - (1 - waiting.path_risk) * weakest

    def _task(self, waiting: _Waiting) -> Task:
        return self._as_task(len(self.cubes), waiting, waiting.seed)

    def _line(self, waiting: _Waiting) -> list[Task]:
        """Return the cubes that led here, the parent first, as answered tasks.

        What they withheld is not rejected.
        """
        line, parent = [], waiting.parent
        while parent is not None:
            cube = self.cubes[parent]
            known = np.union1d(cube.segments, cube.withheld.segments)
            line.append(self._as_task(parent, cube, known))
            parent = cube.parent
        return line

    def _as_task(
        self, number: int, of: "_Waiting | GrownCube", answer: NDArray[np.int64]
    ) -> Task:
        return Task(
            task=number,
            cell=self.cell,
            parent=of.parent,
            volume=of.volume,
            corner=self.block.corners[of.volume],
            seed=of.seed,
            aggregate=answer,
            aggregate_weights=np.ones(len(answer)),
            excluded=False,
        )


def explain(
    children: int, withheld: Joinable, path_risk: float, limits: Limits
) -> tuple[str, str]:
    """Return the outcome of a cube, and why it went on, ended or stopped, in words."""
    onward = f"leads into {_count(children, 'cube')}" if children else ""
    if not len(withheld.segments):
        nowhere = "nothing of it reaches a neighbouring cube"
        return (WENT_ON, onward) if children else (ENDED, nowhere)
    risk = 1 - (1 - path_risk) * withheld.probability.max()
    stop = (
        f"stopped at {_count(len(withheld.segments), 'segment')}: with the likeliest "
        f"the path would be wrong at {risk:.3g}, above {limits.path_risk:g}"
    )
    return STOPPED, "; ".join(filter(None, [stop, onward]))


def _count(number: int, of: str) -> str:
    return f"{number} {of}{'' if number == 1 else 's'}"
