"""Contacts of a label volume: pairs of touching segments and the faces they share.

Two voxels that are neighbours along an axis share a face. Its area is 1 where voxels
are cubes, and else relative to a face of a cube of a voxel's volume. Contacts are found
in one pass over the voxels, in a table that grows with their number: what is kept
meanwhile does not depend on the size of the volume.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from eyewire_validator.volumes.compiled import compiled
from eyewire_validator.volumes.graph import GRAPHS, Graph
from eyewire_validator.volumes.store import SEGMENT_IDS, VolumeStore
from eyewire_validator.volumes.voxel_size import VoxelSize, relative_areas

# A slot of a table of contacts: the code of its pair, its faces, their area, and the
# sum of the values on them, times the areas.
SLOT = np.dtype([("code", "i8"), ("faces", "i8"), ("area", "f8"), ("total", "f8")])
FREE = -1  # as the code of a slot
FEWEST_SLOTS = 1 << 10
GOLDEN = np.uint64(0x9E3779B97F4A7C15)  # spreads codes over a table
CUBE = (1.0, 1.0, 1.0)  # areas of the faces of a cube
LOWER = 32  # a code has the lower id of a pair above this many bits, the other below


@dataclass(frozen=True)
class Faces:
    """The faces between segments, listed by contact.

    Attributes:
        pairs: (n, 2) int64 segment ids, never 0, the lower one first, ascending.
        count: (n,) int64 faces of each.
        area: (n,) float64 sum of their areas.
        voxels: (2, faces) int64 places in the flat segmentation of the voxels before
            and behind each face; those of a contact come along z, y and x.
    """

    pairs: NDArray[np.int64]
    count: NDArray[np.int64]
    area: NDArray[np.float64]
    voxels: NDArray[np.int64]


def mean_over_faces(
    segmentation: NDArray[np.integer],
    values: NDArray[np.float32],
    areas: VoxelSize = CUBE,
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float32]]:
    """Average values, such as affinities, over the faces of each contact.

    Args:
        segmentation: (z, y, x) segment ids, 0 is background.
        values: (3, z, y, x), of each voxel and the next one along z, y and x.
        areas: of the faces across z, y and x, see `relative_areas`.

    Returns:
        (n, 2) int64 segment ids, the lower one first, ascending; (n,) float64 areas;
        and (n,) float32 means, added up as float64 from voxel to voxel.
    """
    contacts = _add_up(segmentation, values, areas, with_background=False)
    means = contacts["total"] / contacts["area"]
    return pairs_of(contacts["code"]), contacts["area"], means.astype(np.float32)


def mean_at_distance(
    segmentation: NDArray[np.integer],
    values: NDArray[np.float32],
    distance: int,
    pairs: NDArray[np.int64],
) -> NDArray[np.float32]:
    """Average values over the pairs of voxels on either side of each contact.

    Args:
        segmentation: (z, y, x) segment ids, 0 is background.
        values: (3, z, y, x), of each voxel and the one that lies ``distance`` voxels
            further along z, y and x.
        distance: between the voxels of a pair.
        pairs: (n, 2) segment ids of each contact, see `mean_over_faces`.

    Returns:
        (n,) float32 means; NaN where no two voxels of both segments lie so far apart.
    """
    found = _add_up(segmentation, values, CUBE, distance, with_background=False)
    means = np.full(len(pairs) + 1, np.nan, np.float32)
    codes = pairs[:, 0] << LOWER | pairs[:, 1]
    places = np.searchsorted(codes, found["code"])
    # What touches nowhere goes to the last place.
    touches = np.append(codes, FREE)[places] == found["code"]
    places[~touches] = len(pairs)
    means[places] = found["total"] / found["area"]
    return means[:-1]


def list_faces(segmentation: NDArray[np.integer], areas: VoxelSize = CUBE) -> Faces:
    """List the faces between segments of (z, y, x) ids, of which 0 is background.

    Args:
        segmentation: (z, y, x) segment ids.
        areas: of the faces across z, y and x, see `relative_areas`.
    """
    contacts = _add_up(segmentation, None, areas, with_background=False)
    voxels = np.empty((2, contacts["faces"].sum()), np.int64)
    starts = contacts.copy()
    starts["faces"] = contacts["faces"].cumsum() - contacts["faces"]
    table = _tabulate(starts, 2 * len(starts))
    shape = np.array(segmentation.shape)
    steps = segmentation.size // shape.cumprod()
    for axis in range(3):
        first = [axis, *(other for other in range(3) if other != axis)]
        _list_along(segmentation.ravel(), shape[first], steps[first], table, voxels)
    pairs = pairs_of(contacts["code"])
    return Faces(pairs, contacts["faces"], contacts["area"], voxels)


def _add_up(
    segmentation: NDArray[np.integer],
    values: NDArray[np.float32] | None,
    areas: VoxelSize,
    distance: int = 1,
    *,
    with_background: bool,
) -> NDArray[np.void]:
    """Return a `SLOT` for each pair that shares faces, by ascending codes.

    Or, where ``distance`` is not 1, that has voxels so far apart.
    """
    # In one layout, or it would be compiled for each.
    whole = np.ascontiguousarray(segmentation)
    table = _add_volume(whole, values, areas, distance, with_background)
    found: NDArray[np.void] = table[table["code"] != FREE]
    return found[np.argsort(found["code"])]


@compiled()
def _add_volume(segmentation, values, areas, distance, with_background):  # type: ignore[no-untyped-def]
    """Add up the faces of each pair, and the values on them, if there are any."""
    depth, height, width = segmentation.shape
    table, taken, more = _free_slots(FEWEST_SLOTS), 0, None
    for z in range(depth):
        for y in range(height):
            if 2 * (taken + 3 * width) > table.size:
                table = _tabulate(table, 4 * (taken + 3 * width))
            row = segmentation[z, y]
            for axis in range(3):
                beyond = row[min(distance, width) :]
                if axis == 0:
                    further = z + distance
                    beyond = segmentation[further, y] if further < depth else row[:0]
                elif axis == 1:
                    further = y + distance
                    beyond = segmentation[z, further] if further < height else row[:0]
                if values is not None:
                    more = values[axis, z, y]
                area = areas[axis]
                taken += _add_row(table, row, beyond, more, area, with_background)
    return table


@compiled()
def _add_row(table, row, beyond, values, area, with_background):  # type: ignore[no-untyped-def]
    """Add the faces between a row and the one beyond; return how many pairs are new."""
    new, last, slot = 0, np.int64(FREE), table[0]
    for place in range(beyond.size):
        one, other = np.int64(row[place]), np.int64(beyond[place])
        if one == other or not (with_background or (one and other)):
            continue
        code = _code(one, other)
        if code != last:  # mostly it is that of the voxel before
            slot, last = table[_find(table, code)], code
            if slot.code == FREE:
                slot.code = code
                new += 1
        slot.faces += 1
        slot.area += area
        if values is not None:
            slot.total += area * values[place]
    return new


@compiled()
def _list_along(flat, shape, steps, table, voxels):  # type: ignore[no-untyped-def]
    """List the faces along the first of three axes.

    Args:
        flat: the segmentation.
        shape: (3,) voxels along each of the axes, in any order.
        steps: (3,) from a voxel to the next along each of them, in ``flat``.
        table: of each contact, the place of its next face; is changed.
        voxels: see `Faces`; is filled.
    """
    for a in range(shape[0] - 1):
        for b in range(shape[1]):
            for c in range(shape[2]):
                voxel = a * steps[0] + b * steps[1] + c * steps[2]
                one, other = np.int64(flat[voxel]), np.int64(flat[voxel + steps[0]])
                if one != other and one and other:
                    slot = table[_find(table, _code(one, other))]
                    voxels[0, slot.faces] = voxel
                    voxels[1, slot.faces] = voxel + steps[0]
                    slot.faces += 1


@compiled()
def _free_slots(size):  # type: ignore[no-untyped-def]
    table = np.zeros(size, SLOT)
    table["code"][:] = FREE
    return table


@compiled()
def _tabulate(slots, least):  # type: ignore[no-untyped-def]
    """Put slots into a new table, which has this many slots at least."""
    size = FEWEST_SLOTS
    while size < least:
        size *= 2
    table = _free_slots(size)
    for slot in slots:
        if slot.code != FREE:
            table[_find(table, slot.code)] = slot
    return table


@compiled()
def _code(one, other):  # type: ignore[no-untyped-def]
    """Return one number for two ids, ascending as sorted pairs are."""
    return (min(one, other) << LOWER) | max(one, other)


@compiled()
def _find(table, code):  # type: ignore[no-untyped-def]
    """Return the slot that has a code, or else a free one for it."""
    last = table.size - 1
    slot = np.int64((np.uint64(code) * GOLDEN) >> np.uint64(32)) & last
    while table[slot].code != code and table[slot].code != FREE:
        slot = (slot + 1) & last
    return slot


def pairs_of(codes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the two ids of each code, (n, 2), the lower one first."""
    return np.stack([codes >> LOWER, codes & ((1 << LOWER) - 1)], axis=1)


