"""Bring arrays with places of their own to one grid, by nm and never by index."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from eyewire_validator.errors import SandboxError
from eyewire_validator.storage.array_files import (
    Access,
    NoSuchLevelError,
    OpenedArray,
    Place,
    open_array,
    shown,
)
from eyewire_validator.volumes.geometry import Corner, Edges

# Parts of a voxel by which a place, or of itself by which an edge, may be inexact.
TOLERANCE = 1e-3


class Frame(NamedTuple):
    """The edges of a voxel and the place of the first one, nm (z, y, x)."""

    resolution_nm: Place
    offset_nm: Place


@dataclass(frozen=True)
class CommonPart:
    """Hold the part that all arrays cover.

    Args:
        shape: of the part (z, y, x), voxels.
        corners: where it starts in each array (z, y, x), voxels.
    """

    shape: Edges
    corners: dict[str, Corner]


def open_on_one_grid(
    sources: Mapping[str, str],
    voxel_nm: Place | None = None,
    access: Access | None = None,
) -> dict[str, OpenedArray]:
    """Open arrays; of pyramids, the levels whose voxels are of one size.

    The first array that is not called image says the size, unless it is asked for.

    Args:
        sources: see `open_array`, by what to call them in errors.
        voxel_nm: edges of a voxel (z, y, x), nm, that are asked for.
        access: how to ask for what lies elsewhere.

    Raises:
        FileError: one cannot be opened, or has voxels of another size than asked for.
        SandboxError: one has no level that fits the others.
    """
    leader = next((name for name in sources if name != "image"), "image")
    first = open_array(sources[leader], voxel_nm, access)
    size = voxel_nm or first.resolution_nm
    opened = {leader: first}
    for name in sources:
        if name == leader:
            continue
        try:
            opened[name] = open_array(sources[name], size, access)
        except NoSuchLevelError as error:
            if voxel_nm:
                raise
            raise SandboxError(
                f"{name} does not fit {leader} ({first.source}, voxels of "
                f"{shown(size or (0, 0, 0))} nm at "
                f"{shown(first.offset_nm or (0, 0, 0))} nm): {error}"
            ) from None
    return {name: opened[name] for name in sources}


def check_dtypes(arrays: Mapping[str, OpenedArray]) -> None:
    """Refuse an image that is not uint8, and ids that are no integers.

    Raises:
        SandboxError: names the array.
    """
    for name, array in arrays.items():
        is_image = name == "image"
        if np.issubdtype(array.dtype, np.uint8 if is_image else np.integer):
            continue
        expected = (
            "uint8; state which of its grey values become 0 and 255, such as "
            "?range=0,4095 after its name"
            if is_image
            else "integers; convert it first"
        )
        raise SandboxError(
            f"{name}: {array.source} holds {array.dtype}, expected {expected}"
        )


def common_part(
    arrays: Mapping[str, OpenedArray], key: str = "sandbox.files"
) -> CommonPart:
    """Find the part that all arrays cover.

    An array with a resolution lies at its offset, or at 0 if it says none, as in
    CREMI's files. One without lies where the others do, if all are of one shape.

    Args:
        arrays: by what to call them in errors.
        key: what to call all of them in errors.

    Raises:
        SandboxError: the shapes differ and a place is not known, the resolutions or
            parts of a voxel in the offsets differ, or nothing is covered by all.
    """
    shapes = {name: array.shape for name, array in arrays.items()}
    placed = {
        name: Frame(array.resolution_nm, array.offset_nm or (0, 0, 0))
        for name, array in arrays.items()
        if array.resolution_nm is not None
    }
    starts = _starts(placed, key)
    is_one_shape = len(set(shapes.values())) == 1
    is_aligned = is_one_shape and not any(start.any() for start in starts.values())
    is_known = is_aligned or len(placed) == len(arrays)
    if not is_known or {len(shape) for shape in shapes.values()} != {3}:
        without = ", ".join(name for name in arrays if name not in placed) or "none"
        raise SandboxError(
            f"{key}: the shapes are {shapes}; expected one, (z, y, x), or HDF5 "
            "datasets that say where they lie, by the attributes resolution and offset "
            f"in nm (without: {without})"
        )
    starts = {name: starts.get(name, np.zeros(3, int)) for name in arrays}
    low = np.max([*starts.values()], axis=0)
    high = np.min([starts[name] + shapes[name] for name in arrays], axis=0)
    if (high <= low).any():
        where = {name: start.tolist() for name, start in starts.items()}
        raise SandboxError(
            f"{key}: arrays of shape {shapes} that start at {where} voxels "
            "have no part in common; check their attribute offset"
        )
    corners = {name: _corner(low - start) for name, start in starts.items()}
    return CommonPart(_corner(high - low), corners)


def _starts(placed: Mapping[str, Frame], key: str) -> dict[str, NDArray[np.int64]]:
    """Return where arrays start, in voxels from where the first of them does."""
    starts: dict[str, NDArray[np.int64]] = {}
    first = next(iter(placed), "")
    for name, frame in placed.items():
        edges, expected = frame.resolution_nm, placed[first].resolution_nm
        if not np.allclose(edges, expected, rtol=TOLERANCE, atol=0):
            raise SandboxError(
                f"{key}: voxels of {name} are {edges} nm, those of {first} "
                f"{expected} nm; resample one of them, or correct its resolution"
            )
        offset, origin = frame.offset_nm, placed[first].offset_nm
        steps = np.subtract(offset, origin) / expected
        starts[name] = np.rint(steps).astype(np.int64)
        if (np.abs(steps - starts[name]) > TOLERANCE).any():
            raise SandboxError(
                f"{key}: the offset of {name} is {offset} nm, that of {first} "
                f"{origin} nm, which are {steps.round(3).tolist()} voxels apart; "
                "expected whole ones"
            )
    return starts


def _corner(place: NDArray[np.int64]) -> Corner:
    z, y, x = map(int, place)
    return z, y, x
