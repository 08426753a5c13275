"""Read arrays that lie elsewhere block by block, and keep what was read."""

import lzma
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eyewire_validator.errors import FileError
from eyewire_validator.storage.array_files.access import Access
from eyewire_validator.storage.array_files.opened import Box
from eyewire_validator.storage.files import XZ_PRESET, read_array, write_bytes

Corner = tuple[int, ...]
# Asks for a box; what it returns waits for the voxels.
Wait = Callable[[], NDArray[Any]]
Ask = Callable[[Box], Wait]


@dataclass(frozen=True)
class Blocks:
    """An array (z, y, x) that is read by blocks, several at a time.

    Args:
        shape: of the array.
        dtype: of its voxels, in this machine's byte order.
        block: shape of a block, those at the ends are cut; as the array is stored.
        ask: asks for a box of one block.
        access: how often that may be done.
        folder: where whole blocks are kept; None keeps nothing.
        is_paced: whether to wait between blocks; local files need not.
    """

    shape: Corner
    dtype: np.dtype[Any]
    block: Corner
    ask: Ask
    access: Access
    folder: Path | None = None
    is_paced: bool = True

    def __getitem__(self, box: Box) -> NDArray[Any]:
        """Read a box within the array.

        Raises:
            FileError: a part of it is not there or damaged.
        """
        found = np.empty([part.stop - part.start for part in box], self.dtype)
        for place, voxels in self._in_turn(box):
            found[place] = voxels
        return found

    def _in_turn(self, box: Box) -> Iterator[tuple[Box, NDArray[Any]]]:
        """Yield the parts of a box, with only so many under way."""
        waiting: deque[tuple[Box, Wait]] = deque()
        for corner in product(*map(self._starts, range(3), box)):
            whole, common = self._bounds(corner, box)
            waiting.append((_shift(common, box), self._get(corner, whole, common)))
            if len(waiting) >= self.access.concurrent:
                place, wait = waiting.popleft()
                yield place, wait()
        for place, wait in waiting:
            yield place, wait()

    def _starts(self, axis: int, part: slice) -> range:
        edge = self.block[axis]
        return range(part.start // edge * edge, part.stop, edge)

    def _bounds(self, corner: Corner, box: Box) -> tuple[Box, Box]:
        """Return a block, and what it has in common with a box."""
        whole = tuple(
            slice(start, min(start + edge, length))
            for start, edge, length in zip(corner, self.block, self.shape, strict=True)
        )
        common = tuple(
            slice(max(a.start, b.start), min(a.stop, b.stop))
            for a, b in zip(whole, box, strict=True)
        )
        return whole, common

    def _get(self, corner: Corner, whole: Box, common: Box) -> Wait:
        """Ask for the part of a block, which may be kept."""
        if self.folder is None:
            return self._ask(common)
        inside = _shift(common, whole)
        path = self.folder / f"{'-'.join(map(str, corner))}.xz"
        shape = tuple(part.stop - part.start for part in whole)
        if path.is_file():
            try:
                kept = read_array(path, shape, self.dtype)[inside]
            except FileError:
                # Damaged: its hash tells. It is asked for again.
                path.unlink()
            else:
                return lambda: kept
        wait = self._ask(whole)

        def keep() -> NDArray[Any]:
            voxels = wait()
            write_bytes(path, _pack(voxels))
            return voxels[inside]

        return keep

    def _ask(self, box: Box) -> Wait:
        if self.is_paced:
            self.access.wait()
        return self.ask(box)


def _pack(voxels: NDArray[Any]) -> bytes:
    """Pack voxels with their SHA-256, which whoever unpacks them compares."""
    content = np.ascontiguousarray(voxels, voxels.dtype.newbyteorder("<")).tobytes()
    return lzma.compress(content, preset=XZ_PRESET, check=lzma.CHECK_SHA256)


def _shift(box: Box, whole: Box) -> Box:
    """Return a box as it is counted from the corner of another."""
    return tuple(
        slice(part.start - start.start, part.stop - start.start)
        for part, start in zip(box, whole, strict=True)
    )
