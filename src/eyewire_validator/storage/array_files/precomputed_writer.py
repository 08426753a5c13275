"""Create labels and images in the precomputed form, which Neuroglancer opens."""

from functools import partial
from pathlib import Path
from typing import Any

from eyewire_validator.storage.array_files.writer import CHUNK, Extent

# Edge of the blocks that are packed together in a chunk, voxels.
PACKED = 8


def _create(
    what: dict[str, Any], packing: dict[str, Any], folder: Path, extent: Extent
) -> Any:
    """Create an array, with the axes x, y, z and channel, and return it as (z, y, x).

    Args:
        what: what it is, in the form's words.
        packing: how its chunks are packed, in the same.
        folder: that is created.
        extent: of the array.
    """
    import tensorstore as ts

    spec = {
        "driver": "neuroglancer_precomputed",
        "kvstore": {"driver": "file", "path": f"{folder.absolute()}/"},
        "multiscale_metadata": {**what, "num_channels": 1},
        "scale_metadata": {
            "voxel_offset": extent.corner[::-1],
            "size": extent.shape[::-1],
            "resolution": extent.voxel_nm[::-1],
            "chunk_size": [CHUNK] * 3,
            **packing,
        },
        # Chunks without anything, too: a missing one is a mistake to most readers.
        "store_data_equal_to_fill_value": True,
    }
    return ts.open(spec, create=True).result()[ts.d["channel"][0]].T


PRECOMPUTED_LABELS = partial(
    _create,
    {"type": "segmentation", "data_type": "uint64"},
    {
        "encoding": "compressed_segmentation",
        "compressed_segmentation_block_size": [PACKED] * 3,
    },
)
# To look at: grey values change a little.
PRECOMPUTED_IMAGE = partial(
    _create, {"type": "image", "data_type": "uint8"}, {"encoding": "jpeg"}
)
