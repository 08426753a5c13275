"""Open slices in a folder, or that match a pattern, as one stack along z."""

import re
from glob import has_magic
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eyewire_validator.errors import FileError
from eyewire_validator.storage.array_files.opened import OpenedArray, refusing
from eyewire_validator.storage.array_files.tiff import open_tiff

TIFF = (".tif", ".tiff")
SUFFIXES = (*TIFF, ".png", ".jpg", ".jpeg")
# Pillow's names of 8, 16 and 32 bits of grey.
GREY = ("L", "I;16", "I;16B", "I")


def is_stack(name: str) -> bool:
    """Return whether a name is that of a folder or a pattern, not of a file."""
    path = Path(name)
    return path.is_dir() or (has_magic(name) and not path.is_file())


def slices_of(name: str) -> list[Path]:
    """Return the files of a folder or pattern, by name."""
    path = Path(name)
    if path.is_dir():
        found = [p for p in path.iterdir() if p.suffix.lower() in SUFFIXES]
    else:
        root = Path(path.anchor)
        found = list(root.glob(str(path.relative_to(root))))
    return sorted(p for p in found if p.is_file() and not p.name.startswith("."))


def open_stack(name: str) -> OpenedArray:
    """Read slices of one grey image each, in the order of the number in their names.

    Returns:
        (z, y, x).

    Raises:
        FileError: there are none, a number is missing or twice there, or a slice is in
            colour, or of another shape or dtype than the first.
    """
    slices = _in_order(name, slices_of(name))
    first = read_slice(slices[0])
    stack = np.empty((len(slices), *first.shape), first.dtype)
    for z, path in enumerate(slices):
        section = read_slice(path)
        if section.shape != first.shape or section.dtype != first.dtype:
            raise FileError(
                f"{path}: is {section.shape} {section.dtype}, but {slices[0]} is "
                f"{first.shape} {first.dtype}; expected slices of one shape and dtype"
            )
        stack[z] = section
    return OpenedArray(stack)


def read_slice(path: Path) -> NDArray[Any]:
    """Read a grey image (y, x) in this machine's byte order.

    Raises:
        FileError: it cannot be read, is in colour, or holds several images.
    """
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise FileError(f"{path}: no slice; expected one of {', '.join(SUFFIXES)}")
    with refusing(str(path)):
        section = open_tiff(path).read() if suffix in TIFF else _read_picture(path)
    if section.ndim != 2:
        raise FileError(f"{path}: is {section.shape}, expected one slice, (y, x)")
    return section


def _read_picture(path: Path) -> NDArray[Any]:
    # Most runs meet no slices and do without what reads them.
    from PIL import Image

    with Image.open(path) as image:
        if image.mode not in GREY or getattr(image, "n_frames", 1) > 1:
            raise FileError(
                f"{path}: is of mode {image.mode}, expected one image in grey "
                f"({', '.join(GREY)}); convert it first"
            )
        array = np.asarray(image)
    return array.astype(array.dtype.newbyteorder("="), copy=False)


def _in_order(name: str, slices: list[Path]) -> list[Path]:
    if not slices:
        raise FileError(
            f"{name}: no slices there; expected files of {', '.join(SUFFIXES)}, "
            "with a number each"
        )
    parts = [re.split(r"(\d+)", str(path)) for path in slices]
    for path, other in zip(slices, parts, strict=True):
        if other[::2] != parts[0][::2]:
            raise FileError(
                f"{name}: {path.name} and {slices[0].name} differ by more than a "
                "number; name the slices of one stack by a pattern, such as z*.png"
            )
    columns = zip(*(map(int, part[1::2]) for part in parts), strict=True)
    changing = [column for column in columns if len(set(column)) > 1]
    if len(changing) > 1:
        raise FileError(
            f"{name}: {len(changing)} numbers differ in the names of its slices, such "
            f"as {slices[0].name} and {slices[-1].name}; expected one, along z; name "
            "the slices of one stack by a pattern, such as z*.png"
        )
    numbers = changing[0] if changing else range(1) if len(slices) == 1 else [0, 0]
    numbered = sorted(zip(numbers, slices, strict=False))
    for (one, path), (other, following) in pairwise(numbered):
        if other != one + 1:
            _refuse_gap(name, one, path, other, following)
    return [path for _, path in numbered]


def _refuse_gap(name: str, one: int, path: Path, other: int, following: Path) -> None:
    found = f"{path.name} is followed by {following.name}"
    if other == one:
        raise FileError(f"{name}: {found}, of the same number; take one of them away")
    raise FileError(
        f"{name}: {found}, so {other - one - 1} slices are missing between them; add "
        "them (grey 0 and label 0 where there is nothing), or number them anew"
    )
