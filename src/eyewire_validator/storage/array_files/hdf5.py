"""Open arrays in HDF5 files, with the frame that CREMI's attributes give them."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eyewire_validator.errors import FileError
from eyewire_validator.storage.array_files.hdf5_storage import check_stored
from eyewire_validator.storage.array_files.opened import (
    OpenedArray,
    Place,
    describe_array,
    no_such_array,
)
from eyewire_validator.storage.files import atomic_path


def open_hdf5(path: Path, inside: str) -> OpenedArray:
    """Read a dataset, and its attributes ``resolution`` and ``offset`` (nm; z, y, x).

    Raises:
        FileError: there is no such dataset, parts of it are not there, or its
            attributes are no frame; otherwise whatever h5py does.
    """
    # Most runs meet no HDF5 and do without what reads it.
    import h5py

    with h5py.File(path, "r") as file:
        dataset = file.get(inside) if inside else None
        if not isinstance(dataset, h5py.Dataset):
            _refuse_link(path, file, inside)
            raise no_such_array(path, inside, _arrays_in(file))
        source = f"{path}::{inside}"
        if dataset.shape is None or dataset.dtype.kind not in "biuf":
            raise FileError(f"{source}: holds {dataset.dtype}, expected numbers")
        check_stored(source, dataset)
        resolution, offset = (
            _place(source, dataset, name) for name in ("resolution", "offset")
        )
        _check_frame(source, resolution, offset)
        return OpenedArray(np.asarray(dataset[()]), resolution, offset)


def write_hdf5(
    path: Path,
    name: str,
    array: NDArray[Any],
    resolution_nm: Place | None = None,
    offset_nm: Place | None = None,
) -> None:
    """Write one array, with its frame as `open_hdf5` reads it; whole or not at all.

    Args:
        path: the file.
        name: of the dataset.
        array: (z, y, x).
        resolution_nm: edges of a voxel (z, y, x).
        offset_nm: place of the first voxel (z, y, x).
    """
    import h5py

    with atomic_path(path) as temporary, h5py.File(temporary, "w") as file:
        dataset = file.create_dataset(name, data=array, compression="gzip")
        for key, place in (("resolution", resolution_nm), ("offset", offset_nm)):
            if place is not None:
                dataset.attrs[key] = place


def _refuse_link(path: Path, file: Any, inside: str) -> None:
    """Refuse a link that leads nowhere, which looks like a name that is missing."""
    if not inside or file.get(inside) is not None:
        return
    try:
        target = file.id.links.get_val(inside.encode())
    except (KeyError, RuntimeError, TypeError, ValueError):
        return
    names = [
        name.decode() for name in (target if isinstance(target, tuple) else [target])
    ]
    raise FileError(
        f"{path}::{inside}: is a link to {'::'.join(names)}, which is not there; "
        "bring it back or name another array"
    )


def _arrays_in(file: Any) -> list[str]:
    import h5py

    found: list[str] = []

    def note(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset):
            found.append(describe_array(name, item.shape, item.dtype))

    file.visititems(note)
    return found


def _place(source: str, dataset: Any, name: str) -> Place | None:
    """Return an attribute of three numbers, or None if there is none of that name."""
    if name not in dataset.attrs:
        return None
    value = np.asarray(dataset.attrs[name])
    if value.shape != (3,) or value.dtype.kind not in "iuf":
        raise FileError(
            f"{source}: its attribute {name} is {value.tolist()}, expected three "
            "numbers (z, y, x) in nm; write them or delete it"
        )
    z, y, x = (float(edge) for edge in value)
    return z, y, x


def _check_frame(source: str, resolution: Place | None, offset: Place | None) -> None:
    if resolution is None and offset is not None and any(offset):
        raise FileError(
            f"{source}: says an offset of {offset} nm but no resolution, so that it "
            "is not known how many voxels that are; write the attribute resolution"
        )
    if resolution is not None and not min(resolution) > 0:
        raise FileError(
            f"{source}: its attribute resolution is {resolution}, expected three "
            "numbers above 0 (z, y, x) in nm"
        )
