"""The store of downsampled volumes, which keeps the last ones in memory."""

import os
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from eyewire_validator.errors import FileError
from eyewire_validator.storage.files import read_array
from eyewire_validator.storage.schemas.volumes import (
    COVERAGE,
    SEGMENT_GRAPH,
    SEGMENTS_OF_VOLUME,
)
from eyewire_validator.storage.tables import read_table
from eyewire_validator.volumes.coverage import SegmentCoverage
from eyewire_validator.volumes.geometry import VolumeGeometry
from eyewire_validator.volumes.voxel_size import VoxelSize, coarsened, voxel_size

if TYPE_CHECKING:
    import pandas as pd

# Bytes of a coarse voxel in memory: uint8 image and uint16 segmentation.
VOXEL_BYTES = 3
# The same of a `SegmentCoverage`: about 1.5 entries of a float64 and an int32 each.
COVERAGE_VOXEL_BYTES = 18

# Segment ids are uint16, so a table over all of them is small and needs no look-up.
SEGMENT_IDS = 1 << 16

# The files of a downsampled volume's folder.
IMAGE = "image.lzma"
SEGMENTATION = "segmentation.lzma"
COVERAGE_TABLE = "coverage.parquet"
SEGMENTS_TABLE = "segments.parquet"
GRAPH_TABLE = "graph.parquet"
# Only where contacts were scored at full resolution.
FINE_CONTACTS_TABLE = "contacts.parquet"


class CoarseVolume(NamedTuple):
    """A downsampled volume.

    Attributes:
        image: (z, y, x) uint8 grey values.
        segmentation: (z, y, x) uint16 segment ids, 0 is nothing.
        voxel_nm: edges of a coarse voxel (z, y, x) in nm; none if unknown, which
            counts as a cube.
    """

    image: NDArray[np.uint8]
    segmentation: NDArray[np.uint16]
    voxel_nm: VoxelSize | None = None

    def mask(self, segments: Sequence[int] | NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return where these segments are: (z, y, x) bool.

        Ids that a segmentation cannot hold, and 0, select nothing. A look-up table
        takes a quarter of the time of `np.isin`.
        """
        ids = np.asarray(segments, np.int64)
        chosen = np.zeros(SEGMENT_IDS, np.bool_)
        chosen[ids[(ids > 0) & (ids < SEGMENT_IDS)]] = True
        return chosen[self.segmentation]


class VolumeStore:
    """The downsampled volumes; the last ones used stay in memory.

    Args:
        folders: each holds the folders of some volumes, named by their ids, as
            `coarse.write_volume` makes them.
        geometry: gives the shape of the arrays.
        max_bytes: memory for volumes; one is kept in any case. A coarse volume of
            64 voxels takes 0.8 MB, so that 1 GiB keeps 1,365. Coverages may take as
            much again.
        voxel_nm: edges of a full-resolution voxel (z, y, x) in nm; none if unknown.
    """

    def __init__(
        self,
        folders: Iterable[Path],
        geometry: VolumeGeometry,
        max_bytes: int = 2**30,
        voxel_nm: VoxelSize | None = None,
    ) -> None:
        """List the volumes that there are; read none yet."""
        self.folders = {
            int(entry.name): Path(entry)
            for folder in folders
            for entry in os.scandir(folder)
            if entry.name.isdigit()
        }
        self.geometry, self.voxel_nm = geometry, voxel_nm
        self._max_bytes = max_bytes
        volume_bytes = VOXEL_BYTES * geometry.coarse_voxels
        self._get = lru_cache(max(1, max_bytes // volume_bytes))(self.read)
        coverage_bytes = COVERAGE_VOXEL_BYTES * geometry.coarse_voxels
        self._coverage = lru_cache(max(1, max_bytes // coverage_bytes))(
            self._read_coverage
        )

    @classmethod
    def open(
        cls,
        folders: Iterable[str],
        geometry: Mapping[str, Any],
        voxel_nm: Sequence[float] | None,
        manifest: str | None = None,
    ) -> "VolumeStore":
        """Open the volumes that a job is given.

        Args:
            folders: see above.
            geometry: ``size``, ``overlap`` and ``factor``, see `VolumeGeometry`.
            voxel_nm: ``volumes.voxel_nm`` of the configuration.
            manifest: of a sandbox from files, which says how large their voxels are.

        Raises:
            ConfigError: configuration and manifest say different things.
        """
        edges = voxel_size(voxel_nm, Path(manifest) if manifest else None)
        return cls(map(Path, folders), VolumeGeometry(**geometry), voxel_nm=edges)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the settings alone, so that another process has its own memory."""
        folders = sorted({folder.parent for folder in self.folders.values()})
        return type(self), (folders, self.geometry, self._max_bytes, self.voxel_nm)

    @property
    def coarse_voxel_nm(self) -> VoxelSize | None:
        """Edges of a coarse voxel (z, y, x) in nm; none if unknown."""
        return coarsened(self.voxel_nm, self.geometry.factor)

    def get(self, volume: int) -> CoarseVolume:
        """Return a volume; its arrays are shared and read-only.

        Raises:
            FileError: there is no such volume, or a file is missing, damaged or of
                another size.
        """
        return self._get(volume)

    def coverage(self, volume: int) -> SegmentCoverage:
        """Return the coverage of a volume's segments.

        Raises:
            FileError: there is no such volume.
            TableError: a table is missing or damaged.
            VolumeError: the tables do not belong together.
        """
        return self._coverage(volume)

    def graph(self, volume: int) -> "pd.DataFrame":
        """Return the volume's `SEGMENT_GRAPH`; empty where the bucket has none.

        Raises:
            FileError: there is no such volume.
            TableError: the table is missing or damaged.
        """
        return read_table(self._folder(volume) / GRAPH_TABLE, SEGMENT_GRAPH)

    def fine_contacts_file(self, volume: int) -> Path | None:
        """Return the file of `FineContacts`; none where they were not scored.

        Raises:
            FileError: there is no such volume.
        """
        path = self._folder(volume) / FINE_CONTACTS_TABLE
        return path if path.exists() else None

    def __contains__(self, volume: int) -> bool:
        """Return whether the volume has a folder."""
        return volume in self.folders

    def read(self, volume: int) -> CoarseVolume:
        """Return a volume as `get` does, without keeping it."""
        folder, shape = self._folder(volume), self.geometry.coarse_shape
        return CoarseVolume(
            read_array(folder / IMAGE, shape, np.uint8),
            read_array(folder / SEGMENTATION, shape, np.uint16),
            self.coarse_voxel_nm,
        )

    def _folder(self, volume: int) -> Path:
        try:
            return self.folders[volume]
        except KeyError:
            raise FileError(
                f"volume {volume}: not among the {len(self.folders)} that were "
                "downsampled; make the task index and the volumes again"
            ) from None

    def _read_coverage(self, volume: int) -> SegmentCoverage:
        folder = self._folder(volume)
        return SegmentCoverage.build(
            read_table(folder / SEGMENTS_TABLE, SEGMENTS_OF_VOLUME),
            read_table(folder / COVERAGE_TABLE, COVERAGE),
            self.geometry.coarse_shape,
            self.voxel_nm,
        )
