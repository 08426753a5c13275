"""Count how much of the labels a sandbox asks about, and why not the rest."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from eyewire_validator.sandbox.bucket.volumes import Volume
from eyewire_validator.sandbox.triple import Triple
from eyewire_validator.storage.array_files import Box
from eyewire_validator.volumes.dust import Dust
from eyewire_validator.volumes.geometry import Corner, Edges
from eyewire_validator.volumes.voxel_size import VoxelSize

# What becomes of a labelled voxel, from what is farthest from being asked about. Where
# cubes overlap, the nearest counts.
FATES = (
    "unlabelled",
    "small_label",  # its label is below min_cell_voxels
    "no_supervoxel",
    "other_supervoxel",  # in a supervoxel that is mostly of another label, or of none
    "impure_supervoxel",  # its label has less than min_purity of it
    "dust",
    "no_task",  # no task of its label reaches it
    "asked",  # in the truth of a task
)
UNLABELLED, SMALL, BARE, OTHER, IMPURE, DUST, NO_TASK, ASKED = range(len(FATES))


@dataclass(frozen=True)
class Judge:
    """Decide what becomes of a labelled voxel.

    Args:
        small: labels that are too small to be cells.
        min_purity: share of a supervoxel that must be its label's.
        dust: which segments are dust.
        voxel_nm: edges of a voxel (z, y, x) in nm.
        truths: by volume, the segments that belong to a task of it.
    """

    small: NDArray[np.uint64]
    min_purity: float
    dust: Dust
    voxel_nm: VoxelSize
    truths: Mapping[int, set[int]]

    def fates(self, volume: Volume, labels: NDArray[np.uint64]) -> NDArray[np.uint8]:
        """Return the fate (z, y, x), uint8, of each voxel of a volume with labels."""
        segmentation = np.asarray(volume.segmentation)
        is_own = volume.owners[segmentation] == labels
        fates = np.where(is_own, self._of_segments(volume)[segmentation], OTHER)
        fates[segmentation == 0] = BARE
        fates[np.isin(labels, self.small)] = SMALL
        fates[labels == 0] = UNLABELLED
        return fates.astype(np.uint8)

    def _of_segments(self, volume: Volume) -> NDArray[np.uint8]:
        fates = np.full(len(volume.sizes), NO_TASK, np.uint8)
        edges = volume.segment_boxes[:, 1] - volume.segment_boxes[:, 0]
        fates[self.dust.among(volume.sizes, edges, self.voxel_nm)] = DUST
        fates[volume.purity < self.min_purity] = IMPURE
        fates[sorted(self.truths.get(volume.box.volume, ()))] = ASKED
        return fates


def count_fates(
    triple: Triple, cubes: Mapping[Corner, Volume], judge: Judge, scratch: Path
) -> dict[str, dict[str, float]]:
    """Count what becomes of the labelled voxels, each once.

    Args:
        triple: what was cut up.
        cubes: the volumes by their corner, counted in the triple's common part.
        judge: decides.
        scratch: a folder for a byte a voxel, which is kept off the memory.

    Returns:
        {fate: {"voxels": n, "share": of all labelled voxels}}, and ``labelled``, all of
        them together.
    """
    path = scratch / "fates.npy"
    fates = np.lib.format.open_memmap(path, "w+", np.uint8, triple.shape)
    thickness = next(iter(cubes.values())).box.shape[0]
    for corner, volume in cubes.items():
        box = box_at(corner, volume.box.shape)
        found = judge.fates(volume, triple.labels(box))
        np.maximum(fates[box], found, out=fates[box])
    counts = np.zeros(len(FATES), np.int64)
    for slab in triple.slabs(thickness):
        counts += np.bincount(fates[slab].ravel(), minlength=len(FATES))
    total = int(counts[SMALL:].sum())
    voxels = {"labelled": total, **dict(zip(FATES, counts.tolist(), strict=True))}
    del voxels["unlabelled"]
    return {
        name: {"voxels": n, "share": n / total if total else 0.0}
        for name, n in voxels.items()
    }


def box_at(corner: Corner, shape: Edges) -> Box:
    """Return the box of this shape at a corner."""
    return tuple(slice(a, a + n) for a, n in zip(corner, shape, strict=True))
