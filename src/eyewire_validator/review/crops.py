"""Cut out what a person sees of a question, and pack it for the page."""

import base64
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from eyewire_validator.volumes.store import CoarseVolume
from eyewire_validator.volumes.voxel_size import relative_edges

# Coarse voxels an edge, at most.
EDGE = 48
# Of WebP: at 70, a crop of fly tissue takes 17 kB, and membranes stay sharp.
QUALITY = 70
NOTHING, SEED, CANDIDATE, NEIGHBOUR = range(4)
# Labels from `NEIGHBOUR` on: one each.
NEIGHBOURS = 3
# As many voxels of nothing between two segments are a membrane, and they touch.
MEMBRANE = 4


@dataclass(frozen=True, eq=False)
class Crop:
    """The surroundings of the contact between a seed and a candidate.

    Attributes:
        image: (z, y, x) uint8 grey values, as the model saw them.
        labels: (z, y, x) uint8: `NOTHING`, `SEED`, `CANDIDATE`, or from `NEIGHBOUR` on
            one of the `NEIGHBOURS` segments that touch these most.
        contact: (z, y, x) the voxel of the candidate in view at first.
        edges: of a voxel (z, y, x): nm, or relative where nobody knows them.
    """

    image: NDArray[np.uint8]
    labels: NDArray[np.uint8]
    contact: tuple[int, ...]
    edges: tuple[float, float, float]


def cut_crop(
    volume: CoarseVolume,
    seed: NDArray[np.int64],
    candidate: int,
    point: Sequence[int],
) -> Crop:
    """Cut out up to `EDGE` coarse voxels an edge around where two touch.

    Args:
        volume: of the task.
        seed: (n,) segment ids.
        candidate: segment id.
        point: coarse voxel (z, y, x) to look at where the candidate vanished in the
            downsampling.
    """
    labels = label_pair(volume, seed, candidate)
    middle = find_contact(labels, point)
    shape = np.array(labels.shape, np.int64)
    start = np.clip(middle - EDGE // 2, 0, np.maximum(shape - EDGE, 0))
    box = tuple(slice(low, low + EDGE) for low in start)
    return Crop(
        volume.image[box],
        with_neighbours(labels[box], volume.segmentation[box]),
        tuple(int(along) for along in middle - start),
        volume.voxel_nm or relative_edges(None),
    )


def pack_crop(crop: Crop) -> dict[str, Any]:
    """Return a crop as JSON: a sheet of slices as WebP, and runs of labels."""
    return {
        "sheet": "data:image/webp;base64," + _base64(_sheet(crop.image)),
        "runs": _base64(_runs(crop.labels)),
        "shape": list(crop.image.shape),
        "contact": list(crop.contact),
        "edges": list(crop.edges),
    }


def label_pair(
    volume: CoarseVolume, seed: NDArray[np.int64], candidate: int
) -> NDArray[np.uint8]:
    """Return (z, y, x) where seed and candidate are: `SEED`, `CANDIDATE`, `NOTHING`."""
    labels = np.full(volume.segmentation.shape, NOTHING, np.uint8)
    labels[volume.mask(seed)] = SEED
    labels[volume.mask([candidate])] = CANDIDATE
    return labels


def with_neighbours(
    labels: NDArray[np.uint8], segmentation: NDArray[np.integer]
) -> NDArray[np.uint8]:
    """Return labels with the segments that touch seed and candidate most.

    Args:
        labels: (z, y, x) from `label_pair`.
        segmentation: (z, y, x) segment ids of the same voxels.
    """
    from scipy.ndimage import binary_dilation

    both = labels != NOTHING
    grown = binary_dilation(both, iterations=MEMBRANE, mask=both | (segmentation == 0))
    others = np.where(both, 0, segmentation)
    ids, contacts = np.unique(others[binary_dilation(grown)], return_counts=True)
    ids, contacts = ids[ids != 0], contacts[ids != 0]
    largest = ids[np.argsort(-contacts, kind="stable")][:NEIGHBOURS]
    found = labels.copy()
    for label, neighbour in enumerate(largest, start=NEIGHBOUR):
        found[others == neighbour] = label
    return found


def find_contact(labels: NDArray[np.uint8], point: Sequence[int]) -> NDArray[np.int64]:
    """Return the candidate's voxel in the middle of those nearest to the seed.

    Args:
        labels: from `label_pair`.
        point: voxel (z, y, x) to return where there is no candidate.
    """
    from scipy.ndimage import distance_transform_edt

    voxels = np.argwhere(labels == CANDIDATE)
    if not len(voxels):
        last = np.array(labels.shape, np.int64) - 1
        return np.clip(np.asarray(point, np.int64), 0, last)
    if not (labels == SEED).any():
        nearest = voxels
    else:
        distance = distance_transform_edt(labels != SEED)[tuple(voxels.T)]
        nearest = voxels[distance == distance.min()]
    off = ((nearest - nearest.mean(axis=0)) ** 2).sum(axis=1)
    middle: NDArray[np.int64] = nearest[off.argmin()]
    return middle


def _sheet(image: NDArray[np.uint8]) -> bytes:
    """Return the slices across z as WebP, row by row of an about square sheet."""
    depth, height, width = image.shape
    columns = math.ceil(math.sqrt(depth * height / width))
    rows = math.ceil(depth / columns)
    tiles = np.zeros((rows * columns, height, width), np.uint8)
    tiles[:depth] = image
    sheet = tiles.reshape(rows, columns, height, width).swapaxes(1, 2)
    content = io.BytesIO()
    picture = Image.fromarray(sheet.reshape(rows * height, columns * width))
    picture.save(content, "webp", quality=QUALITY, method=4)
    return content.getvalue()


def _runs(labels: NDArray[np.uint8]) -> bytes:
    """Return runs of equal labels, 8 * length + label each, as LEB128 numbers."""
    flat = labels.ravel()
    starts = np.flatnonzero(np.diff(flat, prepend=255))
    lengths = np.diff(starts, append=len(flat))
    packed = bytearray()
    for value in (8 * lengths + flat[starts]).tolist():
        rest = value
        while rest > 127:
            packed.append(rest & 127 | 128)
            rest >>= 7
        packed.append(rest)
    return bytes(packed)


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()
