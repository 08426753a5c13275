"""Open arrays in common file formats: .npy, .npz, .tif and .h5."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eyewire_validator.errors import FileError

SUFFIXES = (".npy", ".npz", ".tif", ".tiff", ".h5", ".hdf5")


def open_array(source: str) -> NDArray[Any]:
    """Open ``path`` or ``path::name``; .npy and plain .tif are mapped to memory.

    Raises:
        FileError: the file is missing, of an unknown form, or has no such array.
    """
    name, _, inside = source.partition("::")
    path = Path(name)
    if not path.is_file():
        raise FileError(f"{path}: no such file; check its name in the config")
    try:
        return _open(path, inside)
    except (OSError, ValueError, KeyError) as error:
        raise FileError(f"{source}: cannot be read ({error})") from None


def _open(path: Path, inside: str) -> NDArray[Any]:
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise FileError(f"{path}: not one of {', '.join(SUFFIXES)}")
    if (suffix in (".npz", ".h5", ".hdf5")) != bool(inside):
        raise FileError(
            f"{path}: {'write' if not inside else 'leave out'} ::name; .npz and .h5 "
            "files hold arrays by name, the others hold one"
        )
    if suffix == ".npy":
        array: NDArray[Any] = np.load(path, mmap_mode="r")
    elif suffix == ".npz":
        with np.load(path) as archive:
            array = archive[inside]
    elif suffix in (".tif", ".tiff"):
        array = _open_tiff(path)
    else:
        array = _read_hdf5(path, inside)
    return array


def _open_tiff(path: Path) -> NDArray[Any]:
    # Most runs meet no TIFF and no HDF5, and do without what reads them.
    import tifffile

    try:
        mapped: NDArray[Any] = tifffile.memmap(path, mode="r")
    except tifffile.TiffFileError as error:
        raise ValueError(str(error)) from None
    except ValueError:
        # Compressed or scattered: it has to be read.
        return tifffile.imread(path)
    return mapped


def _read_hdf5(path: Path, inside: str) -> NDArray[Any]:
    import h5py

    with h5py.File(path) as file:
        array: NDArray[Any] = file[inside][()]
    return array
