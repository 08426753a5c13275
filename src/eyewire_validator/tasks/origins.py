"""Lead segments back to the user's data: the own id of each, and a place in it.

Ids of segments hold within their volume only. Whoever acts on an answer needs the id
and the place in the data that the volumes were cut from.
"""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eyewire_validator.errors import TableError
from eyewire_validator.storage.schemas.volumes import SUPERVOXELS
from eyewire_validator.storage.tables import read_table
from eyewire_validator.tasks.lineage import Task
from eyewire_validator.volumes.coverage import SegmentCoverage
from eyewire_validator.volumes.geometry import Edges


class Origins:
    """The origins of segments.

    Args:
        supervoxels: table of `SUPERVOXELS`, of a sandbox from files; none, or empty,
            where the ids of segments are the user's own.
    """

    def __init__(self, supervoxels: Path | str | None = None) -> None:
        """Read the table, if there is one."""
        self._supervoxels = None
        if supervoxels:
            rows = read_table(Path(supervoxels), SUPERVOXELS)
            self._supervoxels = rows.set_index(["volume", "segment"])["supervoxel"]

    def of(
        self, task: Task, coverage: SegmentCoverage, factor: Edges
    ) -> dict[str, NDArray[Any]]:
        """Return the origin of each segment of a task's volume.

        Args:
            task: it lies in the volume.
            coverage: of the volume.
            factor: edges of the block that became one coarse voxel, voxels.

        Returns:
            ``supervoxel``, (segments,) uint64: the own id. ``z``, ``y`` and ``x``,
            (segments,) int64: the middle of a coarse voxel that holds much of it,
            counted as the corner of the volume is; -1 where nobody knows the corner.

        Raises:
            TableError: a segment is not in the table of supervoxels.
        """
        segments = coverage.segments["segment"].to_numpy()
        places = np.full((len(segments), 3), -1)
        if task.corner is not None:
            middle = np.array(task.corner) + np.array(factor) // 2
            places = middle + coverage.points * factor
        return {
            "supervoxel": self.own_ids(task.volume_id, segments),
            **dict(zip("zyx", places.T, strict=True)),
        }

    def of_seed(self, task: Task) -> list[int]:
        """Return the own ids of a task's seed, each once, ascending.

        Raises:
            TableError: a segment is not in the table of supervoxels.
        """
        own_ids = np.unique(self.own_ids(task.volume_id, task.seed))
        return [int(own_id) for own_id in own_ids]

    def own_ids(self, volume: int, segments: NDArray[np.int64]) -> NDArray[np.uint64]:
        """Return the own ids of (n,) segments of a volume.

        Raises:
            TableError: a segment is not in the table of supervoxels.
        """
        if self._supervoxels is None:
            return segments.astype(np.uint64)
        try:
            of_volume = self._supervoxels.loc[volume]
            return np.asarray(of_volume.loc[segments], np.uint64)
        except KeyError as error:
            raise TableError(
                f"volume {volume}: segment {error} is not in the table of its "
                "supervoxels; make the sandbox and the volumes again"
            ) from None
