"""The tables of the volume stage: segments, their graph and coverage."""

import pyarrow as pa

from eyewire_validator.storage.schemas.columns import bounds, column

SEGMENTS_OF_VOLUME = pa.schema(
    [
        column("segment", pa.int64(), "segment id, local to the volume"),
        column("voxels", pa.int64(), "full-resolution voxels"),
        column("coarse_voxels", pa.int64(), "coarse voxels that it won in the vote"),
        *bounds("of the segment, counted in its volume"),
    ]
)

SEGMENT_GRAPH = pa.schema(
    [
        column("one", pa.int64(), "segment id"),
        column("other", pa.int64(), "segment id"),
        column("affinity", pa.float32(), "how likely they are one object, 0 to 1"),
    ]
)

FINE_CONTACTS = pa.schema(
    [
        column("one", pa.int64(), "segment id, the lower one"),
        column("other", pa.int64(), "segment id"),
        column("area", pa.float64(), "faces of full-resolution voxels that they share"),
        column(
            "log_odds",
            pa.list_(pa.float32()),
            "each member's mean over the faces that both are of one cell",
        ),
    ]
)

SUPERVOXELS = pa.schema(
    [
        column("volume", pa.int64(), "segmentation volume id"),
        column("segment", pa.int64(), "segment id, local to the volume"),
        column("supervoxel", pa.uint64(), "what it is a piece of, as the file has it"),
    ]
)

COVERAGE = pa.schema(
    [
        column("segment", pa.int64(), "segment id, local to the volume"),
        column(
            "coarse_voxel", pa.int32(), "C-order index of the coarse voxel (z, y, x)"
        ),
        column("voxels", pa.int32(), "full-resolution voxels of the segment in it"),
    ]
)
