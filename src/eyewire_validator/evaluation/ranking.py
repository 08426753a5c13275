"""Segments ranked by probability, however many there are.

Metrics ask how many segments reach a probability, in which cells, and how many of them
belong. So segments of one probability and one cell are counted together; what does not
fit into memory waits on disk in sorted runs, and comes back merged, part by part.
"""

import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import IO, Any, NamedTuple
from weakref import finalize

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from eyewire_validator.errors import TableError
from eyewire_validator.evaluation.task_rows import TaskRows, segment_truth

# Reads some columns of the segments of an evaluation, batch by batch, in their order.
Batches = Callable[[Sequence[str]], Iterator[pd.DataFrame]]

# Segments of one probability and one cell; `right` are those that belong.
COUNTS = ("segments", "right", "voxels", "right_voxels")
ENTRY = np.dtype(
    [("probability", "f4"), ("cell", "i4"), *((count, "i8") for count in COUNTS)]
)
Entries = NDArray[np.void]
# Entries in memory at a time, of 40 bytes each.
MOST = 2**20


def batches_of(segments: pd.DataFrame) -> Batches:
    """Return a table that is in memory, as a single batch."""
    return lambda columns: iter([segments[list(columns)]])


def rank_segments(
    batches: Batches, tasks: pd.DataFrame, truth: str = "truth", most: int = MOST
) -> "RankedSegments":
    """Rank the segments of an evaluation.

    Args:
        batches: read a table in the schema `SEGMENT_SCORES`.
        tasks: table with ``task`` and ``cell``, of all tasks of the segments; cells are
            numbered ascending by their ids.
        truth: column that tells what belongs: ``truth`` or ``neuron``.
        most: see `RankedSegments`.

    Raises:
        TableError: a segment's task is not in ``tasks``, it is not known whether a
            segment belongs, or a probability is none.
    """
    ranked = RankedSegments(most)
    _, cell_of_task = np.unique(tasks["cell"], return_inverse=True)
    rows = TaskRows(tasks)
    for batch in batches(["task", "probability", "voxels", truth]):
        ranked.add(
            batch["probability"].to_numpy(np.float32),
            segment_truth(batch, truth),
            batch["voxels"].to_numpy(np.int64),
            cell_of_task[rows.of(batch)],
        )
    return ranked


