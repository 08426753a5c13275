"""Turn lengths of other units into nanometres."""

from eyewire_validator.errors import FileError

# Names of units in the metadata of OME-Zarr and N5, nm.
NM = {
    "angstrom": 0.1,
    "picometer": 1e-3,
    "nanometer": 1.0,
    "micrometer": 1e3,
    "millimeter": 1e6,
    "centimeter": 1e7,
    "meter": 1e9,
}
SHORT = {
    "pm": "picometer",
    "nm": "nanometer",
    "um": "micrometer",
    "µm": "micrometer",
    "μm": "micrometer",
    "micron": "micrometer",
    "mm": "millimeter",
    "cm": "centimeter",
    "m": "meter",
    "å": "angstrom",
    "nanometre": "nanometer",
    "micrometre": "micrometer",
}


def nm_of(source: str, unit: str) -> float:
    """Return how many nm a unit is.

    Raises:
        FileError: it is not known.
    """
    name = unit.strip().lower().removesuffix("s") or unit
    name = SHORT.get(name, name)
    if name not in NM:
        raise FileError(
            f"{source}: its axes are in {unit}, expected one of {', '.join(NM)}; "
            "correct its metadata"
        )
    return NM[name]
