"""Create labels as OME-Zarr 0.5, which napari, Fiji and Neuroglancer open."""

from pathlib import Path
from typing import Any

from eyewire_validator.storage.array_files.chunked import AXES
from eyewire_validator.storage.array_files.writer import CHUNK, Extent
from eyewire_validator.storage.files import write_json


def create_zarr_labels(folder: Path, extent: Extent) -> Any:
    """Create labels of uint64, an image with one level, and return them as (z, y, x).

    Args:
        folder: that is created.
        extent: of the labels.
    """
    import tensorstore as ts

    write_json(folder / "zarr.json", _group(extent))
    spec = {
        "driver": "zarr3",
        "kvstore": {"driver": "file", "path": f"{folder.absolute()}/0/"},
        "metadata": {
            "shape": extent.shape,
            "data_type": "uint64",
            "dimension_names": AXES,
            "chunk_grid": {
                "name": "regular",
                "configuration": {"chunk_shape": [CHUNK] * 3},
            },
            "codecs": [{"name": "gzip", "configuration": {"level": 5}}],
        },
        # Chunks without anything, too, as for the precomputed form.
        "store_data_equal_to_fill_value": True,
    }
    array = ts.open(spec, create=True).result()
    return array[ts.d[:].translate_to[extent.corner]]


def _group(extent: Extent) -> dict[str, Any]:
    """Return what is noted about the image: where it lies, by the corner of voxels."""
    place_nm = [
        low * edge for low, edge in zip(extent.corner, extent.voxel_nm, strict=True)
    ]
    placed = [
        {"type": "scale", "scale": extent.voxel_nm},
        {"type": "translation", "translation": place_nm},
    ]
    image = {
        "name": "labels",
        "axes": [{"name": name, "type": "space", "unit": "nanometer"} for name in AXES],
        "datasets": [{"path": "0", "coordinateTransformations": placed}],
    }
    attributes = {"ome": {"version": "0.5", "multiscales": [image]}}
    return {"zarr_format": 3, "node_type": "group", "attributes": attributes}
