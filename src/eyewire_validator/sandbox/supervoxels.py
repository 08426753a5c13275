"""Cut an image into supervoxels, from what the image shows alone.

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
from skimage.measure import label as label_regions
from skimage.segmentation import watershed

from eyewire_validator.sandbox.regions import find_contacts

# Grey levels below the surroundings: where a basin may not begin, and from where on a
# voxel is so surely membrane that it belongs to no segment.
MEMBRANE = 30
DARKEST = 46
# Mean of the same along a border, below which two basins are joined.
JOIN = 13
# Segments with fewer voxels than this share of a neurite's diameter cubed are dust.
DUST_SHARE = 0.004


def sheetness(image: NDArray[np.uint8], width: float) -> NDArray[np.float32]:
    """How much darker each voxel is than what closes over it (a black top-hat).

    Args:
        image: (z, y, x).
        width: dark structures thicker than about twice this are not seen, voxels.

    Returns:
        float32 (z, y, x), grey levels.
    """
    smooth = gaussian_filter(image, 0.5 * width, output=np.float32, truncate=3)
    # What closes over membranes varies slowly, so half the resolution will do.
    coarse = _blocks(smooth, 2).max(axis=(1, 3, 5))
    size = 2 * round(width) + 1
    closed = minimum_filter(maximum_filter(coarse, size), size)
    sheets: NDArray[np.float32] = _enlarge(closed, 2) - smooth
    return sheets


def oversegment(
    image: NDArray[np.uint8], neurite_diameter: float, rng: np.random.Generator
) -> NDArray[np.uint16]:
    """Cut an image into supervoxels.

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
    segmentation = label_regions(basins, connectivity=1)  # type: ignore[no-untyped-call]
    return renumber(segmentation, DUST_SHARE * neurite_diameter**3, rng)


def _basins(sheets: NDArray[np.float32], neurite_diameter: float) -> NDArray[np.int32]:
    """Flood from the local minima at half resolution, join what no membrane parts."""
    scale = 2 if neurite_diameter >= 16 else 1
    coarse = _blocks(sheets, scale).mean(axis=(1, 3, 5), dtype=np.float32)
    spacing = 0.08 * neurite_diameter / scale
    landscape = gaussian_filter(coarse, spacing, truncate=3)
    size = 2 * round(2 * spacing) + 1
    minima = (landscape == minimum_filter(landscape, size)) & (landscape < MEMBRANE)
    markers, _ = label(minima)
    within = coarse < DARKEST
    basins = watershed(landscape, markers, mask=within)  # type: ignore[no-untyped-call]
    contacts = find_contacts(basins, -coarse)
    joined = contacts.pairs[contacts.means > -JOIN]
    edges = coo_array(
        (np.ones(len(joined)), joined.T), shape=(int(basins.max()) + 1,) * 2
    )
    _, group = connected_components(edges, directed=False)
    group[0], group[group == group[0]] = 0, group[0]
    grouped = (group + 1) * (np.arange(len(group)) > 0)
    return _enlarge(grouped.astype(np.int32)[basins], scale)


def _blocks(values: NDArray[Any], scale: int) -> NDArray[Any]:
    z, y, x = (length // scale for length in values.shape)
    return values.reshape(z, scale, y, scale, x, scale)


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
