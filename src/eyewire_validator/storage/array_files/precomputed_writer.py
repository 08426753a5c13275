"""Write labels and images in the precomputed form, which Neuroglancer opens."""

import shutil
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

from numpy.typing import NDArray

from eyewire_validator.storage.array_files.opened import Box

# Edge of a chunk, and of the blocks that are packed together in it, voxels.
CHUNK, PACKED = 64, 8
Voxels = tuple[int, ...]


class Form(NamedTuple):
    """Say what an array is, and how its chunks are packed, in the form's words."""

    what: dict[str, Any]
    packing: dict[str, Any]


LABELS = Form(
    {"type": "segmentation", "data_type": "uint64"},
    {
        "encoding": "compressed_segmentation",
        "compressed_segmentation_block_size": [PACKED] * 3,
    },
)
# To look at: grey values change a little.
IMAGE = Form({"type": "image", "data_type": "uint8"}, {"encoding": "jpeg"})


def write_precomputed(
    folder: Path,
    form: Form,
    corner: Voxels,
    shape: Voxels,
    voxel_nm: tuple[float, float, float] | None,
    read: Callable[[Box], NDArray[Any]],
) -> None:
    """Write an array chunk by chunk, whole or not at all.

    Args:
        folder: is replaced.
        form: `LABELS`, of uint64, or `IMAGE`, of uint8.
        corner: the lowest voxel (z, y, x).
        shape: (z, y, x).
        voxel_nm: edges of a voxel (z, y, x); where nobody knows them, 1 nm.
        read: returns the (z, y, x) values of a box, of voxels counted as the corner is.
    """
    unfinished = folder.with_name(f".{folder.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    array = _create(
        unfinished,
        form.what,
        {
            "voxel_offset": corner[::-1],
            "size": shape[::-1],
            "resolution": (voxel_nm or (1.0, 1.0, 1.0))[::-1],
            "chunk_size": [CHUNK] * 3,
            **form.packing,
        },
    )
    for box in _chunks(corner, shape):
        array[(*box[::-1], 0)] = read(box).T
    shutil.rmtree(folder, ignore_errors=True)
    unfinished.rename(folder)


def _create(folder: Path, what: dict[str, Any], scale: dict[str, Any]) -> Any:
    """Create the array, with the axes x, y, z and channel."""
    import tensorstore as ts

    spec = {
        "driver": "neuroglancer_precomputed",
        "kvstore": {"driver": "file", "path": f"{folder.absolute()}/"},
        "multiscale_metadata": {**what, "num_channels": 1},
        "scale_metadata": scale,
        # Chunks without anything, too: a missing one is a mistake to most readers.
        "store_data_equal_to_fill_value": True,
    }
    return ts.open(spec, create=True).result()


def _chunks(corner: Voxels, shape: Voxels) -> Iterator[Box]:
    """Yield the boxes of the chunks, the last of a row cut off at its end."""
    ends = [low + edge for low, edge in zip(corner, shape, strict=True)]
    starts = [range(low, end, CHUNK) for low, end in zip(corner, ends, strict=True)]
    for lows in product(*starts):
        yield tuple(
            slice(low, min(low + CHUNK, end))
            for low, end in zip(lows, ends, strict=True)
        )
