"""Open Zarr arrays, and OME-Zarr 0.4 and 0.5: axes by name, scale and translation."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from eyewire_validator.errors import FileError
from eyewire_validator.storage.array_files.access import Access
from eyewire_validator.storage.array_files.chunked import AXES, open_chunked
from eyewire_validator.storage.array_files.folder import Folder, NotMetadataError
from eyewire_validator.storage.array_files.named import Named
from eyewire_validator.storage.array_files.opened import OpenedArray, Place
from eyewire_validator.storage.array_files.pyramids import Level, choose_level
from eyewire_validator.storage.array_files.units import nm_of

VERSIONS = ("0.4", "0.5")
# Folders above an array that are looked at for the image that it is a level of.
ABOVE = 3
# Part of a voxel by which a translation may be inexact.
TOLERANCE = 1e-3


@dataclass(frozen=True)
class Node:
    """A group or array of Zarr.

    Args:
        driver: of tensorstore.
        is_array: whether it is one.
        attributes: what is noted about it.
        axes: names of its axes, if noted without OME.
    """

    driver: str
    is_array: bool
    attributes: Mapping[str, Any]
    axes: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Pyramid:
    """An image of OME-Zarr.

    Args:
        axes: their names, in the arrays' order.
        levels: named by their paths.
    """

    axes: tuple[str, ...]
    levels: list[Level]


def open_zarr(named: Named, voxel_nm: Place | None, access: Access) -> OpenedArray:
    """Open an array, or a level of an image, by its path or number after ``::``.

    Raises:
        FileError: there is none, or its metadata are not understood.
    """
    folder = Folder(named.plain, named.location, access)
    node = _node(folder)
    if node is None:
        raise FileError(
            f"{folder.source}: no Zarr there (no zarr.json, .zarray or .zgroup, or "
            "they may not be read); check the address"
        )
    if node.is_array:
        return _open_array(folder, node, named)
    pyramid = read_pyramid(folder.source, node.attributes)
    if pyramid is None and named.inside:
        inside = folder.below(named.inside)
        found = _node(inside)
        if found is not None and found.is_array:
            return _open_array(inside, found, named)
    if pyramid is None:
        raise FileError(
            f"{folder.source}: is a group without an image (multiscales) of its own; "
            "name the array or image inside it, such as .../0 or .../volumes/raw"
        )
    number = choose_level(folder.source, pyramid.levels, named.inside, voxel_nm)
    level = pyramid.levels[number]
    inside = folder.below(level.name)
    inside.refuse_packed()
    spec = {"driver": node.driver}
    return open_chunked(inside, spec, pyramid.axes, level, named.options)


def _open_array(folder: Folder, node: Node, named: Named) -> OpenedArray:
    """Open an array; the image that it is a level of says where it lies."""
    folder.refuse_packed()
    axes, level = _found_above(folder) or (
        node.axes or AXES,
        Level("array", None, None),
    )
    return open_chunked(folder, {"driver": node.driver}, axes, level, named.options)


def _found_above(folder: Folder) -> tuple[tuple[str, ...], Level] | None:
    """Return axes and level of an array, as an image above it says."""
    upper, path = folder.above(), ""
    for _ in range(ABOVE):
        if upper is None:
            return None
        group, name = upper
        path = f"{name}/{path}".rstrip("/")
        try:
            node = _node(group)
        except NotMetadataError:
            # Some servers have a page for everything.
            node = None
        pyramid = node and read_pyramid(folder.source, node.attributes)
        for level in pyramid.levels if pyramid else ():
            if pyramid and level.name.strip("/") == path:
                return pyramid.axes, level
        upper = group.above()
    return None


def _node(folder: Folder) -> Node | None:
    """Read what a folder says about itself; None if it is no Zarr."""
    if (found := folder.read_json("zarr.json")) is not None:
        is_array = found.get("node_type") == "array"
        names = found.get("dimension_names")
        return Node("zarr3", is_array, found.get("attributes") or {}, _names(names))
    array = folder.read_json(".zarray")
    attributes = folder.read_json(".zattrs") or {}
    if array is not None:
        names = attributes.get("_ARRAY_DIMENSIONS")
        return Node("zarr", True, attributes, _names(names))
    if attributes or folder.read_json(".zgroup") is not None:
        return Node("zarr", False, attributes)
    return None


def _names(names: Any) -> tuple[str, ...] | None:
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        return None
    return tuple(name.lower() for name in names)


def read_pyramid(source: str, attributes: Mapping[str, Any]) -> Pyramid | None:
    """Read the first image of the attributes of a group; None if there is none.

    Raises:
        FileError: its version, axes or transformations are not understood.
    """
    ome = attributes.get("ome") or {}
    images = ome.get("multiscales") or attributes.get("multiscales")
    if not images:
        return None
    image = images[0]
    version = str(ome.get("version") or image.get("version") or VERSIONS[0])
    if version not in VERSIONS:
        raise FileError(
            f"{source}: is OME-Zarr {version}, expected {' or '.join(VERSIONS)}; "
            "convert it"
        )
    axes = [axis["name"].lower() for axis in image["axes"]]
    units = [_unit(source, axis) for axis in image["axes"]]
    common = image.get("coordinateTransformations", [])
    levels = []
    for dataset in image["datasets"]:
        steps = [*dataset["coordinateTransformations"], *common]
        scale, translation = _combine(source, steps, len(axes))
        levels.append(
            Level(
                str(dataset["path"]),
                _place(axes, scale, units),
                _place(axes, translation, units),
            )
        )
    return Pyramid(tuple(axes), _from_corners(levels))


def _unit(source: str, axis: Mapping[str, Any]) -> float | None:
    unit = axis.get("unit")
    is_length = axis["name"].lower() in AXES
    return nm_of(source, unit) if unit and is_length else None


def _combine(
    source: str, steps: Sequence[Mapping[str, Any]], rank: int
) -> tuple[list[float], list[float]]:
    """Return scale and translation of all steps, one after the other."""
    scale, translation = [1.0] * rank, [0.0] * rank
    for step in steps:
        kind = str(step.get("type"))
        values = step.get(kind)
        if kind == "identity":
            continue
        if kind not in ("scale", "translation") or not isinstance(values, list):
            raise FileError(
                f"{source}: is placed by a transformation {kind}"
                f"{' in a file' if 'path' in step else ''}, expected scale and "
                "translation; resample it"
            )
        if len(values) != rank:
            raise FileError(
                f"{source}: its {kind} has {len(values)} numbers for {rank} axes; "
                "correct its metadata"
            )
        if kind == "scale":
            scale = [a * float(b) for a, b in zip(scale, values, strict=True)]
            translation = [
                a * float(b) for a, b in zip(translation, values, strict=True)
            ]
        else:
            translation = [
                a + float(b) for a, b in zip(translation, values, strict=True)
            ]
    return scale, translation


def _place(
    axes: Sequence[str], values: Sequence[float], units: Sequence[float | None]
) -> Place | None:
    """Return (z, y, x) in nm; None if a unit is not said."""
    of_axis = {
        axis: None if unit is None else value * unit
        for axis, value, unit in zip(axes, values, units, strict=True)
    }
    z, y, x = (of_axis.get(axis) for axis in AXES)
    return None if z is None or y is None or x is None else (z, y, x)


def _from_corners(levels: list[Level]) -> list[Level]:
    """Place levels by the corners of their voxels, as all other forms do.

    Some writers place them by the middle of the first voxel, which moves by half of
    what voxels grow.
    """
    first = levels[0] if levels else None
    return [_from_corner(level, first) for level in levels]


def _from_corner(level: Level, first: Level | None) -> Level:
    if first is None or not (level.resolution_nm and level.offset_nm):
        return level
    if not (first.resolution_nm and first.offset_nm):
        return level
    pairs = zip(
        level.resolution_nm,
        first.resolution_nm,
        level.offset_nm,
        first.offset_nm,
        strict=True,
    )
    is_middle = all(
        abs((place - origin) - (edge - finest) / 2) <= TOLERANCE * finest
        for edge, finest, place, origin in pairs
    )
    return (
        Level(level.name, level.resolution_nm, first.offset_nm) if is_middle else level
    )
