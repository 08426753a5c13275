"""Read and write files atomically, and arrays in lzma files.

Everything is written to a temporary name beside its target and renamed, so that a
reader never sees half a file and an interrupted run leaves nothing that looks done.
"""

import json
import lzma
import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from eyewire_validator.errors import FileError

# The xz preset of our own arrays: 0 is 1.1 times the size of 6 at a fifth of its time,
# and as small as 3 at half of its time (benchmarks/benchmark_volume.py).
XZ_PRESET = 0
# Bytes to unpack at a time: few enough to stay in the cache until they are moved.
PIECE = 1 << 18
# Memory that unpacking may take: twice the dictionary of Eyewire's files and of xz -9,
# 64 MiB. A header can ask for 4 GiB.
MEMORY = 1 << 27


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Yield a temporary path in the folder of ``path``; rename it when all went well.

    The temporary name keeps the suffix, for writers that look at it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(
        prefix=f".{path.stem}.", suffix=path.suffix, dir=path.parent
    )
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        temporary.chmod(0o644)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def check_writable(path: Path) -> None:
    """Make the folder of a file, and find out early whether it may be written.

    Raises:
        FileError: it is a folder, or its folder cannot be written to.
    """
    if path.is_dir():
        raise FileError(f"{path}: is a folder; name a file in it")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path.parent):
            pass
    except OSError as error:
        raise FileError(
            f"{path}: cannot be written ({error.strerror}); name another place"
        ) from None


def write_bytes(path: Path, content: bytes) -> None:
    """Write ``content`` to ``path``, whole or not at all."""
    with atomic_path(path) as temporary:
        temporary.write_bytes(content)


def write_text(path: Path, parts: Iterable[str]) -> None:
    """Write a text that comes in parts, whole or not at all."""
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8") as file:
        file.writelines(parts)


def write_json(path: Path, value: Any) -> None:
    """Write ``value`` as indented JSON; NaN is refused, write None instead."""
    text = json.dumps(value, indent=2, allow_nan=False)
    write_bytes(path, text.encode() + b"\n")


def write_packed_json(path: Path, value: Any) -> None:
    """Write ``value`` as xz-compressed JSON, for files that are seldom read."""
    write_bytes(path, lzma.compress(json.dumps(value).encode()))


def read_json(path: Path) -> Any:
    """Read a JSON file.

    Raises:
        FileError: the file is missing or not JSON.
    """
    try:
        return json.loads(path.read_bytes())
    except FileNotFoundError:
        raise FileError(f"{path}: no such file") from None
    except (ValueError, RecursionError) as error:
        raise FileError(f"{path}: not JSON ({error}); delete it and rerun") from None


def read_packed_json(path: Path) -> Any:
    """Read what `write_packed_json` wrote.

    Raises:
        FileError: the file is missing or damaged.
    """
    try:
        return json.loads(lzma.decompress(path.read_bytes()))
    except FileNotFoundError:
        raise FileError(f"{path}: no such file") from None
    except (lzma.LZMAError, ValueError) as error:
        raise FileError(f"{path}: damaged ({error}); delete it and rerun") from None


def write_array(path: Path, array: NDArray[Any]) -> None:
    """Write the C-order, little-endian bytes of ``array``, xz-compressed."""
    little_endian = np.ascontiguousarray(array).astype(
        array.dtype.newbyteorder("<"), copy=False
    )
    write_bytes(path, lzma.compress(little_endian.tobytes(), preset=XZ_PRESET))


def read_array(path: Path, shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
    """Read what `write_array` wrote, as a C-order array of this shape and dtype.

    Memory is bounded by the expected size: longer content is refused, not unpacked.

    Raises:
        FileError: the file is missing, damaged, or of another length.
    """
    expected = int(np.prod(shape)) * np.dtype(dtype).itemsize
    try:
        content = decompress(path.read_bytes(), expected)
    except FileNotFoundError:
        raise FileError(f"{path}: no such file") from None
    except FileError as error:
        raise FileError(f"{path}: {error}; delete it and rerun") from None
    return np.frombuffer(content, np.dtype(dtype).newbyteorder("<")).reshape(shape)


def decompress(content: bytes, expected: int) -> memoryview:
    """Unpack xz or LZMA-alone ``content`` of exactly ``expected`` bytes.

    Piece by piece: in one go, the lzma module would need twice the memory.

    Returns:
        The bytes, read-only.

    Raises:
        FileError: damaged, cut short, followed by other bytes, or of another length.
    """
    decompressor = lzma.LZMADecompressor(memlimit=MEMORY)
    unpacked, filled = memoryview(bytearray(expected)), 0
    try:
        piece = decompressor.decompress(content, PIECE)
        while piece and filled + len(piece) <= expected:
            unpacked[filled : filled + len(piece)] = piece
            filled += len(piece)
            piece = b"" if decompressor.eof else decompressor.decompress(b"", PIECE)
    except lzma.LZMAError as error:
        raise FileError(f"not lzma data ({error})") from None
    if piece:
        raise FileError(f"unpacks to more than the expected {expected} bytes")
    if not decompressor.eof:
        raise FileError(f"cut short: {filled} of {expected} bytes")
    if decompressor.unused_data:
        raise FileError(f"{len(decompressor.unused_data)} bytes follow the lzma data")
    if filled != expected:
        raise FileError(f"unpacks to {filled} bytes, expected {expected}")
    return unpacked.toreadonly()