class RankedSegments:
    """Counts of segments by probability and cell, the most probable first.

    Args:
        most: entries in memory at a time; more wait in the folder of temporary files.

    Attributes:
        totals: over all segments, by the names in `COUNTS`.
        lowest: the lowest probability.
        highest: the highest probability.
        cells: one more than the highest number of a cell.
    """

    def __init__(self, most: int = MOST) -> None:
        """Start without a segment."""
        self.totals = dict.fromkeys(COUNTS, 0)
        self.lowest, self.highest = np.inf, -np.inf
        self.cells = 0
        self._most = most
        self._waiting: list[Entries] = []
        self._runs: list[_Run] = []
        self._file: IO[bytes] | None = None

    def add(
        self,
        probability: NDArray[np.float32],
        belongs: NDArray[np.bool_],
        voxels: NDArray[np.int64],
        cell: NDArray[np.intp] | int = 0,
    ) -> None:
        """Count segments, (n,) each.

        Args:
            probability: in [0, 1].
            belongs: whether each belongs.
            voxels: of each.
            cell: number of its cell, from 0 on.

        Raises:
            TableError: a probability is none.
        """
        if not len(probability):
            return
        self._check_range(probability)
        entries = np.empty(len(probability), ENTRY)
        # There is a -0, too, whose bits are those of a high number.
        entries["probability"] = probability + np.float32(0)
        entries["cell"] = cell
        self.cells = max(self.cells, int(entries["cell"].max()) + 1)
        entries["segments"], entries["right"] = 1, belongs
        entries["voxels"], entries["right_voxels"] = voxels, voxels * belongs
        for name in COUNTS:
            self.totals[name] += int(entries[name].sum())
        self._waiting.append(merged([entries]))
        if sum(map(len, self._waiting)) > self._most:
            self._waiting = [merged(self._waiting)]
            if len(self._waiting[0]) > self._most / 2:
                self._file = self._file or self._new_file()
                self._runs.append(self._write([self._waiting.pop()], self._file))

    def parts(self) -> Iterator[Entries]:
        """Yield entries that fit into memory, each probability in one part only."""
        self._settle()
        rest = np.empty(0, ENTRY)
        for run in self._runs:
            for start in range(0, run.length, self._most):
                entries = np.concatenate([rest, run.read(start, self._most)])
                last = np.searchsorted(-entries["probability"], -entries[-1][0])
                yield entries[:last]
                rest = entries[last:]
        yield np.concatenate([rest, *self._waiting])

    def levels(self) -> Iterator[Entries]:
        """Yield the same of all cells together, in the cell 0."""
        for part in self.parts():
            levels = _summed(part, _starts(part["probability"]))
            levels["cell"] = 0
            yield levels

    def _settle(self) -> None:
        """Merge all runs, and what is in memory, into one run, if there is any."""
        self._waiting = [merged([np.empty(0, ENTRY), *self._waiting])]
        if len(self._runs) + len(self._waiting[0]) > 1 and self._runs:
            chunk = max(1, self._most // len(self._runs))
            parts = _merge(self._runs, self._waiting.pop(), chunk)
            self._runs, self._file = [self._write(parts, self._new_file())], None

    def _new_file(self) -> IO[bytes]:
        """Open a file that goes when this does."""
        file: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115
        finalize(self, file.close)
        return file

    def _write(self, parts: Iterable[Entries], file: IO[bytes]) -> "_Run":
        """Write sorted entries below those that the file has."""
        start, length = file.seek(0, os.SEEK_END), 0
        for part in parts:
            file.write(part.tobytes())
            length += len(part)
        return _Run(file, start, length)

    def _check_range(self, probability: NDArray[np.float32]) -> None:
        low, high = probability.min(), probability.max()
        if not (low >= 0 and high <= 1):
            raise TableError(
                f"probabilities range from {low} to {high}; expected 0 to 1 without "
                "gaps: predict again"
            )
        self.lowest, self.highest = min(self.lowest, low), max(self.highest, high)


def with_next(parts: Iterator[Entries]) -> Iterator[tuple[Entries, np.float32]]:
    """Yield entries above 0, as far as there are any, and what is next below; or 0.

    Args:
        parts: of `RankedSegments.parts` or `RankedSegments.levels`.
    """
    positive = (part[part["probability"] > 0] for part in parts)
    filled = (part for part in positive if len(part))
    before = next(filled, None)
    while before is not None:
        after = next(filled, None)
        yield before, np.float32(0) if after is None else after["probability"][0]
        before = after


def between(
    passing: NDArray[np.float32], below: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Return what lies half-way, but above ``below`` if they are next in line."""
    middle = (passing + below) / np.float32(2)
    return np.where(middle > below, middle, passing)


class _Run(NamedTuple):
    """Sorted entries in a file of several runs."""

    file: IO[bytes]
    start: int
    length: int

    def read(self, skip: int, count: int) -> Entries:
        """Read up to ``count`` entries after the first ``skip``."""
        self.file.seek(self.start + skip * ENTRY.itemsize)
        wanted = min(count, self.length - skip) * ENTRY.itemsize
        return np.frombuffer(self.file.read(wanted), ENTRY)


def _merge(runs: Sequence[_Run], rest: Entries, chunk: int) -> Iterator[Entries]:
    """Merge runs, and what is in memory, reading some of each at a time."""
    ahead = [*(run.read(0, chunk) for run in runs), rest]
    read = [len(entries) for entries in ahead[:-1]]
    while unread := [i for i, run in enumerate(runs) if read[i] < run.length]:
        # What is above the end of all that is read is complete.
        ends = {i: ahead[i]["probability"][-1] for i in unread}
        end = max(ends.values())
        counts = [int((entries["probability"] > end).sum()) for entries in ahead]
        if any(counts):
            yield merged([e[:n] for e, n in zip(ahead, counts, strict=True)])
        ahead = [e[n:] for e, n in zip(ahead, counts, strict=True)]
        for i in unread:
            if len(ahead[i]) < chunk or ends[i] == end:
                more = runs[i].read(read[i], chunk)
                ahead[i] = np.concatenate([ahead[i], more])
                read[i] += len(more)
    yield merged(ahead)


def merged(several: Sequence[Entries]) -> Entries:
    """Sort entries, and add up those of one probability and one cell."""
    entries = np.concatenate(several)
    # Of floats that are not negative, bits are in the order of the numbers.
    bits = entries["probability"].view(np.uint32).astype(np.uint64)
    key = (np.uint64(2**32 - 1) - bits) << np.uint64(32)
    key |= entries["cell"].astype(np.uint64)
    order = np.argsort(key)
    return _summed(entries[order], _starts(key[order]))


def _starts(values: NDArray[Any]) -> NDArray[np.intp]:
    """Return where each group of equal values in a row begins."""
    return np.flatnonzero(np.append(True, values[1:] != values[:-1])[: len(values)])


def _summed(entries: Entries, starts: NDArray[np.intp]) -> Entries:
    """Add up the counts of groups of entries, under the first of each."""
    summed = entries[starts]
    for name in COUNTS if len(starts) else ():
        summed[name] = np.add.reduceat(entries[name], starts)
    return summed
