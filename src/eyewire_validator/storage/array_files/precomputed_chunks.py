"""Confirm chunks of precomputed volumes of which tensorstore says nothing wrong.

It reads as 0 what is missing from shards, and chunks of compressed_segmentation that
hold only 0 bytes, whatever it is told (0.1.86); PNG of other bits than the metadata say
it takes for the memory of the array.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eyewire_validator.errors import FileError
from eyewire_validator.storage.array_files.folder import Folder
from eyewire_validator.storage.array_files.opened import Box

# Where a PNG file says how many bits a pixel has.
BIT_DEPTH = 24


@dataclass
class Chunks:
    """The chunks of a scale, as they are stored.

    Args:
        folder: that of the volume.
        scale: what the file info says of it.
        dtype: what the file info says of the volume.
    """

    folder: Folder
    scale: Mapping[str, Any]
    dtype: np.dtype[Any]
    _is_depth_known: bool = field(default=False, init=False)

    def confirm(self, box: Box, voxels: NDArray[Any]) -> None:
        """Refuse voxels of a chunk that are not what is stored.

        Args:
            box: (z, y, x) inside one chunk.
            voxels: what tensorstore made of it.

        Raises:
            FileError: the chunk is not there, or of another form.
        """
        encoding = self.scale["encoding"]
        if encoding == "png" and not self._is_depth_known:
            self._confirm_depth(self._read(box) or b"")
        is_packed = encoding == "compressed_segmentation"
        if ("sharding" in self.scale or is_packed) and not voxels.any():
            content = self._read(box)
            if content is None:
                raise KeyError("NOT_FOUND: missing from its shard")
            if is_packed and content[:4] != (1).to_bytes(4, "little"):
                raise ValueError("the chunk does not begin as compressed_segmentation")

    def _confirm_depth(self, picture: bytes) -> None:
        bits = picture[BIT_DEPTH] if len(picture) > BIT_DEPTH else 0
        if bits != 8 * self.dtype.itemsize:
            raise FileError(
                f"{self.folder.source}: its pictures are of {bits} bits, but its info "
                f"says {self.dtype}; correct the info"
            )
        self._is_depth_known = True

    def _read(self, box: Box) -> bytes | None:
        """Read a chunk as it is stored, out of its shard; None if it is not there."""
        import tensorstore as ts

        inside = self.folder.below(str(self.scale["key"]))
        x, y, z = (part.start for part in box[::-1])
        place = [a // b for a, b in zip((x, y, z), self._chunk, strict=True)]
        store, name = inside.store(), self._name(place)
        if "sharding" in self.scale:
            number = compressed_morton(place, self._grid)
            name = number.to_bytes(8, "big")
            store = {
                "driver": "neuroglancer_uint64_sharded",
                "base": store,
                "metadata": self.scale["sharding"],
            }
        limit = self.folder.access.time_limit_s
        opened = ts.KvStore.open(store, context=inside.context()).result(timeout=limit)
        found = opened.read(name).result(timeout=limit)
        return bytes(found.value) if found.state == "value" else None

    @property
    def _chunk(self) -> list[int]:
        chunk: list[int] = self.scale["chunk_sizes"][0]
        return chunk

    @property
    def _grid(self) -> list[int]:
        size = self.scale["size"]
        return [-(-n // edge) for n, edge in zip(size, self._chunk, strict=True)]

    def _name(self, place: list[int]) -> str | bytes:
        offset = self.scale.get("voxel_offset", [0, 0, 0])
        ends = [
            (first + i * edge, first + min((i + 1) * edge, n))
            for first, i, edge, n in zip(
                offset, place, self._chunk, self.scale["size"], strict=True
            )
        ]
        return "_".join(f"{low}-{high}" for low, high in ends)


def compressed_morton(place: list[int], grid: list[int]) -> int:
    """Return the number of a chunk in its volume's shards.

    The bits of x, y and z by turns, each as long as its grid has any.
    """
    code, position = 0, 0
    for bit in range(max(grid).bit_length()):
        for i, count in zip(place, grid, strict=True):
            if 2**bit < count:
                code |= (i >> bit & 1) << position
                position += 1
    return code
