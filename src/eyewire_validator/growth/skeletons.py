"""Skeletons of cells whose answer is known: the path that growth has to recover.

By TEASAR (Sato et al. 2000, doi:10.1109/PCCGA.2000.883951), on scipy alone: kimimaro,
which is mostly used, is GPL, and the thinning of scikit-image takes seconds a cell and
erases what is two voxels thick. The path from the voxel that is farthest from a root,
along the middle of the cell, is skeleton; what lies around it is done with; and so on
until nothing is left.
"""

from collections.abc import Mapping
from itertools import product
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from eyewire_validator.growth.block import Block
from eyewire_validator.storage.schemas.growth import SKELETON_NODES
from eyewire_validator.volumes.voxel_size import VoxelSize

ROOT = -1
# Around a path, all is done with up to so many times the distance to the surface, and
# so many edges of a voxel more.
SCALE, MARGIN = 1.5, 5
# How much dearer the surface is to walk on than the middle.
PENALTY = 100
# Pieces of fewer voxels, at half the resolution, have no skeleton.
FEWEST = 8
# To each of the 26 neighbours that come later.
_OFFSETS = [step for step in product((-1, 0, 1), repeat=3) if step > (0, 0, 0)]


class Tree(NamedTuple):
    """A forest of nodes.

    Attributes:
        places: (n, 3) int64 voxels (z, y, x).
        towards: (n,) int64 the node that each hangs on, or `ROOT`.
        length: (n,) float64 of the edge to it.
    """

    places: NDArray[np.int64]
    towards: NDArray[np.int64]
    length: NDArray[np.float64]


def skeletons_of(
    block: Block, truth: Mapping[int, Mapping[int, NDArray[np.int64]]]
) -> pd.DataFrame:
    """Return a table in the schema `SKELETON_NODES`.

    Args:
        block: the volumes.
        truth: cell -> volume -> its segments.
    """
    geometry = block.store.geometry
    factor = np.array(geometry.factor)
    tables = [pd.DataFrame(columns=SKELETON_NODES.names)]
    for cell, segments in sorted(truth.items()):
        mask, origin = cell_mask(block, segments)
        tree = skeletonize(mask, block.store.coarse_voxel_nm or geometry.factor)
        places = (tree.places + origin) * factor + factor // 2
        columns: dict[str, Any] = {
            "cell": cell,
            "node": np.arange(len(places)),
            **dict(zip("zyx", places.T, strict=True)),
            "towards": tree.towards,
            "length": tree.length,
        }
        tables.append(pd.DataFrame(columns))
    return pd.concat(tables, ignore_index=True)


def cell_mask(
    block: Block, segments: Mapping[int, NDArray[np.int64]]
) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """Return where a cell is, and the corner of that in coarse voxels.

    Args:
        block: the volumes.
        segments: the cell's, by volume.
    """
    geometry = block.store.geometry
    corners = {
        volume: np.array(block.corners[volume]) // geometry.factor
        for volume in segments
    }
    origin = np.min(list(corners.values()), axis=0)
    end = np.max(list(corners.values()), axis=0) + geometry.coarse_shape
    mask = np.zeros(tuple(end - origin), np.bool_)
    for volume, ids in segments.items():
        low = corners[volume] - origin
        box = tuple(map(slice, low, low + geometry.coarse_shape))
        mask[box] |= block.store.get(volume).mask(ids)
    return mask, origin


def skeletonize(mask: NDArray[np.bool_], voxel: VoxelSize) -> Tree:
    """Skeletonize a mask (z, y, x) whose voxels have these edges.

    At half the resolution, where a block is in the cell if any of its voxels is, which
    closes lines of nothing between segments. Nodes are put on voxels of the cell.
    """
    from scipy.ndimage import distance_transform_edt

    blocks = _blocks(mask)
    inside = blocks.any(axis=-1)
    edges = 2 * np.array(voxel, np.float64)
    places = np.argwhere(inside)
    depth = distance_transform_edt(np.pad(inside, 1), edges)[1:-1, 1:-1, 1:-1][inside]
    kept, towards = _paths(places, depth, edges)
    numbers = np.full(len(places), ROOT, np.int64)
    numbers[kept] = np.arange(len(kept))
    before = towards[kept]
    steps = (places[kept] - places[before]) * edges
    length = np.where(before == ROOT, 0.0, np.linalg.norm(steps, axis=1))
    hung = np.where(before == ROOT, ROOT, numbers[before])
    within = blocks[tuple(places[kept].T)].argmax(axis=-1)
    corners = np.stack(np.unravel_index(within, (2, 2, 2)), axis=1)
    return Tree(2 * places[kept] + corners, hung, length)


