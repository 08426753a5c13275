"""Open arrays in common forms: .npy, .npz, TIFF, HDF5, and slices in a folder.

Whatever is opened is there as a whole: what a reader would fill up with zeros is
refused.
"""

from pathlib import Path

from eyewire_validator.errors import FileError
from eyewire_validator.storage.array_files.hdf5 import open_hdf5
from eyewire_validator.storage.array_files.numpy_files import open_npy, open_npz
from eyewire_validator.storage.array_files.opened import (
    Box,
    OpenedArray,
    Place,
    refusing,
)
from eyewire_validator.storage.array_files.stacks import (
    is_stack,
    open_stack,
    slices_of,
)
from eyewire_validator.storage.array_files.tiff import open_tiff

__all__ = [
    "Box",
    "OpenedArray",
    "Place",
    "files_of",
    "may_say_resolution",
    "open_array",
]

OF_ONE_ARRAY = {".npy": open_npy, ".tif": open_tiff, ".tiff": open_tiff}
OF_NAMED_ARRAYS = {
    ".npz": open_npz,
    ".h5": open_hdf5,
    ".hdf5": open_hdf5,
    ".hdf": open_hdf5,
}


def open_array(source: str) -> OpenedArray:
    """Open ``path``, ``path::name``, a folder of slices, or a pattern of their names.

    .npy and plain TIFF are mapped to memory, all else is read.

    Raises:
        FileError: what is named is missing, of an unknown form, damaged, or not there
            as a whole; or it holds no numbers.
    """
    with refusing(source):
        opened = _open(source)
    if opened.dtype.kind not in "biuf":
        raise FileError(f"{source}: holds {opened.dtype}, expected numbers")
    return opened


def files_of(source: str) -> list[str]:
    """Return the files that a source names: one, or the slices of a folder or pattern.

    What does not exist is returned as it is named.
    """
    name = source.partition("::")[0]
    slices = slices_of(name) if is_stack(name) else []
    return [str(path) for path in slices] or [name]


def may_say_resolution(source: str) -> bool:
    """Return whether a file of this form can say how large its voxels are."""
    suffix = Path(source.partition("::")[0]).suffix.lower()
    return OF_NAMED_ARRAYS.get(suffix) is open_hdf5


def _open(source: str) -> OpenedArray:
    name, _, inside = source.partition("::")
    path, suffix = Path(name), Path(name).suffix.lower()
    if is_stack(name):
        return open_stack(name)
    if not path.is_file():
        raise FileError(f"{path}: no such file; check its name in the config")
    if suffix in OF_NAMED_ARRAYS:
        return OF_NAMED_ARRAYS[suffix](path, inside)
    if suffix not in OF_ONE_ARRAY:
        known = ", ".join([*OF_ONE_ARRAY, *OF_NAMED_ARRAYS])
        raise FileError(f"{path}: not one of {known}, nor a folder of slices")
    if inside:
        raise FileError(f"{path}: holds one array; leave out ::{inside}")
    return OF_ONE_ARRAY[suffix](path)
