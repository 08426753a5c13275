"""Describe how two segments meet: directions and calibres around each contact.

Two pieces of one neurite go on in each other: they are as thick, they point the same
way, and their contact lies across it. Two neighbours lie side by side. Nothing is
looked at but the segments, so it holds in tissue of other grey values.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from eyewire_validator.agglomeration.contacts import close_gaps
from eyewire_validator.volumes.compiled import compiled
from eyewire_validator.volumes.contacts import Faces, list_faces
from eyewire_validator.volumes.store import CoarseVolume
from eyewire_validator.volumes.voxel_size import (
    VoxelSize,
    relative_areas,
    relative_edges,
)

# What is looked at around a contact: a ball of this radius, in the edges of a cube of a
# voxel's volume.
RADIUS = 10.0
# Of fewer voxels in the ball no direction is told.
FEWEST = 4


class Shapes(NamedTuple):
    """The contacts of a segmentation and how their segments meet.

    Attributes:
        pairs: (n, 2) int64 segment ids, the lower one first, ascending.
        voxels: (n, 2) int64 voxels of these segments.
        described: (n, shapes) float32, in the order of `features.SHAPES`;
            smaller is the segment of fewer voxels, of equals the one of the lower id.
    """

    pairs: NDArray[np.int64]
    voxels: NDArray[np.int64]
    described: NDArray[np.float32]


def describe_shapes(volume: CoarseVolume) -> Shapes:
    """Describe how the segments of each contact of a volume meet."""
    edges = relative_edges(volume.voxel_nm)
    segmentation = close_gaps(volume.segmentation, edges)
    faces = list_faces(segmentation, relative_areas(volume.voxel_nm))
    voxels = np.bincount(segmentation.ravel(), minlength=1)[faces.pairs]
    order = np.argsort(voxels, axis=1, kind="stable")
    sides = np.take_along_axis(faces.pairs, order, axis=1)
    surface = np.bincount(faces.pairs.ravel(), faces.area.repeat(2), minlength=1)
    places = _places(faces, segmentation.shape, edges)
    contact, meeting = _contact_moments(faces, places)
    rows = _ball(edges)
    around = np.zeros((len(sides), 2, 10))
    start = np.rint(meeting / np.array(edges)).astype(np.int64)
    _sum_around(segmentation, start, sides, rows, np.array(edges), around)
    surfaces = np.asarray(surface[sides], np.float64)
    voxels_of_ball = (2 * rows[:, 2] + 1).sum()
    described = _describe(
        faces.area, surfaces, around, meeting, contact, voxels_of_ball
    )
    return Shapes(faces.pairs, voxels, described.astype(np.float32))


def _places(
    faces: Faces, shape: tuple[int, ...], edges: VoxelSize
) -> NDArray[np.float64]:
    """Return the (faces, 3) middles of the faces."""
    both = np.stack(np.unravel_index(faces.voxels, shape), axis=-1)
    middles: NDArray[np.float64] = both.mean(axis=0) * np.array(edges)
    return middles


def _ball(edges: VoxelSize) -> NDArray[np.int64]:
    """Return the rows along x of the voxels within `RADIUS` of a voxel.

    Returns:
        (rows, 3) int64: steps along z and y to each, and how many voxels before and
        behind its middle belong to the ball.
    """
    reach = (RADIUS / np.array(edges)).astype(np.int64)
    steps = np.indices(tuple(2 * reach + 1)).T - reach
    is_near = np.square(steps * edges).sum(axis=-1).T <= RADIUS**2
    voxels = is_near.sum(axis=2)
    z, y = np.nonzero(voxels)
    return np.stack([z - reach[0], y - reach[1], voxels[z, y] // 2], axis=1)


def _contact_moments(
    faces: Faces, places: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the moments of each contact, as `_sum_around`; and a face in its middle.

    A contact may be bent, so that its centre lies on none of its faces: the meeting is
    the face next to it, of equals the first.
    """
    moments, meeting = np.zeros((len(faces.count), 10)), np.zeros((len(faces.count), 3))
    _sum_contacts(places, faces.count, moments, meeting)
    return moments, meeting


@compiled()
def _sum_contacts(places, count, moments, meeting):  # type: ignore[no-untyped-def]
    start = 0
    for contact in range(count.size):
        own = places[start : start + count[contact]]
        start += count[contact]
        for face in range(len(own)):
            _add(moments[contact], own[face])
        nearest = np.inf
        for face in range(len(own)):
            off = 0.0
            for axis in range(3):
                middle = moments[contact, 1 + axis] / moments[contact, 0]
                off += (own[face, axis] - middle) ** 2
            if off < nearest - 1e-9:
                nearest = off
                meeting[contact] = own[face]