def _blocks(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the blocks of 2 x 2 x 2 voxels of a mask: (z, y, x, 8)."""
    even = np.pad(mask, [(0, length % 2) for length in mask.shape])
    z, y, x = (length // 2 for length in even.shape)
    split = even.reshape(z, 2, y, 2, x, 2).transpose(0, 2, 4, 1, 3, 5)
    return split.reshape(z, y, x, 8)


def _paths(
    places: NDArray[np.int64], depth: NDArray[np.float64], edges: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the voxels that are skeleton, ascending, and where each voxel leads.

    Args:
        places: (n, 3) voxels, in C order.
        depth: (n,) distance of each to the surface.
        edges: (3,) of a voxel.
    """
    from scipy.sparse.csgraph import connected_components, dijkstra
    from scipy.spatial import cKDTree

    towards = np.full(len(places), ROOT, np.int64)
    skeleton = np.zeros(len(places), np.bool_)
    if not len(places):
        return np.empty(0, np.int64), towards
    lengths, walked = _graphs(places, depth, edges)
    _, piece = connected_components(lengths, directed=False)
    for number in np.flatnonzero(np.bincount(piece) >= FEWEST):
        rows = np.flatnonzero(piece == number)
        part = lengths[rows][:, rows]
        root = int(dijkstra(part, directed=False, indices=0).argmax())
        far = dijkstra(part, directed=False, indices=root)
        _, before = dijkstra(
            walked[rows][:, rows], directed=False, indices=root,
            return_predecessors=True,
        )  # fmt: skip
        at = places[rows] * edges
        tree = cKDTree(at)
        left = far.copy()
        found = np.zeros(len(rows), np.bool_)
        found[root] = True
        while (node := int(left.argmax())) != root and left[node] > 0:
            path = [node]
            while not found[node]:
                found[node] = True
                node = int(before[node])
                path.append(node)
            radius = SCALE * depth[rows[path]] + MARGIN * edges.min()
            near = tree.query_ball_point(at[path], radius)
            left[np.concatenate([np.array(one, np.int64) for one in near])] = 0
        towards[rows] = np.where(before < 0, ROOT, rows[before.clip(min=0)])
        skeleton[rows[found]] = True
    return np.flatnonzero(skeleton), towards


def _graphs(
    places: NDArray[np.int64], depth: NDArray[np.float64], edges: NDArray[np.float64]
) -> tuple[Any, Any]:
    """Return graphs of neighbours: by distance, and dearer off the middle."""
    from scipy.sparse import coo_array

    count, shape = len(places), places.max(axis=0) + 3
    flat = np.ravel_multi_index(tuple((places + 1).T), tuple(shape))
    unit = np.array([shape[1] * shape[2], shape[2], 1])
    one, other = [], []
    for offset in _OFFSETS:
        beyond = flat + unit @ offset
        found = np.searchsorted(flat, beyond).clip(max=count - 1)
        hit = flat[found] == beyond
        one.append(np.flatnonzero(hit))
        other.append(found[hit])
    ends = np.concatenate(one), np.concatenate(other)
    lengths = np.linalg.norm((places[ends[0]] - places[ends[1]]) * edges, axis=1)
    shallow = (1 - depth / depth.max()) ** 4
    dear = 1 + PENALTY * (shallow[ends[0]] + shallow[ends[1]]) / 2
    return tuple(
        coo_array((values, ends), shape=(count, count)).tocsr()
        for values in (lengths, lengths * dear)
    )
