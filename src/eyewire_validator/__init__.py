"""Eyewire Validator: answers neuron-tracing tasks and says how sure it is.

Pure functions on arrays and tables. Nothing here knows Snakemake or where results
live; the rules and scripts of the workflow do.

    >>> from eyewire_validator import load_segment_validator
    >>> validator = load_segment_validator("models/agglomeration.pt")

or, of arrays in files and at addresses,

    >>> from eyewire_validator import answer
    >>> answer("block.h5::raw", "precomputed://gs://bucket/segments", seed=[17, 230])
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from eyewire_validator.errors import EyewireValidatorError

if TYPE_CHECKING:
    from eyewire_validator.models.arrays_answer import answer
    from eyewire_validator.models.segment_validator import (
        SegmentValidator,
        load_segment_validator,
    )
    from eyewire_validator.models.voxel_validator import Validator, load_validator

__version__ = "0.1.0"
__all__ = [
    "EyewireValidatorError",
    "SegmentValidator",
    "Validator",
    "answer",
    "load_segment_validator",
    "load_validator",
]

# Imported when they are asked for: torch takes two seconds.
_HOMES = {
    "answer": "models.arrays_answer",
    "SegmentValidator": "models.segment_validator",
    "load_segment_validator": "models.segment_validator",
    "Validator": "models.voxel_validator",
    "load_validator": "models.voxel_validator",
}


def __getattr__(name: str) -> Any:
    """Import what this package offers from where it is."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
