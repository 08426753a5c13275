"""Make a sandbox's volumes and cells from the synthetic retina."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import product

import numpy as np

from eyewire_validator.sandbox.bucket.volume_writer import VolumeWriter
from eyewire_validator.sandbox.bucket.volumes import Volume, VolumeBox, describe
from eyewire_validator.sandbox.oddities import plant_speck
from eyewire_validator.sandbox.service.replies import Cell, serve
from eyewire_validator.sandbox.tissue.rendering import from_jpegs, render, to_jpegs
from eyewire_validator.sandbox.tissue.retina import RetinaSettings, Tissue, grow_tissue
from eyewire_validator.sandbox.tissue.supervoxels import oversegment
from eyewire_validator.sandbox.tracing.crowd import MERGER_PURITY, Crowd
from eyewire_validator.sandbox.tracing.half_done import leave_half_done
from eyewire_validator.sandbox.tracing.spawning import Tracer
from eyewire_validator.volumes.dust import Dust
from eyewire_validator.volumes.geometry import Corner, Edges, VolumeGeometry

# Where e2198's grid starts, and the place in it that the sandbox starts at (z, y, x).
GRID_ORIGIN = (210, 274, 242)
FIRST_PLACE = (27, 17, 12)
# Where the zebrafish volumes lie, far from the mouse's (z, y, x).
ZEBRAFISH_CORNER = (16392, 11968, 13760)
# One volume in this many has ids as in the oldest data, where they are far apart.
OLD_IDS_EVERY = 6
# Segments a volume that vanish when downsampled; one of them becomes a seed.
SPECKS = 3
# Share of tasks whose aggregate also shows what missed the consensus.
SHOWS_ALL = 0.03
# Cells of the retina that are traced but that the published filters reject.
REJECTED = 2
# Further cells, which the players have not finished.
HALF_DONE = 3
# The published split is by cell id: below this, training; from it on, test.
FIRST_TEST_CELL = 77960
KINDS = ("bipolar", "amacrine", "ganglion", "starburst")
TAGS = ("{}", '{"ReapGrow": 1}', '{"GrowReap": 1, "SAC": 1}')


@dataclass(frozen=True)
class Site:
    """A volume to be made: its box and the tissue that it shows.

    Args:
        box: ids and box in the frame of the data.
        tissue: what is there.
        corner: lowest voxel in the frame of the tissue (z, y, x).
    """

    box: VolumeBox
    tissue: Tissue
    corner: Corner


def make_synthetic(
    settings: RetinaSettings,
    geometry: VolumeGeometry,
    dust: Dust,
    seed: int,
    writer: VolumeWriter,
) -> tuple[list[Volume], list[Cell]]:
    """Grow the retina, draw and cut its volumes, and let players trace the cells.

    Besides the cells asked for there are five that the published filters reject: two
    of zebrafish in small volumes of their own, one that is not completed, a mystic one,
    and one without voxels. Those that are not completed, `HALF_DONE` and the one among
    these five, have tasks that nobody has answered.

    Returns:
        The volumes and the cells, before `oddities` are put in.
    """
    sites = plan_sites(settings, geometry, seed)
    volumes = writer.run(
        [
            partial(make_volume, site, geometry.factor, [seed, 5, index], writer)
            for index, site in enumerate(sites)
        ]
    )
    mouse, zebrafish = volumes[:-2], volumes[-2:]
    rng = np.random.default_rng([seed, 6])
    identities = list(_identities(settings.cells, rng))
    traced = settings.cells + REJECTED
    to_trace = [
        *((mouse, identities[k], k + 1) for k in range(traced)),
        *(([fish], identities[k - 3], 1) for k, fish in enumerate(zebrafish)),
        *zip(
            [mouse] * HALF_DONE,
            _half_done_identities(settings.cells),
            largest_neurons(mouse, traced)[:HALF_DONE],
            strict=False,
        ),
    ]
    crowd = Crowd(settings.players)
    cells = [
        _trace(_tracer(near, geometry, dust), identity, neuron, crowd, seed)
        for near, identity, neuron in to_trace
    ]
    return volumes, [*cells, identities[-1]]


def largest_neurons(volumes: list[Volume], above: int) -> list[int]:
    """List the neurons with numbers above one, those with the most voxels first."""
    voxels: Counter[int] = Counter()
    for volume in volumes:
        for segment in np.flatnonzero(volume.owners > above):
            voxels[int(volume.owners[segment])] += int(volume.sizes[segment])
    return sorted(voxels, key=lambda neuron: (-voxels[neuron], neuron))


def plan_sites(
    settings: RetinaSettings, geometry: VolumeGeometry, seed: int
) -> list[Site]:
    """Grow the tissues and lay out the volumes: the grid, then two half as big."""
    steps = zip(settings.grid, geometry.stride, geometry.overlap, strict=True)
    z, y, x = (n * stride + overlap for n, stride, overlap in steps)
    diameter, reach = settings.neurite_diameter, float(min(geometry.stride))
    retina = grow_tissue((z, y, x), settings.cells + REJECTED, diameter, reach, seed)
    ids = _volume_ids(np.random.default_rng([seed, 7]))
    sites = []
    for k, j, i in product(*map(range, settings.grid)):
        corner = _at((k, j, i), geometry.stride)
        in_data = _in_data(corner, geometry.stride)
        sites.append(
            Site(VolumeBox(*next(ids), in_data, geometry.size), retina, corner)
        )
    depth, height, width = geometry.size
    half = (depth // 2, height // 2, width // 2)
    for fish in (1, 2):
        tissue = grow_tissue(half, 1, diameter, reach / 2, seed + fish)
        z, y, x = ZEBRAFISH_CORNER
        box = VolumeBox(*next(ids), (z, y, x + 1000 * fish), half)
        sites.append(Site(box, tissue, (0, 0, 0)))
    return sites


def make_volume(
    site: Site, factor: Edges, seed: list[int], writer: VolumeWriter
) -> Volume:
    """Draw a volume, and write it; see `draw_volume`."""
    volume, jpegs = draw_volume(site, factor, seed)
    return writer.write(volume, jpegs)


def draw_volume(
    site: Site, factor: Edges, seed: list[int]
) -> tuple[Volume, list[bytes]]:
    """Draw a volume, and cut what the JPEGs show into supervoxels.

    Args:
        site: what and where.
        factor: edges of a block of downsampling, for the speck that will vanish in it.
        seed: of the segment ids.

    Returns:
        The volume and the JPEGs of its image.
    """
    picture = render(site.tissue, site.corner, site.box.shape)
    jpegs = to_jpegs(picture.image)
    image = from_jpegs(jpegs)
    rng = np.random.default_rng(seed)
    segmentation = oversegment(image, site.tissue.neurite_diameter, rng)
    for _ in range(SPECKS):
        plant_speck(segmentation, picture.neuron <= site.tissue.traced, factor, rng)
    return describe(site.box, segmentation, image, picture.neuron), jpegs


def _tracer(volumes: list[Volume], geometry: VolumeGeometry, dust: Dust) -> Tracer:
    near = {volume.box.corner: volume for volume in volumes}
    return Tracer(near, geometry, MERGER_PURITY, dust)


def _trace(
    tracer: Tracer, identity: Cell, neuron: int, crowd: Crowd, seed: int
) -> Cell:
    """Trace a neuron by the crowd, half of it where the cell is not completed."""
    rng = np.random.default_rng([seed, 8, identity.cell])
    tasks = tracer.trace(
        neuron, lambda volume, start, body: crowd.answer(volume, start, body, rng)
    )
    if not identity.status:
        tasks = leave_half_done(tasks)
    by_id = {volume.box.volume: volume for volume in tracer.volumes.values()}
    size = sum(int(by_id[t.volume].sizes[list(t.truth)].sum()) for t in tasks)
    served = [serve(task, bool(rng.random() < SHOWS_ALL)) for task in tasks]
    return replace(identity, neuron=neuron, tasks=served, size=size)


def _at(index: Corner, stride: Edges) -> Corner:
    """Return the lowest voxel of a grid position."""
    z, y, x = (i * step for i, step in zip(index, stride, strict=True))
    return z, y, x


def _in_data(corner: Corner, stride: Edges) -> Corner:
    """Return where the retina's corner lies in the frame of e2198."""
    starts = GRID_ORIGIN, _at(FIRST_PLACE, stride), corner
    z, y, x = map(sum, zip(*starts, strict=True))
    return z, y, x


