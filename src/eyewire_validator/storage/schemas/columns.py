"""Columns that the tables of several stages share.

Ids are int64; segment ids are local to their volume; positions are voxels of the
full-resolution data, in the axis order (z, y, x).
"""

import pyarrow as pa

IDS = pa.list_(pa.int64())
# Columns of the lowest voxel of a box, and of the voxel after its last.
MINIMA, MAXIMA = ([f"{side}_{axis}" for axis in "zyx"] for side in ("min", "max"))


def column(
    name: str, dtype: pa.DataType, meaning: str, *, nullable: bool = False
) -> pa.Field:
    """Return a column whose meaning, with its unit, travels with the schema."""
    return pa.field(name, dtype, nullable, {"meaning": meaning})


def bounds(where: str, *, nullable: bool = False) -> list[pa.Field]:
    """Return the six columns of a box: its lowest voxel and the one after its last."""
    return [
        column(f"{side}_{axis}", pa.int64(), f"{text} {where}", nullable=nullable)
        for side, text in (("min", "lowest voxel"), ("max", "voxel after the last"))
        for axis in "zyx"
    ]
