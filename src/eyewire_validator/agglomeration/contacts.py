"""Features of the contacts of a volume: a region adjacency graph, described."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from skimage.segmentation import expand_labels

from eyewire_validator.agglomeration.features import (
    COMPARED,
    FILTERS,
    OF_A_SEGMENT,
    OF_SEGMENTS,
    QUANTILES,
)
from eyewire_validator.agglomeration.filters import filter_image
from eyewire_validator.volumes.contacts import faces_along, pairs_of
from eyewire_validator.volumes.store import CoarseVolume

# Where nothing lies between segments, such as a membrane that was left out, they grow
# into it by this many coarse voxels before contacts are looked for.
GROWTH = 2.0


@dataclass(frozen=True)
class DescribedContacts:
    """The contacts of a volume and their features.

    Attributes:
        pairs: (n, 2) int64 segment ids, never 0, the lower one first, ascending.
        faces: (n,) int64 coarse faces that they share.
        features: (n, features) float32, in the order of `features.FEATURES`.
    """

    pairs: NDArray[np.int64]
    faces: NDArray[np.int64]
    features: NDArray[np.float32]


def describe_contacts(volume: CoarseVolume, image: str) -> DescribedContacts:
    """Find the contacts of a volume and compute their features.

    Nothing is used but the image and the segmentation. Segments that vanished in the
    vote touch nothing.

    Args:
        volume: see `CoarseVolume`.
        image: ``none`` if nothing of the image may be used, else another key of
            `models.settings.IMAGE_SCALES`; filters make them all alike.
    """
    if image == "none":
        volume = volume._replace(image=np.zeros_like(volume.image))
    segmentation = close_gaps(volume.segmentation)
    filtered = filter_image(volume.image)
    faces = _Faces.find(segmentation, filtered)
    sides = _Segments.measure(segmentation, filtered)
    features = np.concatenate(
        [faces.appearance(), faces.shape(), _compare(faces, sides)], axis=1
    )
    return DescribedContacts(faces.pairs, faces.count, features.astype(np.float32))


def close_gaps(segmentation: NDArray[np.uint16]) -> NDArray[np.int32]:
    """Grow (z, y, x) segments into the background, by `GROWTH` voxels at most."""
    grown = segmentation.astype(np.int32)
    if not grown.all():
        grown = expand_labels(grown, GROWTH)  # type: ignore[no-untyped-call]
    return grown


@dataclass(frozen=True)
class _Faces:
    """The faces between segments, sorted by contact.

    Attributes:
        pairs: (n, 2) int64, see `DescribedContacts`.
        count: (n,) int64 faces of each contact.
        contact: (faces,) int64 which contact a face is of, ascending.
        values: (filters, faces) float32, mean of the voxels on both sides.
        places: (3, faces) float32, where it is along z, y, x.
    """

    pairs: NDArray[np.int64]
    count: NDArray[np.int64]
    contact: NDArray[np.int64]
    values: NDArray[np.float32]
    places: NDArray[np.float32]

    @classmethod
    def find(
        cls, segmentation: NDArray[np.int32], filtered: NDArray[np.float32]
    ) -> "_Faces":
        found = [_along(axis, segmentation, filtered) for axis in range(3)]
        codes, values, places = (
            np.concatenate(part, axis=-1) for part in zip(*found, strict=True)
        )
        order = np.argsort(codes, kind="stable")
        unique, count = np.unique(codes, return_counts=True)
        return cls(
            pairs=pairs_of(unique),
            count=count,
            contact=np.repeat(np.arange(len(unique)), count),
            values=values[:, order],
            places=places[:, order],
        )

    def mean(self, values: NDArray[np.float32]) -> NDArray[np.float64]:
        """Average (faces,) values over each contact: (n,)."""
        sums = np.bincount(self.contact, values, len(self.count))
        means: NDArray[np.float64] = sums / self.count
        return means

    def appearance(self) -> NDArray[np.float64]:
        """Describe the filtered images in each contact: (n, filters * 5)."""
        first = np.cumsum(self.count) - self.count
        columns = []
        for values in self.values:
            ranked = values[np.lexsort((values, self.contact))]
            columns += [
                ranked[first + (share * (self.count - 1)).astype(np.int64)]
                for share in QUANTILES
            ]
            mean = self.mean(values)
            variance = self.mean(np.square(values, dtype=np.float64)) - mean**2
            columns += [mean, np.sqrt(variance.clip(0))]
        return np.stack(columns, axis=1)

    def shape(self) -> NDArray[np.float64]:
        """Describe how large and how flat each contact is: (n, 3)."""
        size = np.log(self.count)
        spread = sum(
            (self.mean(axis**2) - self.mean(axis) ** 2).clip(0) for axis in self.places
        )
        return np.stack([size, np.sqrt(spread), size - np.log1p(spread)], axis=1)


@dataclass(frozen=True)
class _Segments:
    """The segments by their ids, from 0 to the highest.

    Attributes:
        described: (ids, 1 + 2 x filters) float64, in the order of `OF_A_SEGMENT`.
        centers: (ids, 3) float64 centroids, coarse voxels.
    """

    described: NDArray[np.float64]
    centers: NDArray[np.float64]

    @classmethod
    def measure(
        cls, segmentation: NDArray[np.int32], filtered: NDArray[np.float32]
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
        return cls(np.stack(columns, axis=1), np.stack(centers, axis=1))


def _along(
    axis: int, segmentation: NDArray[np.int32], filtered: NDArray[np.float32]
) -> tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.float32]]:
    """Find the faces between voxels that are neighbours on an axis.

    Returns:
        (faces,) codes of their contacts, (filters, faces) values, (3, faces) places.
    """
    maps = np.moveaxis(filtered, axis + 1, 1)
    touching, codes = faces_along(axis, segmentation)
    values = (maps[:, :-1][:, touching] + maps[:, 1:][:, touching]) / np.float32(2)
    first, *others = np.nonzero(touching)
    others.insert(axis, first)
    return codes, values, np.stack(others).astype(np.float32)


def _compare(faces: _Faces, segments: _Segments) -> NDArray[np.float64]:
    """Describe both sides of each contact: (n, features)."""
    voxels = segments.described[faces.pairs, 0]
    sides = np.take_along_axis(faces.pairs, np.argsort(voxels, 1, kind="stable"), 1)
    smaller, larger = segments.described[sides.T]
    surface = np.bincount(faces.pairs.ravel(), faces.count.repeat(2))
    centers = segments.centers[sides]
    columns = [
        *(faces.count / surface[sides.T]),
        np.linalg.norm(centers[:, 0] - centers[:, 1], axis=1),
    ]
    for name in COMPARED:
        inside = faces.mean(faces.values[FILTERS.index(name)])
        column = OF_A_SEGMENT.index(f"{name}_mean")
        both = smaller[:, column], larger[:, column]
        columns += [inside - np.maximum(*both), inside - np.minimum(*both)]
    return np.concatenate(
        [smaller, larger, np.abs(smaller - larger), np.stack(columns, axis=1)], axis=1
    )
