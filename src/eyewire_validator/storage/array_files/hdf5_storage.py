"""Refuse HDF5 datasets of which a part is not there: HDF5 reads it as fill values."""

import math
from itertools import product
from pathlib import Path
from typing import Any

from eyewire_validator.errors import FileError


def check_stored(source: str, dataset: Any) -> None:
    """Refuse a dataset that cannot be read as a whole.

    Args:
        source: what to call it, ``file::name``.
        dataset: `h5py.Dataset`; virtual ones are followed to their sources.

    Raises:
        FileError: names what is missing: chunks or voxels that were never written,
            external files, sources of a virtual dataset, or a filter.
    """
    if not dataset.size:
        return
    if dataset.is_virtual:
        _check_sources(source, dataset)
    elif dataset.external:
        _check_external(source, dataset)
    elif dataset.chunks:
        _check_filters(source, dataset)
        _check_chunks(source, dataset)
    elif not dataset.id.get_storage_size():
        raise FileError(
            f"{source}: was made but never written, and would read as "
            f"{dataset.fillvalue}; let its writer finish"
        )


def _check_filters(source: str, dataset: Any) -> None:
    import h5py

    made = dataset.id.get_create_plist()
    for index in range(made.get_nfilters()):
        code, _, _, name = made.get_filter(index)
        if not h5py.h5z.filter_avail(code):
            raise FileError(
                f"{source}: cannot be read (compressed by filter {code}, "
                f"{name.decode(errors='replace') or 'unnamed'}, which is not here; "
                "install hdf5plugin and set HDF5_PLUGIN_PATH to the folder that its "
                "PLUGIN_PATH names, or write the array again with gzip)"
            )


def _check_chunks(source: str, dataset: Any) -> None:
    steps = [
        range(0, length, edge)
        for length, edge in zip(dataset.shape, dataset.chunks, strict=True)
    ]
    count, written = math.prod(map(len, steps)), dataset.id.get_num_chunks()
    if written >= count:
        return
    found: set[tuple[int, ...]] = set()
    dataset.id.chunk_iter(lambda chunk: found.add(chunk.chunk_offset))
    first = next(corner for corner in product(*steps) if corner not in found)
    raise FileError(
        f"{source}: {count - written} of {count} chunks were never written and would "
        f"read as {dataset.fillvalue}, the first at {first}; let its writer finish, or "
        f"write them if that is meant: file['{dataset.name}'][...] = "
        f"file['{dataset.name}'][...]"
    )


def _check_external(source: str, dataset: Any) -> None:
    """Refuse raw data in other files that are gone or too short."""
    there = 0
    for name, offset, size in dataset.external:
        path = Path(name)
        if not path.is_file():
            raise FileError(
                f"{source}: its data lie in {path}, which is not there; bring it back "
                "(a relative name counts from the working directory)"
            )
        there += min(size, max(path.stat().st_size - offset, 0))
    if there < dataset.nbytes:
        files = ", ".join(name for name, _, _ in dataset.external)
        raise FileError(
            f"{source}: {files} hold {there} of its {dataset.nbytes} bytes, and the "
            "others would read as 0; bring the whole files back"
        )


def _check_sources(source: str, dataset: Any) -> None:
    """Refuse a virtual dataset whose sources do not cover it."""
    covered = 0
    for mapping in dataset.virtual_sources():
        covered += _mapped_voxels(source, mapping)
        _check_source(source, dataset, mapping)
    if covered < dataset.size:
        raise FileError(
            f"{source}: its sources cover {covered} of {dataset.size} voxels, and the "
            f"others would read as {dataset.fillvalue}; map all of it, or copy it to a "
            "dataset of its own"
        )


def _mapped_voxels(source: str, mapping: Any) -> int:
    import h5py

    space = mapping.vspace
    is_slab = (
        space.get_select_type() == h5py.h5s.SEL_HYPERSLABS
        and space.is_regular_hyperslab()
    )
    slab = space.get_regular_hyperslab() if is_slab else ()
    if "%b" in mapping.file_name or any(h5py.h5s.UNLIMITED in part for part in slab):
        raise FileError(
            f"{source}: is mapped to {mapping.file_name} without limit, so that nobody "
            "can see whether all of it is there; copy it to a dataset of its own"
        )
    return int(space.get_select_npoints())


def _check_source(source: str, dataset: Any, mapping: Any) -> None:
    import h5py

    path = _file_of(Path(dataset.file.filename), mapping.file_name)
    named = f"{path}::{mapping.dset_name}"
    if not path.is_file():
        raise FileError(
            f"{source}: is a view of {named}, but there is no such file; bring it back "
            "or name the array that holds the data"
        )
    with h5py.File(path, "r") as file:
        found = file.get(mapping.dset_name)
        if not isinstance(found, h5py.Dataset):
            raise FileError(
                f"{source}: is a view of {named}, but that file holds no such array"
            )
        if not _holds(found.shape, mapping):
            raise FileError(
                f"{source}: is a view of {named} that reaches beyond its shape "
                f"{found.shape}; bring the whole array back"
            )
        check_stored(f"{source} (a view of {named})", found)


def _holds(shape: tuple[int, ...], mapping: Any) -> bool:
    """Return whether an array of a shape holds all that a view maps of it."""
    import h5py

    selected = mapping.src_space
    if selected.get_select_type() == h5py.h5s.SEL_ALL:
        return math.prod(shape) >= int(mapping.vspace.get_select_npoints())
    _, last = selected.get_select_bounds()
    return all(end < length for end, length in zip(last, shape, strict=True))


def _file_of(viewer: Path, name: str) -> Path:
    """Return the file that HDF5 would take for a name in a virtual dataset."""
    if name == ".":
        return viewer
    places = [viewer.parent / name, Path(name), viewer.resolve().parent / name]
    return next((place for place in places if place.is_file()), places[0])
