"""Make the cells of seeds: their tasks have no answers yet."""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from eyewire_validator.errors import SandboxError
from eyewire_validator.sandbox.bucket.volumes import Volume
from eyewire_validator.sandbox.frames import Frame
from eyewire_validator.sandbox.seeds import Seed
from eyewire_validator.sandbox.service.replies import Cell, serve
from eyewire_validator.sandbox.tracing.half_done import NO_ANSWER
from eyewire_validator.sandbox.tracing.spawning import SpawnedTask
from eyewire_validator.storage.array_files import Place
from eyewire_validator.volumes.dust import Dust
from eyewire_validator.volumes.geometry import Corner


@dataclass(frozen=True)
class OpenCells:
    """Makes the cells of seeds.

    Attributes:
        volumes: by where they start (z, y, x), voxels.
        supervoxels: rows of `SUPERVOXELS`, of all segments of the volumes.
        dust: segments that are no seeds.
        frame: of the image that the volumes are cut from.
    """

    volumes: Mapping[Corner, Volume]
    supervoxels: pd.DataFrame
    dust: Dust
    frame: Frame

    def make(self, seeds: Sequence[Seed], first: int = 0) -> list[Cell]:
        """Make a cell of each seed, with a task in each volume that the seed is in.

        The root is where the seed has most voxels; volumes that share voxels with one
        that has a task follow.

        Args:
            seeds: their numbers differ.
            first: what is added to the number of a seed to make the id of its cell.

        Raises:
            SandboxError: a segment or a point of a seed is in no volume, or is dust.
        """
        by_id = self.supervoxels.groupby("supervoxel").indices
        return [self._cell(seed, by_id, first) for seed in seeds]

    def _cell(
        self, seed: Seed, by_id: Mapping[int, NDArray[np.intp]], first: int
    ) -> Cell:
        pieces: dict[int, dict[int, int]] = {}
        for volume, segment in [
            *self._of_segments(seed, by_id),
            *(self._below(point, seed.where) for point in seed.points),
        ]:
            voxels = int(volume.sizes[segment])
            pieces.setdefault(volume.box.volume, {})[segment] = voxels
        tasks = [serve(task, False) for task in self._spread(pieces)]
        size = sum(sum(seeds.values()) for seeds in pieces.values())
        number = first + seed.number
        name = f"seed {seed.number}"
        return Cell(number, name, "", "{}", seed.where, size, 0, tasks)

    def _of_segments(
        self, seed: Seed, by_id: Mapping[int, NDArray[np.intp]]
    ) -> Iterator[tuple[Volume, int]]:
        """Yield the pieces of a seed's segments that are no dust."""
        by_volume = {volume.box.volume: volume for volume in self.volumes.values()}
        for own_id in seed.segments:
            rows = self.supervoxels.iloc[by_id.get(own_id, np.empty(0, np.intp))]
            if rows.empty:
                raise SandboxError(
                    f"seeds: {seed.where}: segment {own_id} is in no volume; expected "
                    "an id of the supervoxels, in a volume"
                )
            found = [(by_volume[v], s) for v, s in rows[["volume", "segment"]].values]
            large = [(v, int(s)) for v, s in found if not self._is_dust(v, s)]
            if not large:
                raise SandboxError(
                    f"seeds: {seed.where}: segment {own_id} is dust, at most "
                    f"{self.dust.voxels} voxels or {self.dust.thickness} thick in any "
                    "volume; leave it out, or set evaluation.dust_voxels lower"
                )
            yield from large

    def _below(self, point: Place, where: str) -> tuple[Volume, int]:
        """Return the segment below a point, in the volume whose middle is nearest."""
        steps = np.subtract(point, self.frame.offset_nm) / self.frame.resolution_nm
        voxel = np.floor(steps).astype(np.int64)
        holds = {
            np.abs(
                voxel - (np.array(v.box.corner) + np.array(v.box.shape) / 2)
            ).max(): v
            for v in self.volumes.values()
            if (voxel >= v.box.corner).all()
            and (voxel < np.add(v.box.corner, v.box.shape)).all()
        }
        place = (
            f"seeds: {where}: the point {point} nm, voxel {voxel.tolist()} (z, y, x)"
        )
        if not holds:
            raise SandboxError(f"{place}, is in no volume")
        volume = holds[min(holds)]
        z, y, x = voxel - volume.box.corner
        segment = int(volume.segmentation[z, y, x])
        if not segment:
            raise SandboxError(f"{place}, lies on background, in no supervoxel")
        if self._is_dust(volume, segment):
            raise SandboxError(f"{place}, lies on dust; choose a larger segment")
        return volume, segment

    def _is_dust(self, volume: Volume, segment: int) -> bool:
        edges = volume.segment_boxes[[segment], 1] - volume.segment_boxes[[segment], 0]
        voxels = volume.sizes[[segment]]
        return bool(self.dust.among(voxels, edges, self.frame.resolution_nm)[0])

    def _spread(self, pieces: Mapping[int, dict[int, int]]) -> Iterator[SpawnedTask]:
        """Yield a task for each volume, those that share voxels after each other."""
        boxes = {volume.box.volume: volume.box for volume in self.volumes.values()}
        left = sorted(pieces, key=lambda v: (-sum(pieces[v].values()), v))
        count = 0
        while left:
            waiting: deque[tuple[int, int | None]] = deque([(left.pop(0), None)])
            while waiting:
                volume, parent = waiting.popleft()
                seed = dict(sorted(pieces[volume].items()))
                yield SpawnedTask(count, parent, volume, seed, set(), NO_ANSWER)
                near = [
                    other
                    for other in left
                    if (
                        np.abs(np.subtract(boxes[other].corner, boxes[volume].corner))
                        < boxes[volume].shape
                    ).all()
                ]
                waiting.extend((other, count) for other in near)
                left = [other for other in left if other not in near]
                count += 1
