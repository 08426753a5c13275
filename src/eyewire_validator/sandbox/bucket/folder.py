"""The files of a sandbox folder, in the form of the real bucket and API.

docs/sandbox.md lists them.
"""

import csv
import hashlib
import io
import lzma
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from eyewire_validator.sandbox.bucket.regions import maximum_spanning_tree
from eyewire_validator.sandbox.bucket.volumes import Volume
from eyewire_validator.storage.files import write_bytes, write_json
from eyewire_validator.volumes.raw import RAW_GRAPH, RAW_SEGMENTATION, slice_name

BUCKET = "e2198_compressed"
# LZMA-alone of unknown length with the 64 MiB dictionary of the real files' header
# (5d 00 00 00 04 and eight ff); preset 1 is 80 times faster than the real files' 9.
LZMA_FILTERS = [{"id": lzma.FILTER_LZMA1, "preset": 1, "dict_size": 1 << 26}]


def write_volume(folder: Path, volume: Volume, jpegs: Iterable[bytes]) -> None:
    """Write a volume to the bucket, and the owners of its segments to truth/.

    Args:
        folder: the sandbox folder.
        volume: what to write.
        jpegs: its sections, from z = 0.
    """
    target = folder / "bucket" / BUCKET / volume.box.name
    for z, jpeg in enumerate(jpegs):
        write_bytes(target / slice_name(z), jpeg)
    content = volume.segmentation.astype("<u2").tobytes()
    write_bytes(
        target / RAW_SEGMENTATION,
        lzma.compress(content, lzma.FORMAT_ALONE, filters=LZMA_FILTERS),
    )
    graph = spanning_tree_bytes(volume)
    write_bytes(target / "segmentation.size", volume.sizes.astype("<u4").tobytes())
    write_bytes(target / "segmentation.bbox", bounding_box_bytes(volume))
    write_bytes(target / RAW_GRAPH, graph)
    write_json(target / "metadata.json", _metadata(volume, len(graph) // 8))
    _write_owners(folder / "truth" / "volumes" / f"{volume.box.volume}.csv", volume)


def bounding_box_bytes(volume: Volume) -> bytes:
    """Return each segment's lowest and last voxel as uint16 x, y, z.

    Ids that do not occur, and 0, have the volume's last voxel and its first.
    """
    low, high = np.moveaxis(volume.segment_boxes, 1, 0)
    occurs = volume.sizes[:, None] > 0
    first = np.where(occurs, low, np.array(volume.segmentation.shape) - 1)
    last = np.where(occurs, high - 1, 0)
    return np.stack([first, last], axis=1)[:, :, ::-1].astype("<u2").tobytes()


def spanning_tree_bytes(volume: Volume) -> bytes:
    """Return the maximum spanning tree of the borders as ``<HHf`` records.

    The affinity is the mean of the darkest voxels along the contact, over 255: it is
    high where no membrane shows.
    """
    tree = maximum_spanning_tree(volume.borders, len(volume.sizes) - 1)
    records = np.empty(
        len(tree.pairs), [("one", "<u2"), ("other", "<u2"), ("affinity", "<f4")]
    )
    records["one"], records["other"] = tree.pairs.T
    records["affinity"] = tree.means / 255
    return records.tobytes()


def write_csv(path: Path, rows: Iterable[Mapping[str, object]]) -> None:
    """Write rows of equal keys as CSV with a header."""
    rows = list(rows)
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]) if rows else [], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_bytes(path, text.getvalue().encode())


def content_hash(folder: Path) -> str:
    """Return the SHA-256 over the names and bytes of all files of a folder."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            name = path.relative_to(folder).as_posix().encode()
            digest.update(b"%d %s %d\n" % (len(name), name, path.stat().st_size))
            digest.update(path.read_bytes())
    return digest.hexdigest()


def _metadata(volume: Volume, edges: int) -> dict[str, Any]:
    corner, shape = volume.box.corner[::-1], volume.box.shape[::-1]
    return {
        "segment_id_type": "UInt16",
        "affinity_type": "Float32",
        "bounding_box_type": "UInt16",
        "size_type": "UInt32",
        "image_type": "UInt8",
        "num_segments": int((volume.sizes > 0).sum()),
        "num_edges": edges,
        "chunk_voxel_dimensions": list(shape),
        "voxel_resolution": [1, 1, 1],
        "resolution_units": "voxels",
        "physical_offset_min": list(corner),
        "physical_offset_max": [c + s for c, s in zip(corner, shape, strict=True)],
    }


def _write_owners(path: Path, volume: Volume) -> None:
    write_csv(
        path,
        (
            {
                "segment": segment,
                "neuron": volume.owners[segment],
                "purity": round(float(volume.purity[segment]), 4),
                "voxels": volume.sizes[segment],
            }
            for segment in np.flatnonzero(volume.sizes)
        ),
    )
