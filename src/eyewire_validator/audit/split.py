"""Do the splits share anything?

No voxel of a held-out volume may lie in a training volume, overlaps included, and no
cell or task may be in two splits.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from eyewire_validator.audit.naming import NAMED, listed
from eyewire_validator.storage.schemas.columns import MAXIMA, MINIMA


@dataclass(frozen=True)
class Overlap:
    """Two volumes, or one of two splits, that share voxels of the full resolution."""

    volumes: tuple[int, int]
    splits: tuple[str, str]
    voxels: int


@dataclass(frozen=True)
class SplitAudit:
    """The overlap of the splits; nothing, if all is well.

    Attributes:
        volumes: volumes that are in a split.
        unbounded: those of unknown bounds, which could not be checked.
        overlaps: pairs of volumes of different splits that share a voxel.
        shared_voxels: full-resolution voxels that they share, summed over the pairs.
        first_overlaps: the first few pairs.
        cells: cells that are in more than one split.
        first_cells: the first few of them.
        tasks: tasks that are in more than one split.
        first_tasks: the first few of them.
    """

    volumes: int
    unbounded: int
    overlaps: int
    shared_voxels: int
    first_overlaps: tuple[Overlap, ...]
    cells: int
    first_cells: tuple[int, ...]
    tasks: int
    first_tasks: tuple[int, ...]

    @property
    def passed(self) -> bool:
        """Return whether the splits are known to share nothing."""
        return self.volumes > 0 and not any(self.reasons())

    def reasons(self) -> Iterator[str]:
        """Yield the reasons why it does not pass, in words."""
        if self.overlaps:
            one, other = (
                f"{volume} ({split})"
                for volume, split in zip(
                    self.first_overlaps[0].volumes,
                    self.first_overlaps[0].splits,
                    strict=True,
                )
            )
            yield (
                f"{self.overlaps} pairs of volumes of different splits share "
                f"{self.shared_voxels} voxels, first {one} and {other}"
            )
        for count, what, first in (
            (self.cells, "cells", self.first_cells),
            (self.tasks, "tasks", self.first_tasks),
        ):
            if count:
                named = listed(first)
                yield f"{count} {what} are in more than one split, first {named}"
        if self.unbounded:
            yield (
                f"not checkable: {self.unbounded} of {self.volumes} volumes come "
                "without bounds"
            )


def audit_split(index: pd.DataFrame) -> SplitAudit:
    """Check that the splits share no voxel, no cell and no task.

    Args:
        index: table in the schema `TASK_INDEX`. The bounds of a volume are a
            half-open box; of unused tasks nothing is asked.
    """
    used = index[index["split"].notna()]
    volumes = used[["volume", "split", *MINIMA, *MAXIMA]].drop_duplicates()
    unbounded = volumes[[*MINIMA, *MAXIMA]].isna().any(axis=1)
    overlaps = _overlaps(volumes[~unbounded])
    cells, tasks = (_in_several_splits(used, column) for column in ("cell", "task"))
    return SplitAudit(
        volumes=int(volumes["volume"].nunique()),
        unbounded=int(volumes.loc[unbounded, "volume"].nunique()),
        overlaps=len(overlaps),
        shared_voxels=sum(overlap.voxels for overlap in overlaps),
        first_overlaps=tuple(overlaps[:NAMED]),
        cells=len(cells),
        first_cells=tuple(cells[:NAMED]),
        tasks=len(tasks),
        first_tasks=tuple(tasks[:NAMED]),
    )


def _overlaps(volumes: pd.DataFrame) -> list[Overlap]:
    """Find the pairs of rows of different splits whose boxes share a voxel.

    Along the first axis the boxes are sorted, so that each is compared with the few
    that begin before it ends.
    """
    volumes = volumes.sort_values([MINIMA[0], "volume", "split"])
    ids, splits = volumes["volume"].tolist(), volumes["split"].to_numpy(str)
    minima, maxima = (
        volumes[columns].to_numpy(np.int64) for columns in (MINIMA, MAXIMA)
    )
    ends = np.searchsorted(minima[:, 0], maxima[:, 0])
    found = []
    for one, end in enumerate(ends):
        later = slice(one + 1, end)
        edges = np.minimum(maxima[one], maxima[later]) - np.maximum(
            minima[one], minima[later]
        )
        shared = edges.clip(min=0).prod(axis=1) * (splits[later] != splits[one])
        for other in np.flatnonzero(shared):
            pair = (one, one + 1 + int(other))
            found.append(
                Overlap(
                    (ids[pair[0]], ids[pair[1]]),
                    (str(splits[pair[0]]), str(splits[pair[1]])),
                    int(shared[other]),
                )
            )
    return found


def _in_several_splits(used: pd.DataFrame, column: str) -> list[int]:
    splits = used.groupby(column)["split"].nunique()
    return [int(name) for name in splits.index[splits > 1]]
