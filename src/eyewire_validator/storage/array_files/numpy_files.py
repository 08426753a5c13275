"""Open arrays in NumPy's own files: .npy, mapped to memory, and .npz."""

from pathlib import Path
from typing import IO
from zipfile import ZipFile

import numpy as np

from eyewire_validator.storage.array_files.opened import (
    OpenedArray,
    describe_array,
    no_such_array,
)

SUFFIX = ".npy"


def open_npy(path: Path) -> OpenedArray:
    """Map a .npy file to memory; raises whatever NumPy does."""
    return OpenedArray(np.lib.format.open_memmap(path, mode="r"))


def open_npz(path: Path, inside: str) -> OpenedArray:
    """Read an array of a .npz file, to the end, so that its checksum is compared.

    Raises:
        FileError: it holds no such array; otherwise whatever NumPy does.
    """
    with ZipFile(path) as archive:
        names = [name.removesuffix(SUFFIX) for name in archive.namelist()]
        if inside not in names:
            raise no_such_array(path, inside, [_describe(archive, n) for n in names])
        with archive.open(archive.namelist()[names.index(inside)]) as file:
            array = np.lib.format.read_array(file, allow_pickle=False)
            file.read()
    return OpenedArray(array)


def _describe(archive: ZipFile, name: str) -> str:
    try:
        with archive.open(name + SUFFIX) as file:
            return describe_array(name, *_header(file))
    except (KeyError, ValueError):
        return f"{name} (no array)"


def _header(file: IO[bytes]) -> tuple[tuple[int, ...], object]:
    version = np.lib.format.read_magic(file)
    is_first = version == (1, 0)
    shape, _, dtype = (
        np.lib.format.read_array_header_1_0(file)
        if is_first
        else np.lib.format.read_array_header_2_0(file)
    )
    return shape, dtype
