"""Real arrays to cut up: image, supervoxels, and labels where there are any."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eyewire_validator.errors import ConfigError
from eyewire_validator.sandbox.frames import (
    check_dtypes,
    common_part,
    open_on_one_grid,
)
from eyewire_validator.sandbox.ids import as_ids
from eyewire_validator.storage.array_files import Access, Box, OpenedArray, Place
from eyewire_validator.volumes.geometry import Corner, Edges
from eyewire_validator.volumes.voxel_size import VoxelSize, agreed

NAMES = ("image", "supervoxels", "labels")


@dataclass(frozen=True)
class FilesSettings:
    """Settings of a sandbox from files: a real triple to cut up.

    Args:
        image: the uint8 image; see `open_array` for what may be named.
        supervoxels: the same for the segmentation, integers.
        labels: the same for the proofread labels, integers; none if there are none.
        seeds: a CSV of what to ask, or `all`; none to ask what the labels know.
        min_cell_voxels: labels with fewer voxels are not traced as cells; nor are
            supervoxels, if all are asked.
        min_purity: share of a supervoxel that must be the cell's to be its answer.
        invert: whether bright grey values are turned into dark ones (``image.invert``).
        voxel_nm: edges of a voxel (z, y, x), nm (``volumes.voxel_nm``); none if a file
            says them.
    """

    image: str | None
    supervoxels: str | None
    labels: str | None
    min_cell_voxels: int
    min_purity: float
    seeds: str | None = None
    invert: bool = False
    voxel_nm: Sequence[float] | None = None


@dataclass(frozen=True)
class Triple:
    """Arrays and the part that all of them cover, which boxes are counted in.

    Args:
        arrays: by name: uint8, integers, integers; 0 is nothing.
        sources: where each is from.
        shape: of the part (z, y, x), voxels.
        corners: where it starts in each array (z, y, x), voxels.
        voxel_nm: edges of a voxel (z, y, x), nm.
        invert: whether the image's bright grey values are turned into dark ones.
    """

    arrays: dict[str, OpenedArray]
    sources: dict[str, str]
    shape: Edges
    corners: dict[str, Corner]
    voxel_nm: VoxelSize
    invert: bool = False

    def image(self, box: Box) -> NDArray[np.uint8]:
        """Read a box (z, y, x) of the image."""
        image: NDArray[np.uint8] = self._read("image", box)
        return 255 - image if self.invert else image

    def supervoxels(self, box: Box) -> NDArray[np.uint64]:
        """Read a box (z, y, x) of the supervoxels.

        Raises:
            SandboxError: there are negative ids.
        """
        return as_ids(self.sources["supervoxels"], self._read("supervoxels", box))

    def labels(self, box: Box) -> NDArray[np.uint64]:
        """Read a box (z, y, x) of the labels; all 0 if there are none.

        Raises:
            SandboxError: there are negative ids.
        """
        if "labels" not in self.arrays:
            return np.zeros([part.stop - part.start for part in box], np.uint64)
        return as_ids(self.sources["labels"], self._read("labels", box))

    @property
    def offset_nm(self) -> Place | None:
        """Place of the image's first voxel (z, y, x), nm; None if it does not say."""
        return self.arrays["image"].offset_nm

    @property
    def versions(self) -> dict[str, str]:
        """Versions of the arrays at addresses; they change with the content."""
        arrays = self.arrays.items()
        return {name: array.version for name, array in arrays if array.version}

    def slabs(self, thickness: int) -> Iterator[Box]:
        """Yield boxes that together are the whole part."""
        depth, height, width = self.shape
        for z in range(0, depth, thickness):
            yield np.s_[z : min(z + thickness, depth), 0:height, 0:width]

    def _read(self, name: str, box: Box) -> NDArray[Any]:
        shifted = tuple(
            slice(part.start + start, part.stop + start)
            for part, start in zip(box, self.corners[name], strict=True)
        )
        return self.arrays[name].read(shifted)


def open_triple(settings: FilesSettings, access: Access | None = None) -> Triple:
    """Open the arrays and find the part that all cover.

    Args:
        settings: what they are.
        access: how to ask for what lies elsewhere.

    Raises:
        ConfigError: a file is not named, or how large voxels are is not said, or not
            alike by config and files.
        FileError: a file is missing, damaged or of another form.
        SandboxError: there is no common part, or a dtype is not what it should be.
    """
    sources = {}
    for name in NAMES:
        source = getattr(settings, name)
        if name == "labels" and source is None:
            continue
        if not source:
            raise ConfigError(
                f"sandbox.files.{name} is not set; give a path, such as "
                f"data/{name}.npy or data.npz::{name}"
            )
        sources[name] = source
    arrays = open_on_one_grid(sources, agreed(settings.voxel_nm, None), access)
    check_dtypes(arrays)
    part = common_part(arrays)
    edges = _voxel_nm(settings, arrays)
    return Triple(arrays, sources, part.shape, part.corners, edges, settings.invert)


def _voxel_nm(settings: FilesSettings, arrays: Mapping[str, OpenedArray]) -> VoxelSize:
    said = (array.resolution_nm for array in arrays.values())
    found = next((edges for edges in said if edges is not None), None)
    edges = agreed(settings.voxel_nm, found)
    if edges is None:
        raise ConfigError(
            f"volumes.voxel_nm: none of {', '.join(NAMES)} says how large its voxels "
            "are (attribute resolution); give it in nm (z, y, x), such as [30, 6, 6]"
        )
    return edges
