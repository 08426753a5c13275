"""A volume of the sandbox: its box, its segments and their owners."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eyewire_validator.sandbox.bucket.regions import (
    Borders,
    find_borders,
    joined_by_owners,
    majority_owners,
)
from eyewire_validator.volumes.downsampling import bounding_boxes
from eyewire_validator.volumes.geometry import Corner, Edges


@dataclass(frozen=True)
class VolumeBox:
    """A volume's ids and box.

    Args:
        channel: image volume id.
        volume: segmentation volume id.
        corner: lowest voxel (z, y, x), voxels.
        shape: voxels (z, y, x).
    """

    channel: int
    volume: int
    corner: Corner
    shape: Edges

    @property
    def name(self) -> str:
        """Name of the volume's folder in the bucket."""
        return f"Volume-{self.channel}-{self.volume}"


@dataclass(frozen=True)
class Volume:
    """A segmented volume; everything per segment is indexed by segment id, from 0.

    Args:
        box: its ids and where it lies.
        segmentation: uint16 (z, y, x), 0 is nothing.
        sizes: voxels of each segment; 0 for 0 and for ids that do not occur.
        segment_boxes: (n, 2, 3) each segment's box, see `bounding_boxes`.
        borders: which segments touch, with the grey value along the contact.
        owners: the neuron that owns most of each segment, 0 for none.
        purity: the owner's share of the segment.
        joined: (n, 2) pairs of segments of one owner that a piece of it joins.
    """

    box: VolumeBox
    segmentation: NDArray[np.uint16]
    sizes: NDArray[np.int64]
    segment_boxes: NDArray[np.int32]
    borders: Borders
    owners: NDArray[np.integer]
    purity: NDArray[np.float64]
    joined: NDArray[np.int64]

    @property
    def connections(self) -> NDArray[np.int64]:
        """Pairs of segments that touch or are joined; (n, 2)."""
        return np.concatenate([self.borders.pairs, self.joined])

    def segments_of(self, neuron: int) -> NDArray[np.int64]:
        """Return the segments of which a neuron owns most."""
        return np.flatnonzero((self.owners == neuron) & (self.sizes > 0))


def describe(
    box: VolumeBox,
    segmentation: NDArray[np.uint16],
    image: NDArray[np.uint8],
    neurons: NDArray[np.integer],
) -> Volume:
    """Measure the segments of a volume.

    Args:
        box: its ids and where it lies.
        segmentation: uint16 (z, y, x).
        image: uint8 (z, y, x), for the grey values along borders.
        neurons: (z, y, x) who really owns each voxel.
    """
    sizes = np.bincount(segmentation.ravel())
    sizes[0] = 0
    owners, purity = majority_owners(segmentation, neurons)
    return Volume(
        box,
        segmentation,
        sizes,
        bounding_boxes(segmentation)[: len(sizes)],
        find_borders(segmentation, image),
        owners,
        purity,
        joined_by_owners(segmentation, neurons, owners),
    )
