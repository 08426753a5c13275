"""Oversegment an image into supervoxels, from the image alone.

Thin dark sheets are taken for membranes; a watershed floods what lies between them, and
basins whose common border shows little membrane are joined. Splits and mergers arise
where the image misleads: at organelles, thin necks, unstained membranes, black spills.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, label, maximum_filter, minimum_filter
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from eyewire_validator.sandbox.bucket.pieces import label_pieces
from eyewire_validator.sandbox.bucket.regions import (
    Borders,
    find_borders,
    merge_borders,
)
from eyewire_validator.sandbox.tissue.watershed import watershed

# Grey levels below the surroundings: where a basin may not begin, and from where on a
# voxel is so surely membrane that it belongs to no segment.
MEMBRANE = 30
DARKEST = 46
# Mean of the same along a border, below which two basins are joined; and below which a
# small basin is joined to its best neighbour.
JOIN = 13
JOIN_SMALL = 21
# Basins are small below this share of a neurite's diameter cubed.
SMALL_SHARE = 0.5
ROUNDS = 3
# Segments with fewer voxels than this share of a neurite's diameter cubed are dust.
DUST_SHARE = 0.004


def sheetness(image: NDArray[np.uint8], width: float) -> NDArray[np.float32]:
    """Return how much darker each voxel is than its closing (a black top-hat).

    Args:
        image: (z, y, x).
        width: dark structures thicker than about twice this are not seen, voxels.

    Returns:
        float32 (z, y, x), grey levels.
    """
    smooth = gaussian_filter(image, 0.5 * width, output=np.float32, truncate=3)
    # What closes over membranes varies slowly, so half the resolution will do.
    coarse = _halve(smooth, np.maximum)
    size = 2 * round(width) + 1
    closed = minimum_filter(maximum_filter(coarse, size), size)
    sheets: NDArray[np.float32] = _enlarge(closed, 2) - smooth
    return sheets


def oversegment(
    image: NDArray[np.uint8], neurite_diameter: float, rng: np.random.Generator
) -> NDArray[np.uint16]:
    """Oversegment an image into supervoxels.

    Args:
        image: (z, y, x); every edge even.
        neurite_diameter: mean diameter, voxels.
        rng: in which order ids are given, and which are skipped.

    Returns:
        uint16 (z, y, x), 0 on membranes, in dust and in the outermost voxels.
    """
    sheets = sheetness(image, min(2.0, 0.11 * neurite_diameter))
    basins = _basins(sheets, neurite_diameter)
    basins[sheets > DARKEST] = 0
    for axis in range(3):
        border = np.moveaxis(basins, axis, 0)
        border[[0, -1]] = 0
    return renumber(label_pieces(basins), DUST_SHARE * neurite_diameter**3, rng)


def _basins(sheets: NDArray[np.float32], neurite_diameter: float) -> NDArray[np.int32]:
    """Flood from local minima at half resolution; join basins without a membrane."""
    scale = 2 if neurite_diameter >= 16 else 1
    coarse = _halve(sheets, np.add) / np.float32(8) if scale == 2 else sheets
    spacing = 0.08 * neurite_diameter / scale
    landscape = gaussian_filter(coarse, spacing, truncate=3)
    size = 2 * round(2 * spacing) + 1
    minima = (landscape == minimum_filter(landscape, size)) & (landscape < MEMBRANE)
    markers, _ = label(minima)
    basins = watershed(landscape, markers, coarse < DARKEST)
    small = SMALL_SHARE * (neurite_diameter / scale) ** 3
    group = _agglomerate(
        find_borders(basins, -coarse), np.bincount(basins.ravel()), small
    )
    return _enlarge(group[basins], scale)


def _agglomerate(
    borders: Borders, sizes: NDArray[np.int64], small: float
) -> NDArray[np.int32]:
    """Join basins whose common border shows little membrane, in a few rounds.

    Args:
        borders: between basins; the means are the sheetness along them, negative.
        sizes: voxels of each basin, by its number.
        small: basins with fewer voxels also join the neighbour behind their weakest
            border, if that is below ``JOIN_SMALL``.

    Returns:
        The group of each basin, from 1; 0 for 0.
    """
    group = np.arange(len(sizes), dtype=np.int32)
    for _ in range(ROUNDS):
        weakest = np.full(len(sizes), -np.inf)
        np.maximum.at(weakest, borders.pairs.ravel(), borders.means.repeat(2))
        is_weakest = borders.means[:, None] == weakest[borders.pairs]
        by_size = (is_weakest & (sizes[borders.pairs] < small)).any(axis=1)
        joined = (borders.means > -JOIN) | (by_size & (borders.means > -JOIN_SMALL))
        ends = borders.pairs[joined].T
        edges = coo_array((np.ones(ends.shape[1]), ends), shape=(len(sizes),) * 2)
        _, merged = connected_components(edges, directed=False)
        sizes = np.bincount(merged, sizes).astype(np.int64)
        borders = merge_borders(borders, merged)
        group = merged[group]
    return group


def _halve(values: NDArray[Any], combine: np.ufunc) -> NDArray[Any]:
    """Combine the values of each block of 2^3 voxels."""
    # Axis by axis: many times faster than a reduction over three axes at once.
    values = combine(values[::2], values[1::2])
    values = combine(values[:, ::2], values[:, 1::2])
    halved: NDArray[Any] = combine(values[:, :, ::2], values[:, :, 1::2])
    return halved


def _enlarge(values: NDArray[Any], scale: int) -> NDArray[Any]:
    for axis in range(3):
        values = values.repeat(scale, axis)
    return values


def renumber(
    segmentation: NDArray[np.integer], min_voxels: float, rng: np.random.Generator
) -> NDArray[np.uint16]:
    """Drop dust and give the rest ids in random order, with gaps between them.

    Args:
        segmentation: (z, y, x), 0 is nothing.
        min_voxels: segments with fewer become 0.
        rng: which ids.
    """
    sizes = np.bincount(segmentation.ravel())
    kept = np.flatnonzero(sizes >= max(min_voxels, 1))
    kept = kept[kept > 0]
    ids = 1 + rng.choice(int(1.25 * len(kept)) + 1, len(kept), replace=False)
    table = np.zeros(len(sizes), np.uint16)
    table[kept] = ids
    renumbered: NDArray[np.uint16] = table[segmentation]
    return renumbered
