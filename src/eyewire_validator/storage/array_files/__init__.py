"""Open arrays in common forms: files, slices in a folder, and chunks at an address.

Whatever is opened is there as a whole: what a reader would fill up with zeros is
refused, of files when they are opened, of chunks when a box is read.
"""

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from eyewire_validator.errors import FileError
from eyewire_validator.storage.array_files.access import Access
from eyewire_validator.storage.array_files.graphene import open_graphene
from eyewire_validator.storage.array_files.grey_range import InRange
from eyewire_validator.storage.array_files.hdf5 import open_hdf5
from eyewire_validator.storage.array_files.n5 import open_n5
from eyewire_validator.storage.array_files.named import Named, grey_range, parse
from eyewire_validator.storage.array_files.numpy_files import open_npy, open_npz
from eyewire_validator.storage.array_files.ome_zarr import open_zarr
from eyewire_validator.storage.array_files.opened import (
    Box,
    OpenedArray,
    Place,
    refusing,
)
from eyewire_validator.storage.array_files.precomputed import open_precomputed
from eyewire_validator.storage.array_files.pyramids import (
    NoSuchLevelError,
    is_same_size,
    shown,
)
from eyewire_validator.storage.array_files.stacks import (
    is_stack,
    open_stack,
    slices_of,
)
from eyewire_validator.storage.array_files.tiff import open_tiff

__all__ = [
    "Access",
    "Box",
    "NoSuchLevelError",
    "OpenedArray",
    "Place",
    "files_of",
    "is_same_size",
    "may_say_resolution",
    "open_array",
    "shown",
]

OF_ONE_ARRAY = {".npy": open_npy, ".tif": open_tiff, ".tiff": open_tiff}
OF_NAMED_ARRAYS = {
    ".npz": open_npz,
    ".h5": open_hdf5,
    ".hdf5": open_hdf5,
    ".hdf": open_hdf5,
}
Open = Callable[[Named, Place | None, Access], OpenedArray]
OF_CHUNKS: dict[str, Open] = {
    "zarr": open_zarr,
    "precomputed": open_precomputed,
    "n5": open_n5,
    "graphene": open_graphene,
}

# Files in the folder of an array, or of a group, of chunks.
METADATA = {
    "zarr": (".zarray", ".zgroup", "zarr.json"),
    "precomputed": ("info",),
    "n5": ("attributes.json",),
}


def open_array(
    source: str, voxel_nm: Place | None = None, access: Access | None = None
) -> OpenedArray:
    """Open an array by its name; docs/sources.md lists the forms.

    .npy and plain TIFF are mapped to memory, chunks are read when a box is, all else is
    read at once.

    Args:
        source: ``path``, ``path::name``, a folder of slices or a pattern of their
            names, or ``zarr://``, ``precomputed://``, ``n5://`` or ``graphene://``
            before a path or address; ``?range=low,high`` after it reads grey values as
            uint8.
        voxel_nm: edges of a voxel (z, y, x), nm: chooses the level of a pyramid.
        access: how to ask for what lies elsewhere.

    Raises:
        NoSuchLevelError: nothing there has voxels of that size, within 1 %.
        FileError: what is named is missing, of an unknown form, damaged, or not there
            as a whole; or it holds no numbers.
    """
    named = parse(source)
    with refusing(named.plain):
        opened = _open(named, voxel_nm, access or Access())
    if opened.dtype.kind not in "biuf":
        raise FileError(f"{named.plain}: holds {opened.dtype}, expected numbers")
    _check_size(named.plain, opened.resolution_nm, voxel_nm)
    if stated := grey_range(named):
        return replace(opened, array=InRange(opened.array, *stated, named.plain))
    return opened


def files_of(source: str) -> list[str]:
    """Return the files that a source names, on this disk.

    One, or the slices of a folder or pattern, or all of a folder of chunks; none if it
    lies elsewhere. What does not exist is returned as it is named.
    """
    named = parse(source)
    path = Path(named.location.removeprefix("file://"))
    if named.form and "://" in str(named.location).removeprefix("file://"):
        return []
    if named.form:
        return sorted(str(file) for file in path.rglob("*") if file.is_file()) or [
            str(path)
        ]
    slices = slices_of(named.location) if is_stack(named.location) else []
    return [str(file) for file in slices] or [named.location]


def may_say_resolution(source: str) -> bool:
    """Return whether an array of this form can say how large its voxels are."""
    named = parse(source)
    suffix = Path(named.location).suffix.lower()
    return bool(named.form) or OF_NAMED_ARRAYS.get(suffix) is open_hdf5


def _open(named: Named, voxel_nm: Place | None, access: Access) -> OpenedArray:
    if named.form:
        return OF_CHUNKS[named.form](named, voxel_nm, access)
    return replace(_open_file(named), source=named.plain)


def _open_file(named: Named) -> OpenedArray:
    name, inside = named.location, named.inside
    path, suffix = Path(name), Path(name).suffix.lower()
    _refuse_chunks(named)
    if is_stack(name):
        return open_stack(name)
    if not path.is_file():
        raise FileError(f"{path}: no such file; check its name")
    if suffix in OF_NAMED_ARRAYS:
        return OF_NAMED_ARRAYS[suffix](path, inside)
    if suffix not in OF_ONE_ARRAY:
        known = ", ".join([*OF_ONE_ARRAY, *OF_NAMED_ARRAYS])
        forms = ", ".join(f"{form}://" for form in OF_CHUNKS)
        raise FileError(
            f"{path}: not one of {known}, nor a folder of slices; {forms} before the "
            "name reads chunks"
        )
    if inside:
        raise FileError(f"{path}: holds one array; leave out ::{inside}")
    return OF_ONE_ARRAY[suffix](path)


def _refuse_chunks(named: Named) -> None:
    """Refuse a folder of chunks whose form is not named."""
    for form, files in METADATA.items():
        if any(Path(named.location, file).is_file() for file in files):
            raise FileError(
                f"{named.plain}: holds chunks; write {form}://{named.plain}"
            )


def _check_size(source: str, found: Place | None, expected: Place | None) -> None:
    """Refuse sizes of voxels that are none, or another than is asked for."""
    if found is None:
        return
    if not all(0 < edge < math.inf for edge in found):
        raise FileError(
            f"{source}: says that its voxels are {shown(found)} nm, expected three "
            "numbers above 0; correct its metadata"
        )
    if expected is not None and not is_same_size(found, expected):
        raise NoSuchLevelError(
            f"{source}: its voxels are {shown(found)} nm (z, y, x), not "
            f"{shown(expected)} nm; correct one of them, or name another level"
        )
