"""Write arrays (z, y, x) in the layouts of public connectomes, by tensorstore."""

import json
from pathlib import Path

import numpy as np
import tensorstore as ts

RESOLUTION = (40.0, 8.0, 8.0)
# In voxels; of precomputed, whole numbers.
CORNER = (3, 2, 1)
OFFSET = tuple(a * b for a, b in zip(RESOLUTION, CORNER, strict=True))
CHUNK = 8


def write_precomputed(
    folder, array, encoding="raw", sharded=False, size=RESOLUTION, corner=CORNER
):
    """Write one scale, such as 8_8_40."""
    scale = {
        "key": "_".join(f"{edge:g}" for edge in size[::-1]),
        "encoding": encoding,
        "chunk_size": [CHUNK] * 3,
        "resolution": list(size[::-1]),
        "voxel_offset": list(corner[::-1]),
        "size": list(array.shape[::-1]),
    }
    if encoding == "compressed_segmentation":
        scale["compressed_segmentation_block_size"] = [4, 4, 4]
    if sharded:
        scale["sharding"] = {
            "@type": "neuroglancer_uint64_sharded_v1",
            "preshift_bits": 1,
            "minishard_bits": 1,
            "shard_bits": 1,
            "hash": "identity",
            "minishard_index_encoding": "gzip",
            "data_encoding": "gzip",
        }
    kind = "image" if array.dtype == np.uint8 else "segmentation"
    volume = {"type": kind, "data_type": str(array.dtype), "num_channels": 1}
    spec = {
        "driver": "neuroglancer_precomputed",
        "multiscale_metadata": volume,
        "scale_metadata": scale,
    }
    _write(folder, spec, array.T[..., np.newaxis])


def write_zarr2(folder, array):
    """Write OME-Zarr 0.4 with one level, of axes c, z, y, x."""
    metadata = {
        "shape": [1, *array.shape],
        "chunks": [1, CHUNK, CHUNK, CHUNK],
        "dtype": array.dtype.str if array.dtype.itemsize > 1 else "|u1",
        "dimension_separator": "/",
        "compressor": {"id": "zlib", "level": 1},
    }
    _write(folder / "s0", {"driver": "zarr", "metadata": metadata}, array[np.newaxis])
    image = multiscale([level("s0", [1, *RESOLUTION], [0, *OFFSET])], "czyx")
    write_json(folder / ".zgroup", {"zarr_format": 2})
    write_json(folder / ".zattrs", {"multiscales": [image | {"version": "0.4"}]})


def write_zarr3(folder, array, sharded=False, size=RESOLUTION, offset=OFFSET):
    """Write OME-Zarr 0.5 with one level, of axes z, y, x."""
    write_zarr3_level(folder / "s0", array, sharded)
    write_ome(folder, [multiscale([level("s0", size, offset)])])


def write_zarr3_level(folder, array, sharded=False):
    """Write an array of Zarr 3."""
    inner = [{"name": "bytes", "configuration": {"endian": "little"}}]
    shard = {
        "name": "sharding_indexed",
        "configuration": {
            "chunk_shape": [CHUNK] * 3,
            "codecs": [*inner, {"name": "zstd"}],
        },
    }
    edge = 2 * CHUNK if sharded else CHUNK
    metadata = {
        "shape": list(array.shape),
        "chunk_grid": {
            "name": "regular",
            "configuration": {"chunk_shape": [edge] * 3},
        },
        "codecs": [shard] if sharded else inner,
        "data_type": str(array.dtype),
    }
    _write(folder, {"driver": "zarr3", "metadata": metadata}, array)


def write_ome(folder, images, version="0.5", **more):
    """Write the group of an OME-Zarr image; ``more`` are keys beside multiscales."""
    ome = {"version": version, "multiscales": images, **more}
    group = {"zarr_format": 3, "node_type": "group", "attributes": {"ome": ome}}
    write_json(folder / "zarr.json", group)


def multiscale(datasets, axes="zyx", unit="nanometer", **more):
    """Return the metadata of an image."""
    named = [
        {"name": axis, "type": "space", "unit": unit}
        if axis in "zyx"
        else {"name": axis, "type": "channel" if axis == "c" else "time"}
        for axis in axes
    ]
    return {"axes": named, "datasets": datasets, **more}


def level(path, scale, translation=None):
    """Return the metadata of a level."""
    steps = [{"type": "scale", "scale": list(scale)}]
    if translation is not None:
        steps.append({"type": "translation", "translation": list(translation)})
    return {"path": path, "coordinateTransformations": steps}


def write_n5(folder, array):
    """Write an N5 group with one level, gzip, x, y, z; in micrometres."""
    metadata = {
        "dimensions": list(array.shape[::-1]),
        "blockSize": [CHUNK] * 3,
        "dataType": str(array.dtype),
        "compression": {"type": "gzip"},
    }
    _write(folder / "s0", {"driver": "n5", "metadata": metadata}, array.T)
    path = folder / "s0" / "attributes.json"
    more = {
        "pixelResolution": {
            "unit": "um",
            "dimensions": [edge / 1000 for edge in RESOLUTION[::-1]],
        },
        "offset": [edge / 1000 for edge in OFFSET[::-1]],
    }
    write_json(path, json.loads(path.read_text()) | more)


# By name: what is before ://, and what writes it. The first are for labels of 64 bits.
LABELS = {
    "precomputed raw": ("precomputed", write_precomputed),
    "precomputed compressed_segmentation": (
        "precomputed",
        lambda f, a: write_precomputed(f, a, "compressed_segmentation"),
    ),
    "precomputed sharded": (
        "precomputed",
        lambda f, a: write_precomputed(f, a, "raw", sharded=True),
    ),
    "precomputed sharded compressed_segmentation": (
        "precomputed",
        lambda f, a: write_precomputed(f, a, "compressed_segmentation", sharded=True),
    ),
    "OME-Zarr 0.4": ("zarr", write_zarr2),
    "OME-Zarr 0.5": ("zarr", write_zarr3),
    "OME-Zarr 0.5 sharded": ("zarr", lambda f, a: write_zarr3(f, a, sharded=True)),
    "N5 gzip": ("n5", write_n5),
}
PICTURES = {
    "precomputed jpeg": ("precomputed", lambda f, a: write_precomputed(f, a, "jpeg")),
    "precomputed png": ("precomputed", lambda f, a: write_precomputed(f, a, "png")),
    "precomputed sharded jpeg": (
        "precomputed",
        lambda f, a: write_precomputed(f, a, "jpeg", sharded=True),
    ),
}


def labels(shape=(20, 18, 16)):
    """Return ids above 2^53, which a float would round; no voxel is 0."""
    count = int(np.prod(shape))
    return np.arange(count, dtype=np.uint64).reshape(shape) // 50 + 2**53 + 1


def _write(folder: Path, spec, array) -> None:
    kvstore = {"driver": "file", "path": f"{folder}/"}
    store = ts.open({**spec, "kvstore": kvstore}, create=True).result()
    store.write(array).result()


def write_json(path: Path, value) -> None:
    """Write metadata."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value))
