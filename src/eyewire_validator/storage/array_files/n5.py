"""Open N5 arrays; their attributes are in the order x, y, z."""

from collections.abc import Mapping
from typing import Any

from eyewire_validator.errors import FileError
from eyewire_validator.storage.array_files.access import Access
from eyewire_validator.storage.array_files.chunked import AXES, open_chunked
from eyewire_validator.storage.array_files.folder import Folder
from eyewire_validator.storage.array_files.named import Named
from eyewire_validator.storage.array_files.opened import OpenedArray, Place
from eyewire_validator.storage.array_files.pyramids import Level, choose_level
from eyewire_validator.storage.array_files.units import nm_of

METADATA = "attributes.json"
# Levels of a group that are looked for: s0, s1, ...
DEPTH = 12


def open_n5(named: Named, voxel_nm: Place | None, access: Access) -> OpenedArray:
    """Open an array, or a level s0, s1, ... of a group.

    Raises:
        FileError: there is none, or its attributes are not understood.
    """
    folder = Folder(named.plain, named.location, access)
    attributes = folder.read_json(METADATA)
    if attributes is not None and "dimensions" in attributes:
        above = folder.above()
        group = (above[0].read_json(METADATA) if above else None) or {}
        return _open(folder, "array", attributes, group, named)
    found = _levels(folder, named.inside)
    if not found:
        raise FileError(
            f"{folder.source}: no N5 array there (no {METADATA} with dimensions, nor "
            f"in {named.inside or 's0'}, or it may not be read); check the address"
        )
    levels = [
        _level(folder.source, name, own, attributes or {})
        for name, own in found.items()
    ]
    chosen = levels[choose_level(folder.source, levels, named.inside, voxel_nm)].name
    inside = folder.below(chosen)
    return _open(inside, chosen, found[chosen], attributes or {}, named)


def _levels(folder: Folder, inside: str) -> dict[str, dict[str, Any]]:
    """Return the attributes of the array inside, and of s0, s1, ... if any."""
    found: dict[str, dict[str, Any]] = {}
    for name in (f"s{number}" for number in range(DEPTH)):
        own = folder.below(name).read_json(METADATA)
        if own is None or "dimensions" not in own:
            break
        found[name] = own
    if inside and inside not in found:
        own = folder.below(inside).read_json(METADATA)
        if own is not None and "dimensions" in own:
            found[inside] = own
    return found


def _open(
    folder: Folder,
    name: str,
    own: Mapping[str, Any],
    group: Mapping[str, Any],
    named: Named,
) -> OpenedArray:
    folder.refuse_packed()
    level = _level(folder.source, name, own, group)
    names = own.get("axes") or ["x", "y", "z", "c", "t"][: len(own["dimensions"])]
    axes = tuple(str(axis).lower() for axis in names)
    return open_chunked(folder, {"driver": "n5"}, axes, level, named.options)


def _level(
    source: str, name: str, own: Mapping[str, Any], group: Mapping[str, Any]
) -> Level:
    """Find size and place in the ways in which attributes say them."""
    if "transform" in own:
        return _transformed(source, name, own["transform"])
    size, unit = _size(own)
    if size is None:
        size, unit = _size(group)
        factors = own.get("downsamplingFactors", [1, 1, 1])
        if size is not None:
            size = [a * b for a, b in zip(size, factors, strict=True)]
    resolution = _place(source, size, unit)
    offset = own.get("offset", group.get("offset") if size else None)
    return Level(name, resolution, _place(source, offset, unit) if resolution else None)


def _size(attributes: Mapping[str, Any]) -> tuple[list[float] | None, str]:
    """Return the edges of a voxel (x, y, z) and their unit; nm if none is said."""
    units = attributes.get("units") or ["nm"]
    unit = units if isinstance(units, str) else str(units[0])
    size = attributes.get("pixelResolution", attributes.get("resolution"))
    if isinstance(size, Mapping):
        unit, size = str(size.get("unit", unit)), size["dimensions"]
    return ([float(edge) for edge in size[:3]] if size else None), unit


def _place(source: str, values: Any, unit: str) -> Place | None:
    if values is None:
        return None
    x, y, z = (float(value) * nm_of(source, unit) for value in values[:3])
    return z, y, x


def _transformed(source: str, name: str, transform: Mapping[str, Any]) -> Level:
    """Read scale and translate of named axes, as COSEM writes them."""
    order = [list(map(str.lower, transform["axes"])).index(axis) for axis in AXES]
    units = transform.get("units") or ["nm"] * len(transform["axes"])

    def place(values: Any) -> Place:
        z, y, x = (float(values[i]) * nm_of(source, str(units[i])) for i in order)
        return z, y, x

    return Level(name, place(transform["scale"]), place(transform["translate"]))
