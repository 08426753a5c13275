"""The tables of the study of what carries over to tissue that a model never saw."""

import pyarrow as pa

from eyewire_validator.storage.schemas.columns import column

_IDS = [
    column("task", pa.int64(), "task id"),
    column("cell", pa.int64(), "cell id"),
    column("volume", pa.int64(), "segmentation volume id"),
]

EVIDENCE_TASKS = pa.schema(
    [
        *_IDS,
        column("seed", pa.list_(pa.int64()), "segments that are given"),
        column("seed_full_voxels", pa.int64(), "full-resolution voxels of the seed"),
        column(
            "dust_truth_segments", pa.int64(), "segments of the truth that are dust"
        ),
        column("dust_truth_full_voxels", pa.int64(), "their full-resolution voxels"),
        column("looks", pa.list_(pa.float64()), "numbers of the volume's `Appearance`"),
        column(
            "voxel_nm", pa.list_(pa.float64()), "edges of a coarse voxel, nm, z y x"
        ),
    ]
)

# What linkage says of each candidate, before membership is fitted.
EVIDENCE = pa.schema(
    [
        *_IDS,
        column("segment", pa.int64(), "a candidate: neither seed nor dust"),
        column("voxels", pa.int64(), "its full-resolution voxels"),
        column(
            "truth", pa.bool_(), "whether it is in the answer; false in an open task"
        ),
        column("seed_area", pa.float64(), "area that it shares with the seed"),
        column("rejected", pa.bool_(), "whether the ancestors saw and rejected it"),
        column(
            "levels",
            pa.list_(pa.float32()),
            "each member's log odds of the linkage; minus infinity where nothing joins "
            "it to the seed",
        ),
        column(
            "company",
            pa.list_(pa.float32()),
            "for each member, how large what joins at this level is beside the seed",
        ),
    ]
)

# The region graph of each volume, as a peer of the linkage takes it.
CONTACTS = pa.schema(
    [
        column("volume", pa.int64(), "segmentation volume id"),
        column("one", pa.int64(), "a segment"),
        column("other", pa.int64(), "a segment of a higher id, which it touches"),
        column("area", pa.float64(), "area that they share"),
        column(
            "log_odds",
            pa.float64(),
            "evidence that they belong together: the mean of the members",
        ),
    ]
)
