"""Hold an opened array: its voxels, and where they lie."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from eyewire_validator.errors import FileError

Place = tuple[float, float, float]
Box = tuple[slice, ...]


class Voxels(Protocol):
    """An array that is read part by part, of NumPy or elsewhere."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the whole."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """Dtype of what is read."""

    def __getitem__(self, box: Any, /) -> Any:
        """Read a box within the array."""


@dataclass(frozen=True)
class OpenedArray:
    """An array of a file or an address, and the frame that it says.

    Args:
        array: mapped to memory, read, or to be read box by box; in any byte order.
        resolution_nm: edges of a voxel (z, y, x), nm; None if the file does not say.
        offset_nm: place of the first voxel (z, y, x), nm; None if it does not say.
        source: what to call it in errors.
        version: changes with what the metadata, or a fixed time, say; None of files,
            which are known by their content.
    """

    array: Voxels
    resolution_nm: Place | None = None
    offset_nm: Place | None = None
    source: str = "array"
    version: str | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the array."""
        return self.array.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """Dtype of what `read` returns."""
        return self.array.dtype.newbyteorder("=")

    def read(self, box: Box = ()) -> NDArray[Any]:
        """Read a part, in this machine's byte order; all of it if no box is given.

        Raises:
            FileError: the box reaches out of the array, or a part is not there.
        """
        return np.asarray(self.array[self._inside(box)]).astype(self.dtype, copy=False)

    def _inside(self, box: Box) -> Box:
        """Return a box with all ends; NumPy would cut what reaches out."""
        ends = []
        for axis, length in enumerate(self.shape):
            part = box[axis] if axis < len(box) else slice(None)
            start = 0 if part.start is None else int(part.start)
            stop = length if part.stop is None else int(part.stop)
            if not 0 <= start <= stop <= length:
                raise FileError(
                    f"{self.source}: voxels {start}:{stop} of axis {axis} were asked "
                    f"for, but it has 0:{length}; name a box inside it"
                )
            ends.append(slice(start, stop))
        return tuple(ends)


@contextmanager
def refusing(source: str) -> Iterator[None]:
    """Turn whatever a reader of a foreign form raises into one line.

    Raises:
        FileError: names the source and the reason.
    """
    try:
        yield
    except FileError:
        raise
    except Exception as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise FileError(f"{source}: cannot be read ({reason})") from None


def no_such_array(path: object, inside: str, arrays: list[str]) -> FileError:
    """Return the error for a name inside a file that is missing or holds no array.

    Args:
        path: the file.
        inside: the name that was asked for; empty if none was.
        arrays: the arrays that are there, from `describe_array`.
    """
    found = f"no array {inside}; " if inside else ""
    listed = ", ".join(arrays[:20]) or "no arrays at all"
    return FileError(f"{path}: {found}write ::name after the file; it holds {listed}")


def describe_array(name: str, shape: tuple[int, ...], dtype: object) -> str:
    """Return a line such as ``volumes/raw (125, 1250, 1250) uint8``."""
    return f"{name} {shape} {dtype}"
