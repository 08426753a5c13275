"""The tables of the evaluation stage: tasks, candidate segments and answers."""

import pyarrow as pa

from eyewire_validator.storage.schemas.columns import column

# What of a task is counted in full-resolution voxels, besides its answer.
_FULL_COUNTS = [
    column("seed_full_voxels", pa.int64(), "full-resolution voxels of the seed"),
    column(
        "dust_truth_segments", pa.int64(), "segments of the aggregate that are dust"
    ),
    column("dust_truth_full_voxels", pa.int64(), "their full-resolution voxels"),
]


_ALARM = column(
    "alarm",
    pa.string(),
    "in what the volume is unlike all that the model learned from; nothing is decided "
    "unseen there",
    nullable=True,
)


# What is not known of an open task.
_NONE = "; none if the task is open"


def _counts(suffix: str, text: str) -> list[pa.Field]:
    return [
        column(f"guess{suffix}", pa.int64(), f"coarse voxels answered{text}"),
        column(f"truth{suffix}", pa.int64(), f"coarse voxels of the aggregate{text}"),
        column(f"intersection{suffix}", pa.int64(), f"coarse voxels in both{text}"),
        column(f"union{suffix}", pa.int64(), f"coarse voxels in either{text}"),
    ]


TASK_METRICS = pa.schema(
    [
        column("task", pa.int64(), "task id"),
        column("cell", pa.int64(), "cell id"),
        column("volume", pa.int64(), "segmentation volume id"),
        *_counts("", ""),
        *_counts("_seedless", ", seed left out"),
        column(
            "loss",
            pa.float64(),
            "mean over voxels; none without logits, or if it is open",
            nullable=True,
        ),
        column(
            "published_loss",
            pa.float64(),
            "the same with sigma for log sigma, as the published code reports it",
            nullable=True,
        ),
        column("sigma_mean", pa.float64(), "mean sigma, logit units", nullable=True),
        column("sigma_max", pa.float64(), "highest sigma, logit units", nullable=True),
        column("image_mean", pa.float64(), "mean grey value of the volume, 0 to 255"),
        _ALARM,
        *_FULL_COUNTS,
    ]
)

SEGMENT_SCORES = pa.schema(
    [
        column("task", pa.int64(), "task id"),
        column("cell", pa.int64(), "cell id"),
        column("volume", pa.int64(), "segmentation volume id"),
        column("segment", pa.int64(), "a candidate: neither seed nor dust"),
        column(
            "supervoxel", pa.uint64(), "the own id of the data that it is a piece of"
        ),
        *(
            column(axis, pa.int64(), f"{axis} of a voxel in it, in the own data")
            for axis in "zyx"
        ),
        column("voxels", pa.int64(), "its full-resolution voxels"),
        column(
            "probability", pa.float32(), "that it belongs: mean over all its voxels"
        ),
        column("sigma", pa.float32(), "mean sigma, logit units", nullable=True),
        column(
            "variance",
            pa.float32(),
            "of the members' probabilities; none for a single member",
            nullable=True,
        ),
        column(
            "mutual_information",
            pa.float32(),
            "between answer and member, in nats; none for a single member",
            nullable=True,
        ),
        column(
            "truth", pa.bool_(), f"whether it is in the aggregate{_NONE}", nullable=True
        ),
        column(
            "vote_weight",
            pa.float32(),
            f"agreed fraction of the players, 0 outside the aggregate{_NONE}",
            nullable=True,
        ),
        column(
            "neuron",
            pa.bool_(),
            "whether it really belongs, as only the sandbox knows",
            nullable=True,
        ),
    ]
)

# Scores that may tell a segment which is answered wrongly; see selective.py.
UNCERTAINTIES = ("probability", "entropy", "sigma", "variance", "mutual_information")
# How a task's candidates make one number of it.
REDUCTIONS = ("sum", "max")

TASK_ANSWERS = pa.schema(
    [
        column("task", pa.int64(), "task id"),
        column("cell", pa.int64(), "cell id"),
        column("volume", pa.int64(), "segmentation volume id"),
        column("candidates", pa.int64(), "segments that could be chosen"),
        *(
            column(f"{name}{unit}", pa.int64(), f"{what} {text}")
            for unit, what in (
                ("", "candidate segments"),
                ("_voxels", "full-resolution voxels"),
            )
            for name, text in (
                ("tp", "chosen rightly"),
                ("fp", "chosen wrongly: false merges"),
                ("fn", "missed"),
            )
        ),
        column("edits", pa.int64(), "segments to add or to remove: fp + fn"),
        column("maybe", pa.int64(), "segments between accept and reject"),
        column("accepted_wrongly", pa.int64(), "accepted segments that do not belong"),
        column("rejected_wrongly", pa.int64(), "rejected segments that belong"),
        _ALARM,
        *_FULL_COUNTS,
        column("vi_split", pa.float64(), "bits of the answer unknown from the truth"),
        column("vi_merge", pa.float64(), "bits of the truth unknown from the answer"),
        *(
            column(
                f"{score}_{over}",
                pa.float64(),
                f"uncertainty by {score}, {over} over the candidates",
                nullable=True,
            )
            for score in UNCERTAINTIES
            for over in REDUCTIONS
        ),
    ]
)