@compiled()
def _add(moments, place):  # type: ignore[no-untyped-def]
    """Add a place to a count, 3 sums, and 6 sums of products: zz, zy, zx, yy, ..."""
    moments[0] += 1
    row = 4
    for axis in range(3):
        moments[1 + axis] += place[axis]
        for other in range(axis, 3):
            moments[row] += place[axis] * place[other]
            row += 1


@compiled()
def _sum_around(segmentation, start, sides, rows, edges, around):  # type: ignore[no-untyped-def]
    """Add up the places of both segments of each contact within the ball around it."""
    depth, height, width = segmentation.shape
    place = np.empty(3)
    for contact in range(len(sides)):
        for row in range(len(rows)):
            z, y = start[contact, 0] + rows[row, 0], start[contact, 1] + rows[row, 1]
            if not (0 <= z < depth and 0 <= y < height):
                continue
            first = max(start[contact, 2] - rows[row, 2], 0)
            last = min(start[contact, 2] + rows[row, 2], width - 1)
            for x in range(first, last + 1):
                for side in range(2):
                    if segmentation[z, y, x] == sides[contact, side]:
                        place[0], place[1] = z * edges[0], y * edges[1]
                        place[2] = x * edges[2]
                        _add(around[contact, side], place)


class _Axes(NamedTuple):
    """Hold where the places of each of n contacts lie.

    Attributes:
        center: (n, 3).
        deviations: (n, 3) along its axes, ascending; 0 of fewer than `FEWEST` places.
        axes: (n, 3, 3) unit vectors, the columns in this order.
    """

    center: NDArray[np.float64]
    deviations: NDArray[np.float64]
    axes: NDArray[np.float64]

    @classmethod
    def of(cls, moments: NDArray[np.float64]) -> "_Axes":
        count = np.maximum(moments[:, :1], 1)
        center = moments[:, 1:4] / count
        products = (moments[:, 4:] / count)[:, [0, 1, 2, 1, 3, 4, 2, 4, 5]]
        spread = products.reshape(-1, 3, 3) - center[:, :, None] * center[:, None, :]
        spread[moments[:, 0] < FEWEST] = 0
        squares, axes = np.linalg.eigh(spread)
        return cls(center, np.sqrt(squares.clip(0)), axes)

    @property
    def longest(self) -> NDArray[np.float64]:
        return self.axes[:, :, 2]

    @property
    def straightness(self) -> NDArray[np.float64]:
        deviations = self.deviations
        along = deviations[:, 2]
        return (along - deviations[:, 1]) / np.maximum(along, 1e-9)


def _describe(
    area: NDArray[np.float64],
    surfaces: NDArray[np.float64],
    around: NDArray[np.float64],
    meeting: NDArray[np.float64],
    contact: NDArray[np.float64],
    voxels: int,
) -> NDArray[np.float64]:
    """Return (n, shapes); of `voxels` in a ball, ``around`` are of each side."""
    smaller, larger = _Axes.of(around[:, 0]), _Axes.of(around[:, 1])
    both, flat = _Axes.of(around.sum(axis=1)), _Axes.of(contact)
    normal = flat.axes[:, :, 0]
    calibres = [one.deviations[:, 1] for one in (smaller, larger, both)]
    thinner = 2 * np.minimum(calibres[0], calibres[1])
    columns = [
        *(area[:, None] / surfaces).T,
        _cosine(meeting - smaller.center, larger.center - meeting),
        *(
            np.abs(_cosine(*directions))
            for directions in (
                (smaller.longest, larger.longest),
                (smaller.longest, normal),
                (larger.longest, normal),
                (both.longest, normal),
            )
        ),
        smaller.straightness,
        larger.straightness,
        both.straightness,
        *calibres,
        *flat.deviations.T[::-1],
        *(around[:, :, 0] / voxels).T,
        np.sqrt(area) / np.maximum(thinner, 1e-3),
    ]
    return np.stack(columns, axis=1)


def _cosine(
    one: NDArray[np.float64], other: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the (n,) cosines between (n, 3) vectors; 0 with one of no length."""
    lengths = np.linalg.norm(one, axis=1) * np.linalg.norm(other, axis=1)
    found: NDArray[np.float64] = (one * other).sum(axis=1) / np.maximum(lengths, 1e-9)
    return found