def share_apart(segmentation: NDArray[np.integer]) -> float:
    """Return the share of segments that touch no other, 0 to 1; 0 of a single one.

    Args:
        segmentation: (z, y, x) segment ids, 0 is background.
    """
    is_known, touches = np.zeros((2, SEGMENT_IDS), bool)
    is_known[segmentation.ravel()] = True
    is_known[0] = False
    for axis in range(3):
        ids = np.moveaxis(segmentation, axis, 0)
        before, behind = ids[:-1], ids[1:]
        meet = (before != behind) & (before > 0) & (behind > 0)
        touches[before[meet]] = touches[behind[meet]] = True
    count = int(is_known.sum())
    return float((is_known & ~touches).sum()) / count if count > 1 else 0.0


def area_with_seed(
    pairs: NDArray[np.int64], area: NDArray[np.float64], seed: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Add up the area that each segment shares with the seed.

    Args:
        pairs: (n, 2) segment ids of each contact.
        area: (n,) area of each.
        seed: (n,) segment ids.

    Returns:
        (65536,) float64 by segment id; 0 for the seed itself.
    """
    is_seed = np.isin(pairs, seed)
    beside = is_seed.any(axis=1) & ~is_seed.all(axis=1)
    others = pairs[beside][~is_seed[beside]]
    return np.bincount(others, area[beside], SEGMENT_IDS).astype(np.float64)


@dataclass(frozen=True)
class Contacts:
    """The contacts of a coarse segmentation.

    Segments that vanished in the vote touch nothing.

    Attributes:
        pairs: (n, 2) int64 segment ids, never 0, the lower one first, ascending.
        area: (n,) float64 area that they share.
        surface: (65536,) float64, by segment id: area that it shares with anything
            else, also with 0. What lies beyond the volume is not known and does not
            count.
    """

    pairs: NDArray[np.int64]
    area: NDArray[np.float64]
    surface: NDArray[np.float64]

    @classmethod
    def find(
        cls, segmentation: NDArray[np.uint16], areas: VoxelSize = CUBE
    ) -> "Contacts":
        """Add up the faces of a segmentation (z, y, x), of these `relative_areas`."""
        found = _add_up(segmentation, None, areas, with_background=True)
        pairs, area = pairs_of(found["code"]), found["area"]
        surface = np.bincount(pairs.ravel(), area.repeat(2), SEGMENT_IDS)
        is_segment = pairs[:, 0] > 0
        return cls(pairs[is_segment], area[is_segment], surface.astype(np.float64))

    def graph(self) -> Graph:
        """Weigh a contact by its share of all the surface of the smaller of the two."""
        smaller = self.surface[self.pairs].min(axis=1)
        return Graph(self.pairs, (self.area / smaller).astype(np.float32))


def contacts_of(store: VolumeStore) -> Callable[[int], Contacts]:
    """Return a function that finds the contacts of a volume; the last ones are kept."""
    areas = relative_areas(store.coarse_voxel_nm)
    return lru_cache(GRAPHS)(
        lambda volume: Contacts.find(store.get(volume).segmentation, areas)
    )
