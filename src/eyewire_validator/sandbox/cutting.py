"""Make a sandbox's volumes and cells from a real triple: image, supervoxels, labels."""

from dataclasses import dataclass
from functools import partial
from itertools import product

import numpy as np
from numpy.typing import NDArray
from skimage.measure import label

from eyewire_validator.errors import ConfigError, SandboxError
from eyewire_validator.sandbox.bucket.volume_writer import VolumeWriter
from eyewire_validator.sandbox.bucket.volumes import Volume, VolumeBox, describe
from eyewire_validator.sandbox.service.replies import VOTES_NEEDED, Cell, serve
from eyewire_validator.sandbox.tissue.rendering import to_jpegs
from eyewire_validator.sandbox.tracing.crowd import CrowdAnswer
from eyewire_validator.sandbox.tracing.spawning import Corner, Tracer
from eyewire_validator.storage.array_files import OpenedArray, open_array
from eyewire_validator.volumes.dust import Dust
from eyewire_validator.volumes.geometry import VolumeGeometry

MAX_SEGMENTS = 2**16 - 1
# Fine enough that the image is all but the file's.
JPEG_QUALITY = 95
FIRST_CHANNEL = 50000


@dataclass(frozen=True)
class FilesSettings:
    """Settings of a sandbox from files: a real triple to cut up.

    Args:
        image: file of the uint8 image, with ``::name`` for an array in .npz or .h5.
        supervoxels: the same for the segmentation, integers.
        labels: the same for the proofread labels, integers.
        min_cell_voxels: labels with fewer voxels are not traced as cells.
        min_purity: share of a supervoxel that must be the cell's to be its answer.
    """

    image: str | None
    supervoxels: str | None
    labels: str | None
    min_cell_voxels: int
    min_purity: float


@dataclass(frozen=True)
class Triple:
    """Three arrays of one shape (z, y, x): uint8, integers, integers; 0 is nothing."""

    image: OpenedArray
    supervoxels: OpenedArray
    labels: OpenedArray


def open_triple(settings: FilesSettings) -> Triple:
    """Open the three files, mapped to memory where their form allows it.

    Raises:
        ConfigError: a file is not named.
        FileError: a file is missing or of another form.
        SandboxError: the shapes differ, or a dtype is not what it should be.
    """
    arrays = {}
    for name in ("image", "supervoxels", "labels"):
        source = getattr(settings, name)
        if not source:
            raise ConfigError(
                f"sandbox.files.{name} is not set; give a path, such as "
                f"data/{name}.npy or data.npz::{name}"
            )
        arrays[name] = open_array(source)
        is_image = name == "image"
        kind = np.uint8 if is_image else np.integer
        if not np.issubdtype(arrays[name].dtype, kind):
            raise SandboxError(
                f"sandbox.files.{name}: {source} holds {arrays[name].dtype}, expected "
                f"{'uint8' if is_image else 'integers'}; convert it first"
            )
    shapes = {name: array.shape for name, array in arrays.items()}
    if len(set(shapes.values())) > 1 or len(shapes["image"]) != 3:
        raise SandboxError(
            f"sandbox.files: the shapes are {shapes}; expected one, (z, y, x)"
        )
    return Triple(**arrays)


def cube_corners(
    shape: tuple[int, int, int], geometry: VolumeGeometry
) -> list[tuple[int, int, int]]:
    """Return the corners (z, y, x) of the whole cubes that fit, counted from 0.

    Raises:
        SandboxError: not even one fits.
    """
    if min(shape) < geometry.size:
        raise SandboxError(
            f"sandbox.files: the arrays are {shape}, too small for one cube of "
            f"{geometry.size}^3; set volumes.size to at most {min(shape)}"
        )
    starts = (range(0, length - geometry.size + 1, geometry.stride) for length in shape)
    return [(z, y, x) for z, y, x in product(*starts)]


def left_over(shape: tuple[int, int, int], geometry: VolumeGeometry) -> float:
    """Return the share of voxels that no whole cube covers."""
    covered = [
        (length - geometry.size) // geometry.stride * geometry.stride + geometry.size
        for length in shape
    ]
    return 1 - float(np.prod(covered)) / float(np.prod(shape))


def cells_of(labels: NDArray[np.integer], min_voxels: int) -> dict[int, int]:
    """Return {label: voxels} of labels with at least ``min_voxels``, without 0."""
    ids, counts = np.unique(labels, return_counts=True)
    sizes = zip(ids.tolist(), counts.tolist(), strict=True)
    return {i: size for i, size in sizes if i and size >= min_voxels}


def cut_segmentation(supervoxels: NDArray[np.integer]) -> NDArray[np.uint16]:
    """Relabel the supervoxels of a cube to their connected pieces, from 1.

    Raises:
        SandboxError: there are more than uint16 can count.
    """
    pieces: NDArray[np.int64] = label(supervoxels, connectivity=1)  # type: ignore[no-untyped-call]
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
) -> tuple[list[Volume], list[Cell], float]:
    """Cut the triple into cubes and trace its labels, which also answer the tasks.

    Returns:
        The volumes, the cells, and the share of voxels that no whole cube covers.

    Raises:
        ConfigError: a file is not named.
        SandboxError: the files cannot be used, or no label is big enough.
    """
    triple = open_triple(settings)
    corners = cube_corners(triple.image.shape, geometry)  # type: ignore[arg-type]
    volumes = writer.run(
        [
            partial(_cut_volume, triple, geometry, corner, index, writer)
            for index, corner in enumerate(corners)
        ]
    )
    tracer = Tracer(
        {volume.box.corner: volume for volume in volumes},
        geometry,
        settings.min_purity,
        dust,
    )
    agree = partial(_agree, settings.min_purity)
    cells = [
        Cell(label, f"label {label}", "Completed", "{}", "", size, label, tasks)
        for label, size in cells_of(
            triple.labels.read(), settings.min_cell_voxels
        ).items()
        if (tasks := [serve(t, False) for t in tracer.trace(label, agree)])
    ]
    if not cells:
        raise SandboxError(
            f"sandbox.files: no label of {settings.labels} with "
            f"{settings.min_cell_voxels} voxels has a supervoxel of purity "
            f"{settings.min_purity}; lower min_cell_voxels or min_purity"
        )
    return volumes, cells, left_over(triple.image.shape, geometry)  # type: ignore[arg-type]


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
    cut = tuple(slice(start, start + geometry.size) for start in corner)
    image = triple.image.read(cut)
    segmentation = cut_segmentation(triple.supervoxels.read(cut))
    channel = FIRST_CHANNEL + 2 * index
    box = VolumeBox(channel, channel + 1, corner, geometry.shape)
    labels = triple.labels.read(cut)
    volume = describe(box, segmentation, image, labels)
    return writer.write(volume, to_jpegs(image, JPEG_QUALITY))
