"""Open arrays in TIFF files, where their form allows it mapped to memory."""

import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eyewire_validator.errors import FileError
from eyewire_validator.storage.array_files.opened import OpenedArray

UNCOMPRESSED = 1


def open_tiff(path: Path) -> OpenedArray:
    """Open the one image of a TIFF file, (pages, y, x) or (y, x).

    Raises:
        FileError: it holds several images or colours, or parts of it are not there;
            otherwise whatever tifffile does.
    """
    # Most runs meet no TIFF and do without what reads it.
    import tifffile

    with tifffile.TiffFile(path) as file:
        _check_series(path, file)
        series = file.series[0]
        _check_pages(path, file, series)
        _check_data(path, series)
    return OpenedArray(_map_or_read(path))


def _map_or_read(path: Path) -> NDArray[Any]:
    import tifffile

    try:
        mapped: NDArray[Any] = tifffile.memmap(path, mode="r")
    except tifffile.TiffFileError:
        raise
    except ValueError:
        # Compressed or scattered: it has to be read.
        return np.asarray(tifffile.imread(path))
    return mapped


def _check_series(path: Path, file: Any) -> None:
    found = [f"{series.shape} {series.dtype}" for series in file.series]
    if len(found) != 1:
        raise FileError(
            f"{path}: holds {len(found)} images, {', '.join(found) or 'none'}; "
            "expected one stack; save each as a file of its own"
        )
    if "S" in file.series[0].axes:
        raise FileError(
            f"{path}: is in colour ({found[0]}), expected grey; convert it first"
        )


def _check_pages(path: Path, file: Any, series: Any) -> None:
    """Refuse pages that are lost, or that would be left out without a word."""
    if any(page is None for page in series.pages):
        names = re.findall(r'FileName="([^"]+)"', file.ome_metadata or "")
        gone = sorted({name for name in names if not (path.parent / name).is_file()})
        raise FileError(
            f"{path}: some of its pages lie in {', '.join(gone) or 'other files'}, "
            "which are not there; bring all files of the stack back"
        )
    pages, planes = len(file.pages), series.size // max(series.keyframe.size, 1)
    declared = (file.imagej_metadata or {}).get("images", planes)
    if pages > planes or declared > planes:
        raise FileError(
            f"{path}: says that it is {series.shape}, but holds {pages} pages and "
            f"names {declared}; is it cut short? save it again as one stack"
        )
    file.filehandle.seek(file.pages.next_page_offset)
    raw = file.filehandle.read(file.tiff.offsetsize)
    if len(raw) < file.tiff.offsetsize or any(raw):
        raise FileError(
            f"{path}: the list of its pages breaks off after {pages}; is it cut short? "
            "copy it again"
        )


def _check_data(path: Path, series: Any) -> None:
    """Refuse strips and tiles that are empty or lie beyond the end of the file."""
    if series.dataoffset is not None:
        size = series.keyframe.parent.filehandle.size
        _check_end(path, series.dataoffset + series.nbytes, size)
        return
    for number, page in enumerate(series.pages):
        counts, offsets = page.databytecounts, page.dataoffsets
        empty = sum(not count for count in counts)
        if empty or not counts:
            raise FileError(
                f"{path}: page {number} lacks {empty} of {len(counts)} strips or "
                "tiles, which would read as 0; let its writer finish"
            )
        ends = [a + b for a, b in zip(offsets, counts, strict=False)]
        _check_end(path, max(ends), page.parent.filehandle.size)
        is_plain = page.keyframe.compression == UNCOMPRESSED
        if is_plain and sum(counts) < page.keyframe.nbytes:
            raise FileError(
                f"{path}: page {number} holds {sum(counts)} of "
                f"{page.keyframe.nbytes} bytes, and the others would read as 0"
            )


def _check_end(path: Path, end: int, size: int) -> None:
    if end > size:
        raise FileError(
            f"{path}: is cut short: its voxels reach to byte {end}, it has {size}; "
            "copy it again"
        )
