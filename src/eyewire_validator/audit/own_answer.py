"""Does what answers a task depend on the task's own aggregate?

The aggregate is blanked, and then permuted, that is replaced by as many other segments
of its volume. Nothing that answers the task may change by a bit: not the inputs of a
network, not the answers of a rule. Only the task's OWN aggregate is altered. Those of
its ancestors are context, which players see as well.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from eyewire_validator.answers import Answerer
from eyewire_validator.audit.naming import NAMED, listed
from eyewire_validator.config.families import NetworkSettings
from eyewire_validator.tasks.lineage import Lineage, Task
from eyewire_validator.volumes.store import VolumeStore

TRUTH = "truth"
# What the index says about a task's answer: all of it is altered.
ANSWER_COLUMNS = (
    "aggregate",
    "aggregate_weights",
    "aggregate_voxels",
    "seedless_voxels",
)
ANSWER_PARTS = ("probability", "sigma", "members", "segments", "segment_members")

# What there is to see of a task, by name; `TRUTH` is its aggregate's mask.
View = Callable[[int], dict[str, NDArray[Any]]]


@dataclass(frozen=True)
class LeakAudit:
    """The changes when each task's own aggregate was altered.

    Attributes:
        subject: what was compared, ``input`` or ``answer``.
        tasks: tasks that were checked.
        blanked: tasks whose subject changed when their aggregate was blanked.
        permuted: the same for other segments in its place.
        changed: tasks whose subject changed in either way.
        blind: tasks on which neither alteration showed in the truth, so that they could
            not show a leak either.
        first_tasks: the first few that changed.
        parts: what changed, such as ``context 1``.
    """

    subject: str
    tasks: int
    blanked: int
    permuted: int
    changed: int
    blind: int
    first_tasks: tuple[int, ...]
    parts: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """Return whether nothing changed, though something would have been seen."""
        return not self.changed and self.blind < self.tasks

    def reasons(self) -> Iterator[str]:
        """Yield the reasons why it does not pass, in words."""
        if self.changed:
            yield (
                f"the {self.subject} to {self.changed} of {self.tasks} tasks changed "
                f"with their own aggregate ({', '.join(self.parts)}), first "
                f"{listed(self.first_tasks)}"
            )
        if self.blind == self.tasks:
            yield (
                f"not checkable: on none of {self.tasks} tasks did an altered "
                "aggregate show in the truth"
            )


def audit_inputs(
    index: pd.DataFrame,
    store: VolumeStore,
    settings: NetworkSettings,
    tasks: Sequence[int],
    random_seed: int,
) -> LeakAudit:
    """Check that no task's own aggregate is in the inputs of a network.

    Args:
        index: table in the schema `TASK_INDEX`: these tasks, and all that may
            be ancestors.
        store: the volumes.
        settings: the model's entry: says what its network is shown.
        tasks: ids of tasks that have a volume.
        random_seed: chooses the segments that take an aggregate's place.

    Raises:
        TableError: the index lacks a task.
        VolumeError: a task has no volume.
    """
    from eyewire_validator.voxel_network.samples import SampleLoader

    context = (f"context {channel}" for channel in range(settings.context_channels))
    names = ("image", *context, "seed", TRUTH)

    def view_of(index: pd.DataFrame) -> View:
        loader = SampleLoader(index, store, settings)
        return lambda task: dict(zip(names, loader.load(task), strict=True))

    return _audit("input", view_of, index, store, tasks, random_seed)


def audit_answers(
    make_answerer: Callable[[pd.DataFrame], Answerer],
    index: pd.DataFrame,
    store: VolumeStore,
    tasks: Sequence[int],
    random_seed: int,
) -> LeakAudit:
    """Check that no answer to a task depends on the task's own aggregate.

    Args:
        make_answerer: makes the answerer from an index. It is called once with the
            index as it is, and twice for each depth among the tasks. What learns from
            training tasks, which no audited task should be, can learn before.
        index: as for `audit_inputs`.
        store: the volumes.
        tasks: ids of tasks that have a volume.
        random_seed: chooses the segments that take an aggregate's place.

    Raises:
        TableError: the index lacks a task.
        VolumeError: a task has no volume.
    """

    def view_of(index: pd.DataFrame) -> View:
        answerer, lineage = make_answerer(index), Lineage(index)

        def view(task: int) -> dict[str, NDArray[Any]]:
            (answers,) = answerer([task])
            row = lineage.task(task)
            return {TRUTH: store.get(row.volume_id).mask(row.aggregate)} | {
                f"{part}, loops {loops}": getattr(answer, part)
                for loops, answer in answers.items()
                for part in ANSWER_PARTS
                if getattr(answer, part) is not None
            }

        return view

    return _audit("answer", view_of, index, store, tasks, random_seed)


def _audit(
    subject: str,
    view_of: Callable[[pd.DataFrame], View],
    index: pd.DataFrame,
    store: VolumeStore,
    tasks: Sequence[int],
    random_seed: int,
) -> LeakAudit:
    """Compare what is seen of each task before and after its aggregate is altered."""

    def others(task: Task) -> NDArray[np.int64]:
        return _other_segments(task, store, random_seed)

    lineage, told = Lineage(index), view_of(index)
    rows = [lineage.task(task) for task in tasks]
    changes: dict[int, tuple[set[str], set[str]]] = {}
    for group in _unrelated(index, rows):
        blanked, permuted = (
            view_of(_alter(index, store, group, aggregate_of))
            for aggregate_of in (_nothing, others)
        )
        for task in (row.task for row in group):
            before = told(task)
            changes[task] = (
                _changes(before, blanked(task)), _changes(before, permuted(task))
            )  # fmt: skip
    return _count(subject, changes)


def _count(subject: str, changes: Mapping[int, tuple[set[str], set[str]]]) -> LeakAudit:
    """Count tasks by what changed on them when blanked, and when permuted."""
    either = {task: one | other for task, (one, other) in changes.items()}
    changed = sorted(task for task, parts in either.items() if parts - {TRUTH})
    return LeakAudit(
        subject=subject,
        tasks=len(changes),
        blanked=sum(bool(blanked - {TRUTH}) for blanked, _ in changes.values()),
        permuted=sum(bool(permuted - {TRUTH}) for _, permuted in changes.values()),
        changed=len(changed),
        blind=sum(TRUTH not in parts for parts in either.values()),
        first_tasks=tuple(changed[:NAMED]),
        parts=tuple(sorted(set().union(*either.values()) - {TRUTH})),
    )


def _unrelated(index: pd.DataFrame, tasks: Sequence[Task]) -> Iterator[list[Task]]:
    """Group tasks such that none is an ancestor of another: by their depth."""
    depth = index.drop_duplicates("task").set_index("task")["depth"]
    groups: dict[int, list[Task]] = {}
    for task in tasks:
        groups.setdefault(int(depth[task.task]), []).append(task)
    yield from groups.values()


def _alter(
    index: pd.DataFrame,
    store: VolumeStore,
    tasks: Sequence[Task],
    aggregate_of: Callable[[Task], NDArray[np.int64]],
) -> pd.DataFrame:
    """Return the index with other aggregates, and all that is said about them."""
    altered = {
        task.task: _answer_columns(task, aggregate_of(task), store) for task in tasks
    }
    return index.assign(
        **{
            column: [
                altered[task][column] if task in altered else value
                for task, value in zip(index["task"], index[column], strict=True)
            ]
            for column in ANSWER_COLUMNS
        }
    )


def _answer_columns(
    task: Task, aggregate: NDArray[np.int64], store: VolumeStore
) -> dict[str, Any]:
    volume = store.get(task.volume_id)
    mask, seed = volume.mask(aggregate), volume.mask(task.seed)
    return dict(
        zip(
            ANSWER_COLUMNS,
            (
                aggregate,
                np.ones(len(aggregate)),
                np.count_nonzero(mask),
                np.count_nonzero(mask & ~seed),
            ),
            strict=True,
        )
    )


def _nothing(task: Task) -> NDArray[np.int64]:
    return task.aggregate[:0]


def _other_segments(
    task: Task, store: VolumeStore, random_seed: int
) -> NDArray[np.int64]:
    """Draw as many segments as the aggregate has (or all) from the volume's others."""
    present = np.unique(store.get(task.volume_id).segmentation).astype(np.int64)
    others = np.setdiff1d(present[present > 0], task.aggregate)
    count = min(len(task.aggregate), len(others))
    generator = np.random.default_rng([random_seed, task.task])
    return np.sort(generator.choice(others, count, replace=False))


def _changes(
    before: Mapping[str, NDArray[Any]], after: Mapping[str, NDArray[Any]]
) -> set[str]:
    """Name the arrays that are not the same to the bit."""
    return {
        name
        for name in before.keys() | after.keys()
        if name not in before
        or name not in after
        or not _identical(before[name], after[name])
    }


def _identical(one: NDArray[Any], other: NDArray[Any]) -> bool:
    return (
        one.shape == other.shape
        and one.dtype == other.dtype
        and one.tobytes() == other.tobytes()
    )
