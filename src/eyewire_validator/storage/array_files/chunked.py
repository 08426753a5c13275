"""Open what a folder of chunks holds as an array (z, y, x)."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eyewire_validator.errors import FileError
from eyewire_validator.storage.array_files.blocks import Ask, Blocks, Wait
from eyewire_validator.storage.array_files.folder import Folder
from eyewire_validator.storage.array_files.opened import Box, OpenedArray
from eyewire_validator.storage.array_files.pyramids import Level
from eyewire_validator.storage.files import write_json
from eyewire_validator.storage.hashes import settings_hash

AXES = ("z", "y", "x")
Confirm = Callable[[Box, NDArray[Any]], None]


def open_chunked(
    folder: Folder,
    spec: Mapping[str, Any],
    axes: tuple[str, ...],
    level: Level,
    options: Mapping[str, str],
    confirm: Confirm | None = None,
) -> OpenedArray:
    """Open an array by tensorstore.

    Args:
        folder: that of the array.
        spec: its driver, and what that needs to know.
        axes: names of its axes, in the order of tensorstore; x, y, z and others.
        level: how large its voxels are and where they lie.
        options: of the source; ``missing=fill`` reads chunks that are not there.
        confirm: refuses a box inside one chunk whose voxels are not those stored.

    Raises:
        FileError: it cannot be opened, or has other axes.
    """
    import tensorstore as ts

    fills = _fills(folder.source, options)
    spec = {**spec, "kvstore": folder.store(), "fill_missing_data_reads": fills}
    try:
        opening = ts.open(spec, context=folder.context(), read=True, open=True)
        array = opening.result(timeout=folder.access.time_limit_s)
    except Exception as error:
        raise folder.failed("cannot be opened", error) from None
    array = _in_order(folder.source, array, axes)
    # A fixed name of what is read: whoever changes the data in place is not noticed.
    version = settings_hash([folder.source, fills, array.spec().to_json()])
    blocks = Blocks(
        tuple(array.shape),
        np.dtype(array.dtype.numpy_dtype),
        tuple(array.chunk_layout.read_chunk.shape),
        _asking(folder, array, None if fills else confirm),
        folder.access,
        kept_in(folder.access.cache, folder.source, version, folder.is_local),
        is_paced=not folder.is_local,
    )
    return OpenedArray(
        blocks, level.resolution_nm, level.offset_nm, folder.source, version
    )


def kept_in(
    cache: Path | None, source: str, version: str, is_local: bool
) -> Path | None:
    """Return the folder for the blocks of a source; None if they are not kept."""
    if cache is None or is_local:
        return None
    kept = cache / version
    if not (kept / "source.json").is_file():
        write_json(kept / "source.json", {"source": source, "version": version})
    return kept


def _fills(source: str, options: Mapping[str, str]) -> bool:
    missing = options.get("missing", "refuse")
    if missing not in ("refuse", "fill"):
        raise FileError(
            f"{source}: ?missing={missing}, expected refuse (chunks that are not there "
            "are an error) or fill (they hold the fill value, as their writer says)"
        )
    return missing == "fill"


def _in_order(source: str, array: Any, axes: tuple[str, ...]) -> Any:
    """Drop axes of length 1, bring the others to z, y, x, counted from 0."""
    if len(axes) != array.rank or not set(AXES) <= set(axes):
        raise FileError(
            f"{source}: has the axes {', '.join(axes)} and {array.rank} dimensions, "
            "expected z, y, x, each once, and others of length 1"
        )
    for axis, length in zip(axes, array.shape, strict=True):
        if axis not in AXES and length != 1:
            raise FileError(
                f"{source}: its axis {axis} has length {length}, expected 1; save the "
                "part to be read as an array of its own"
            )
    for position in range(len(axes) - 1, -1, -1):
        if axes[position] not in AXES:
            first = array.domain.origin[position]
            array = array[(slice(None),) * position + (first,)]
    spatial = [axis for axis in axes if axis in AXES]
    ordered = array.transpose([spatial.index(axis) for axis in AXES])
    import tensorstore as ts

    return ordered[ts.d[:].translate_to[0]]


def _asking(folder: Folder, array: Any, confirm: Confirm | None) -> Ask:
    def ask(box: Box) -> Wait:
        future = array[box].read()

        def wait() -> NDArray[Any]:
            try:
                voxels = np.asarray(future.result(timeout=folder.access.time_limit_s))
                if confirm is not None:
                    confirm(box, voxels)
            except FileError:
                raise
            except Exception as error:
                future.cancel()
                raise _unread(folder, box, error) from None
            return voxels

        return wait

    return ask


def _unread(folder: Folder, box: Box, error: BaseException) -> FileError:
    """Name the part that was not read, and the reason."""
    part = ", ".join(
        f"{axis} {one.start}:{one.stop}" for axis, one in zip(AXES, box, strict=True)
    )
    if "NOT_FOUND" in str(error) or "is missing" in str(error):
        return FileError(
            f"{folder.source}: a chunk of {part} is not there; choose another box or "
            "level, or, if its writer leaves out chunks that hold nothing, add "
            "?missing=fill"
        )
    return folder.failed(f"voxels {part}", error)