def _volume_ids(rng: np.random.Generator) -> Iterator[tuple[int, int]]:
    """Yield (channel, segmentation) ids; all differ."""
    channel, old_channel, old_volume = 60000, 3000, 11000
    while True:
        for _ in range(OLD_IDS_EVERY - 1):
            channel += 2 * int(rng.integers(1, 60))
            yield channel, channel + 1
        old_channel += int(rng.integers(1, 90))
        old_volume += int(rng.integers(1, 90))
        yield old_channel, old_volume


def _first_rejected(cells: int) -> int:
    return FIRST_TEST_CELL + 37 * (cells + 1)


def _half_done_identities(cells: int) -> Iterator[Cell]:
    """Yield cells that the players have not finished."""
    for k in range(HALF_DONE):
        cell = _first_rejected(cells) + 10 + k
        yield Cell(cell, f"amacrine half done {k + 1}", "", "{}", "not completed")


def _identities(cells: int, rng: np.random.Generator) -> Iterator[Cell]:
    """Yield the registry's cells: those asked for, then five that are rejected."""
    is_test = rng.permutation(np.arange(cells) % 3 == 0)
    for k in range(cells):
        kind = KINDS[int(rng.integers(len(KINDS)))]
        cell = (
            (FIRST_TEST_CELL if is_test[k] else 1000) + 37 * k + int(rng.integers(37))
        )
        # The published filter drops a cell without tags by accident; ours keeps it.
        tags = "" if k == 0 else TAGS[int(rng.integers(len(TAGS)))]
        yield Cell(cell, f"{kind} {k + 1:02d}", "Completed", tags, f"synthetic {kind}")
    first = _first_rejected(cells)
    yield Cell(first, "amacrine growing", "", "{}", "not completed")
    mystic = '{"mystic": 1}'
    yield Cell(first + 1, "mystic one", "Completed", mystic, "of the mystic set")
    yield Cell(first + 2, "SN-tectum 1", "Completed", "{}", "zebrafish")
    yield Cell(first + 3, "Abd-motor 1", "Completed", "{}", "zebrafish")
    yield Cell(first + 4, "bipolar empty", "Completed", "{}", "without voxels")
