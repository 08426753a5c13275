"""The tables of review: what people are asked, and what they said."""

import pyarrow as pa

from eyewire_validator.storage.schemas.columns import column

_ITEM = column("item", pa.string(), "id of the question: task-segment")
_PAIR = [
    column("seed", pa.uint64(), "own id of the first segment of the seed"),
    column("supervoxel", pa.uint64(), "own id of the candidate"),
    column("seeds", pa.string(), "own ids of the seed's segments"),
    *(column(axis, pa.int64(), f"{axis} of a voxel in it") for axis in "zyx"),
    *(
        column(f"{axis}_nm", pa.float64(), f"{axis} of it in nm", nullable=True)
        for axis in "zyx"
    ),
]
_DATA = column("data", pa.string(), "hash of the volume and the seed")
_CHECKPOINT = column("checkpoint", pa.string(), "hash of the model that answered")
_REASON = column("reason", pa.string(), "ask, alarm, missing, foreign, audit or stop")
_PROPOSAL = column("proposal", pa.bool_(), "whether the model would choose it")
_PROBABILITY = column("probability", pa.float64(), "calibrated, that it belongs")
_BLIND = column("blind", pa.bool_(), "whether the proposal is hidden")

QUEUE = pa.schema(
    [
        column("rank", pa.int64(), "place in the queue, from 1"),
        _ITEM,
        _REASON,
        column("why", pa.string(), "why it is asked, in words"),
        column("split", pa.string(), "of the task; or open"),
        column("task", pa.int64(), "task id"),
        column("cell", pa.int64(), "cell id"),
        column("volume", pa.int64(), "segmentation volume id"),
        column("segment", pa.int64(), "the candidate, by its id in the volume"),
        *_PAIR,
        column("voxels", pa.int64(), "its full-resolution voxels"),
        _PROBABILITY,
        column(
            "validated",
            pa.float64(),
            "share of validation candidates of about this probability that belonged",
            nullable=True,
        ),
        _PROPOSAL,
        column("current", pa.bool_(), "whether it is in the answer if nobody looks"),
        column(
            "expected_edits",
            pa.float64(),
            "edits that a decision saves: the probability that `current` is wrong",
        ),
        _BLIND,
        _DATA,
        _CHECKPOINT,
    ]
)

DECISIONS = pa.schema(
    [
        _ITEM,
        column("reviewer", pa.string(), "who decided"),
        column("verdict", pa.string(), "yes, no, irrelevant, unsure, later or flag"),
        column("first", pa.string(), "the same, before the proposal was known"),
        column("time", pa.string(), "when, in UTC"),
        column("active_ms", pa.int64(), "time that it took, pauses cut"),
        column("note", pa.string(), "what the reviewer wrote"),
        _REASON,
        column("task", pa.int64(), "task id"),
        column("cell", pa.int64(), "cell id"),
        column("segment", pa.int64(), "the candidate, by its id in the volume"),
        *_PAIR[1:],
        _PROBABILITY,
        _PROPOSAL,
        _BLIND,
        column("queue", pa.string(), "hash of the queue that it was in"),
        _DATA,
        _CHECKPOINT,
    ]
)

DECIDED_PAIRS = pa.schema(
    [
        column("task", pa.int64(), "task id, or id of a stop of growth"),
        column("segment", pa.int64(), "the candidate, by its id in the volume"),
        column("belongs", pa.bool_(), "whether it belongs, by all who decided"),
    ]
)
