"""Features of the contacts of a volume: a region adjacency graph, described."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eyewire_validator.agglomeration.features import (
    COMPARED,
    FILTERS,
    OF_A_FILTER,
    OF_A_SEGMENT,
    OF_SEGMENTS,
    QUANTILES,
)
from eyewire_validator.agglomeration.filters import filter_image
from eyewire_validator.volumes.compiled import compiled
from eyewire_validator.volumes.contacts import CUBE, Faces, list_faces
from eyewire_validator.volumes.store import CoarseVolume
from eyewire_validator.volumes.voxel_size import (
    VoxelSize,
    relative_areas,
    relative_edges,
)

# Where nothing lies between segments, such as a membrane that was left out, they grow
# into it by this many coarse voxels, or edges of a cube of a voxel's volume, before
# contacts are looked for.
GROWTH = 2.0


@dataclass(frozen=True)
class DescribedContacts:
    """The contacts of a volume and their features.

    Attributes:
        pairs: (n, 2) int64 segment ids, never 0, the lower one first, ascending.
        area: (n,) float64 area that they share, see `volumes.contacts`.
        features: (n, features) float32, in the order of `features.FEATURES`.
    """

    pairs: NDArray[np.int64]
    area: NDArray[np.float64]
    features: NDArray[np.float32]


def describe_contacts(volume: CoarseVolume, image: str) -> DescribedContacts:
    """Find the contacts of a volume and compute their features.

    Nothing is used but the image and the segmentation. Segments that vanished in the
    vote touch nothing.

    Args:
        volume: see `CoarseVolume`.
        image: ``none`` if nothing of the image may be used, else another key of
            `config.families.IMAGE_SCALES`; filters make them all alike.
    """
    if image == "none":
        volume = volume._replace(image=np.zeros_like(volume.image))
    edges = relative_edges(volume.voxel_nm)
    segmentation = close_gaps(volume.segmentation, edges)
    filtered = filter_image(volume.image, edges)
    faces = list_faces(segmentation, relative_areas(volume.voxel_nm))
    appearance = _appearance(faces, filtered)
    sides = _Segments.measure(segmentation, filtered, edges)
    features = np.concatenate(
        [
            appearance.reshape(-1, len(FILTERS) * len(OF_A_FILTER)),
            _shape(faces, segmentation.shape, edges),
            _compare(faces, appearance, sides),
        ],
        axis=1,
    )
    return DescribedContacts(faces.pairs, faces.area, features.astype(np.float32))


def close_gaps(
    segmentation: NDArray[np.uint16], edges: VoxelSize = CUBE
) -> NDArray[np.int32]:
    """Grow (z, y, x) segments into the background, by `GROWTH` at most.

    A voxel takes the id of the nearest segment; of equally near ones, that of the voxel
    of the lowest x, then y, then z, as `skimage.segmentation.expand_labels` does.

    Args:
        segmentation: (z, y, x) uint16 segment ids, 0 is background.
        edges: of a voxel, see `relative_edges`.
    """
    grown = segmentation.astype(np.int32)
    if not grown.all():
        _grow(segmentation, _nearest_first(GROWTH, edges), grown)
    return grown


def _nearest_first(farthest: float, edges: VoxelSize) -> NDArray[np.int64]:
    """Return the (n, 3) steps along z, y, x to all voxels that are no farther."""
    reach = (farthest / np.array(edges)).astype(np.int64)
    steps = np.indices(tuple(2 * reach + 1)).reshape(3, -1).T - reach
    squares = np.square(steps * edges).sum(axis=1)
    steps = steps[np.lexsort((*steps.T, squares))]
    near: NDArray[np.int64] = steps[1 : np.count_nonzero(squares <= farthest**2)]
    return near


@compiled()
def _grow(segmentation, steps, grown):  # type: ignore[no-untyped-def]
    depth, height, width = segmentation.shape
    for z in range(depth):
        for y in range(height):
            for x in range(width):
                if segmentation[z, y, x]:
                    continue
                for step in range(len(steps)):
                    near_z, near_y = z + steps[step, 0], y + steps[step, 1]
                    near_x = x + steps[step, 2]
                    if (
                        0 <= near_z < depth
                        and 0 <= near_y < height
                        and 0 <= near_x < width
                        and segmentation[near_z, near_y, near_x]
                    ):
                        grown[z, y, x] = segmentation[near_z, near_y, near_x]
                        break


def _appearance(faces: Faces, filtered: NDArray[np.float32]) -> NDArray[np.float64]:
    """Describe the filtered images on each contact: (n, filters, `OF_A_FILTER`)."""
    images = filtered.reshape(len(filtered), -1)
    found = np.empty((len(faces.count), len(images), len(OF_A_FILTER)))
    _describe(images, faces.voxels, faces.count, np.array(QUANTILES), found)
    return found


@compiled("numpy")
def _describe(images, voxels, count, quantiles, found):  # type: ignore[no-untyped-def]
    """Find quantiles, mean and deviation of each image over the faces of each contact.

    The value on a face is the mean of the voxels on both sides.
    """
    ranked = np.empty(count.max() if count.size else 0, np.float32)
    for image in range(len(images)):
        values, start = images[image], 0
        for contact in range(count.size):
            faces = count[contact]
            total, squares = 0.0, 0.0
            for face in range(faces):
                before, behind = voxels[0, start + face], voxels[1, start + face]
                value = (values[before] + values[behind]) / np.float32(2)
                ranked[face] = value
                total += value
                squares += np.float64(value) * np.float64(value)
            ranked[:faces].sort()
            row = found[contact, image]
            for place in range(quantiles.size):
                row[place] = ranked[int(quantiles[place] * (faces - 1))]
            mean = total / faces
            row[-2] = mean
            row[-1] = np.sqrt(max(squares / faces - mean * mean, 0.0))
            start += faces


def _shape(
    faces: Faces, shape: tuple[int, ...], edges: VoxelSize
) -> NDArray[np.float64]:
    """Describe how large and how flat each contact is: (n, 3)."""
    size = np.log(faces.area)
    spread = np.zeros(len(size))
    contact = np.arange(len(size)).repeat(faces.count)
    for axis, edge in zip(np.unravel_index(faces.voxels[0], shape), edges, strict=True):
        mean, square = (
            np.bincount(contact, places, len(size)) / faces.count
            for places in (axis, np.square(axis))
        )
        spread += (square - mean**2).clip(0) * edge**2
    return np.stack([size, np.sqrt(spread), size - np.log1p(spread)], axis=1)


@dataclass(frozen=True)
class _Segments:
    """The segments by their ids, from 0 to the highest.

    Attributes:
        described: (ids, 1 + 2 x filters) float64, in the order of `OF_A_SEGMENT`.
        centers: (ids, 3) float64 centroids, in the edges of a cube of a voxel's volume.
    """

    described: NDArray[np.float64]
    centers: NDArray[np.float64]

    @classmethod
    def measure(
        cls,
        segmentation: NDArray[np.int32],
        filtered: NDArray[np.float32],
        edges: VoxelSize,
    ) -> "_Segments":
        ids = segmentation.ravel()
        voxels = np.bincount(ids)

        def mean(values: Any) -> NDArray[np.float64]:
            sums = np.bincount(ids, np.ravel(values).astype(np.float64))
            means: NDArray[np.float64] = sums / np.maximum(voxels, 1)
            return means

        columns = [np.log1p(voxels)]
        for name in OF_SEGMENTS:
            values = filtered[FILTERS.index(name)]
            average = mean(values)
            variance = mean(np.square(values, dtype=np.float64)) - average**2
            columns += [average, np.sqrt(variance.clip(0))]
        centers = [mean(axis) for axis in np.indices(segmentation.shape)]
        return cls(np.stack(columns, axis=1), np.stack(centers, axis=1) * edges)


def _compare(
    faces: Faces, appearance: NDArray[np.float64], segments: _Segments
) -> NDArray[np.float64]:
    """Describe both sides of each contact: (n, features)."""
    voxels = segments.described[faces.pairs, 0]
    sides = np.take_along_axis(faces.pairs, np.argsort(voxels, 1, kind="stable"), 1)
    smaller, larger = segments.described[sides.T]
    surface = np.bincount(faces.pairs.ravel(), faces.area.repeat(2))
    centers = segments.centers[sides]
    columns = [
        *(faces.area / surface[sides.T]),
        np.linalg.norm(centers[:, 0] - centers[:, 1], axis=1),
    ]
    for name in COMPARED:
        inside = appearance[:, FILTERS.index(name), OF_A_FILTER.index("mean")]
        column = OF_A_SEGMENT.index(f"{name}_mean")
        both = smaller[:, column], larger[:, column]
        columns += [inside - np.maximum(*both), inside - np.minimum(*both)]
    return np.concatenate(
        [smaller, larger, np.abs(smaller - larger), np.stack(columns, axis=1)], axis=1
    )
