"""Make a sandbox's volumes and cells from files: image, supervoxels, labels, seeds."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from eyewire_validator.errors import SandboxError
from eyewire_validator.sandbox.bucket.pieces import label_pieces
from eyewire_validator.sandbox.bucket.volume_writer import VolumeWriter
from eyewire_validator.sandbox.bucket.volumes import Volume, VolumeBox, describe
from eyewire_validator.sandbox.frames import Frame
from eyewire_validator.sandbox.ids import count_ids
from eyewire_validator.sandbox.left_out import Judge, box_at, count_fates
from eyewire_validator.sandbox.open_cells import OpenCells
from eyewire_validator.sandbox.seeds import ALL, Seed, large_supervoxels, read_seeds
from eyewire_validator.sandbox.service.replies import VOTES_NEEDED, Cell, serve
from eyewire_validator.sandbox.tissue.rendering import to_jpegs
from eyewire_validator.sandbox.tracing.crowd import CrowdAnswer
from eyewire_validator.sandbox.tracing.spawning import Tracer
from eyewire_validator.sandbox.triple import FilesSettings, Triple, open_triple
from eyewire_validator.storage.array_files import Access
from eyewire_validator.storage.schemas.volumes import SUPERVOXELS
from eyewire_validator.volumes.dust import Dust
from eyewire_validator.volumes.geometry import Corner, Edges, VolumeGeometry

MAX_SEGMENTS = 2**16 - 1
# Fine enough that the image is all but the file's.
JPEG_QUALITY = 95
FIRST_CHANNEL = 50000
# Slices that are counted at a time.
SLAB = 64
# Where the first voxel lies if nobody says.
NOWHERE = (0.0, 0.0, 0.0)
# Cell ids are int64 in all tables.
HIGHEST_CELL = 2**63 - 1


@dataclass(frozen=True)
class CutTriple:
    """Hold what a triple was made into.

    Args:
        volumes: the cubes.
        cells: the labels that have tasks.
        supervoxels: rows of `SUPERVOXELS`.
        facts: what the manifest says about it.
    """

    volumes: list[Volume]
    cells: list[Cell]
    supervoxels: pd.DataFrame
    facts: dict[str, Any]


def cube_corners(shape: Edges, geometry: VolumeGeometry) -> list[Corner]:
    """Return the corners (z, y, x) of cubes that hold every voxel, counted from 0.

    They lie a stride apart. Where that leaves a rim, one more cube is shifted inwards
    to end where the arrays do: it overlaps the one before by more than the others do.

    Raises:
        SandboxError: not even one fits.
    """
    if any(length < size for length, size in zip(shape, geometry.size, strict=True)):
        raise SandboxError(
            f"sandbox.files: the arrays have {shape} voxels in common, too few for one "
            f"cube of {geometry.size}; set volumes.size to at most that (z, y, x), or "
            f"to at most {min(shape)}"
        )
    lasts = (length - size for length, size in zip(shape, geometry.size, strict=True))
    starts = (
        [*range(0, last, stride), last]
        for last, stride in zip(lasts, geometry.stride, strict=True)
    )
    return [(z, y, x) for z, y, x in product(*starts)]


def cut_segmentation(supervoxels: NDArray[np.integer]) -> NDArray[np.uint16]:
    """Relabel the supervoxels of a cube to their connected pieces, from 1.

    Raises:
        SandboxError: there are more than uint16 can count.
    """
    pieces = label_pieces(supervoxels)
    count = int(pieces.max())
    if count > MAX_SEGMENTS:
        raise SandboxError(
            f"sandbox.files: a cube holds {count} supervoxels, at most {MAX_SEGMENTS} "
            "fit; set volumes.size lower"
        )
    return pieces.astype(np.uint16)


def make_from_files(
    settings: FilesSettings,
    geometry: VolumeGeometry,
    dust: Dust,
    writer: VolumeWriter,
    access: Access | None = None,
) -> CutTriple:
    """Cut the arrays into cubes, and make tasks from labels and from seeds.

    Labels also answer their tasks; those of seeds are open.

    Args:
        settings: what the arrays are, and what is asked of them.
        geometry: of the cubes.
        dust: segments that become no seeds.
        writer: writes the volumes.
        access: how to ask for what lies elsewhere.

    Raises:
        ConfigError: a file is not named.
        FileError: a file is missing, damaged or of another form.
        SandboxError: the files cannot be used, or no label is big enough.
    """
    triple = open_triple(settings, access)
    corners = cube_corners(triple.shape, geometry)
    volumes = writer.run(
        [
            partial(_cut_volume, triple, geometry, corner, index, writer)
            for index, corner in enumerate(corners)
        ]
    )
    cubes = dict(zip(corners, volumes, strict=True))
    supervoxels = name_supervoxels(triple, cubes)
    cells: list[Cell] = []
    facts: dict[str, Any] = {
        "voxel_nm": triple.voxel_nm,
        "offset_nm": triple.offset_nm,
        "versions": triple.versions,
    }
    if settings.labels:
        edges = triple.voxel_nm
        tracer = Tracer(cubes, geometry, settings.min_purity, dust, edges)
        cells, of_labels = _trace_labels(triple, tracer, settings, writer.scratch)
        facts |= of_labels
    if settings.seeds:
        frame = Frame(triple.voxel_nm, triple.offset_nm or NOWHERE)
        asked = OpenCells(cubes, supervoxels, dust, frame)
        cells += _ask(_find_seeds(triple, settings), asked, cells)
    return CutTriple(volumes, cells, supervoxels, facts)


def _ask(
    seeds: Sequence[Seed], asked: OpenCells, labelled: Sequence[Cell]
) -> list[Cell]:
    """Make the cells of seeds; their ids follow those of labels."""
    above = max((cell.cell for cell in labelled), default=0)
    if above + max(seed.number for seed in seeds) > HIGHEST_CELL:
        raise SandboxError(
            f"sandbox.files.seeds: beside labels up to {above}, no number is left for "
            "the cells of seeds; use lower labels, or ask in a run of its own"
        )
    return asked.make(seeds, above)


def _find_seeds(triple: Triple, settings: FilesSettings) -> list[Seed]:
    if settings.seeds != ALL:
        return read_seeds(Path(str(settings.seeds)))
    sizes = count_ids(map(triple.supervoxels, triple.slabs(SLAB)))
    if not (seeds := large_supervoxels(sizes, settings.min_cell_voxels)):
        raise SandboxError(
            f"sandbox.files.seeds: none of {len(sizes)} supervoxels has "
            f"{settings.min_cell_voxels} voxels; lower min_cell_voxels"
        )
    return seeds


def _trace_labels(
    triple: Triple, tracer: Tracer, settings: FilesSettings, scratch: Path
) -> tuple[list[Cell], dict[str, Any]]:
    """Trace the labels; return the cells, and what became of the labels."""
    sizes = count_ids(map(triple.labels, triple.slabs(SLAB)))
    cells = list(_cells(tracer, sizes, settings))
    if not cells:
        raise SandboxError(
            f"sandbox.files: no label of {settings.labels} with "
            f"{settings.min_cell_voxels} voxels has a supervoxel of purity "
            f"{settings.min_purity}; lower min_cell_voxels or min_purity"
        )
    small = [i for i, size in sizes.items() if size < settings.min_cell_voxels]
    judge = Judge(
        *(np.array(small, np.uint64), settings.min_purity, tracer.dust),
        *(triple.voxel_nm, _truths(cells)),
    )
    return cells, {
        "labels": count_fates(triple, tracer.volumes, judge, scratch),
        "labels_without_tasks": len(sizes) - len(cells),
    }


def name_supervoxels(triple: Triple, cubes: Mapping[Corner, Volume]) -> pd.DataFrame:
    """Name the supervoxel that each segment is a piece of: rows of `SUPERVOXELS`."""
    tables = []
    for corner, volume in cubes.items():
        names = np.zeros(len(volume.sizes), np.uint64)
        names[volume.segmentation] = triple.supervoxels(
            box_at(corner, volume.box.shape)
        )
        segments = np.flatnonzero(volume.sizes)
        columns = (volume.box.volume, segments, names[segments])
        tables.append(pd.DataFrame(dict(zip(SUPERVOXELS.names, columns, strict=True))))
    return pd.concat(tables, ignore_index=True)


def _cells(
    tracer: Tracer, sizes: dict[int, int], settings: FilesSettings
) -> Iterator[Cell]:
    """Yield a cell for each label that is big enough and has tasks.

    Its id is the label, or, if any label is higher than ids can be, counted from 1.
    """
    agree = partial(_agree, settings.min_purity)
    is_cell_id = max(sizes, default=0) <= HIGHEST_CELL
    big = [i for i, size in sizes.items() if size >= settings.min_cell_voxels]
    for number, neuron in enumerate(big, start=1):
        tasks = [serve(task, False) for task in tracer.trace(neuron, agree)]
        if tasks:
            yield Cell(
                neuron if is_cell_id else number,
                f"label {neuron}",
                "Completed",
                "{}",
                "",
                sizes[neuron],
                neuron,
                tasks,
            )


def _truths(cells: list[Cell]) -> dict[int, set[int]]:
    truths: dict[int, set[int]] = {}
    for cell in cells:
        for served in cell.tasks:
            truths.setdefault(served.task.volume, set()).update(served.task.truth)
    return truths


def _agree(
    min_purity: float, volume: Volume, seed: set[int], body: set[int]
) -> CrowdAnswer:
    """The answer to a task is the truth, as if one player had given it."""
    truth = [
        segment for segment in sorted(body) if volume.purity[segment] >= min_purity
    ]
    return CrowdAnswer(dict.fromkeys(truth, 1.0), 0.0, 1.0, VOTES_NEEDED)


def _cut_volume(
    triple: Triple,
    geometry: VolumeGeometry,
    corner: Corner,
    index: int,
    writer: VolumeWriter,
) -> Volume:
    cut = box_at(corner, geometry.size)
    image = triple.image(cut)
    segmentation = cut_segmentation(triple.supervoxels(cut))
    channel = FIRST_CHANNEL + 2 * index
    z, y, x = (a + b for a, b in zip(corner, triple.corners["image"], strict=True))
    box = VolumeBox(channel, channel + 1, (z, y, x), geometry.size)
    volume = describe(box, segmentation, image, triple.labels(cut))
    return writer.write(volume, to_jpegs(image, JPEG_QUALITY))
