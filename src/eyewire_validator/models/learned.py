"""Put a learned tissue into a checkpoint, and say what it brought."""

from dataclasses import replace
from typing import Any, cast

from torch import nn

from eyewire_validator.agglomeration.contact_model import ContactModel
from eyewire_validator.agglomeration.membership import Membership
from eyewire_validator.agglomeration.tissue_memberships import TissueMemberships
from eyewire_validator.evaluation.operating_point import Kept, OperatingPoint
from eyewire_validator.models.checkpoint import CheckpointInfo
from eyewire_validator.models.labels import Labels
from eyewire_validator.models.learn import EVEN, Learned
from eyewire_validator.volumes.appearance import Familiar

NOT_MEASURED = Kept(0, None, None, None)


def known_memberships(model: nn.Module, info: CheckpointInfo) -> TissueMemberships:
    """Return the memberships of a checkpoint; of all tissues, if it has but one."""
    membership = cast(ContactModel, model).membership
    familiar = info.familiar or Familiar({})
    of_tissue = info.memberships or dict.fromkeys(familiar.tissues, membership)
    return TissueMemberships(of_tissue, membership, familiar)


def known_threshold(info: CheckpointInfo) -> float | None:
    """Return the least probability of what a checkpoint chooses; none: nothing."""
    point = info.operating_point
    return point.decisions.threshold if point else EVEN


def common_membership(learned: Learned, tissue: str) -> Membership:
    """Return what answers volumes that look like no tissue.

    That is the membership of all; where the network was tuned, the one that there is,
    as most of these are of the tissue still, and its evidence there means the same.
    """
    memberships = learned.memberships
    return memberships.of_tissue[tissue] if learned.is_tuned else memberships.of_all


def with_tissue(info: CheckpointInfo, learned: Learned, tissue: str) -> CheckpointInfo:
    """Return what a checkpoint says of itself, with a tissue that was learned.

    Its thresholds are those for this tissue, and nobody measured what they are worth on
    tissue left out. Probabilities are calibrated by the refit.
    """
    memberships = learned.memberships
    return replace(
        info,
        familiar=memberships.familiar,
        memberships={} if learned.is_tuned else memberships.of_tissue,
        operating_point=OperatingPoint(
            tissue, learned.decisions, 1.0, 0, 0, NOT_MEASURED, NOT_MEASURED
        ),
        adapted=None if learned.is_tuned else info.adapted,
        left_out=(),
    )


def record(
    labels: Labels, learned: Learned, refit: Learned, tissue: str
) -> dict[str, Any]:
    """Record the labels, what was learned and its worth, ready for JSON.

    Args:
        labels: of the tissue.
        learned: what leaves the fewest edits on held-out cells.
        refit: membership refitted to the evidence of the network as it was.
        tissue: its name.
    """
    judgement, known = learned.judgement, learned.memberships
    start = known.of(learned.start)
    counts = labels.describe()
    return {
        "taken": judgement.helped,
        "tuned": learned.is_tuned,
        "text": _describe(counts, learned, refit, tissue),
        "tissue": tissue,
        "labels": counts,
        "start": learned.start,
        "membership_before": start._asdict(),
        "membership_after": known.of_tissue[tissue]._asdict(),
        "before": judgement.before,
        "after": judgement.after,
        "difference": judgement.difference,
        "after_refit_alone": refit.judgement.after,
        "edits_unanswered": judgement.unanswered,
        "decisions": learned.decisions.as_json(),
    }


def _describe(
    counts: dict[str, int], learned: Learned, refit: Learned, tissue: str
) -> str:
    done = (
        "learned and taken"
        if learned.judgement.helped
        else "not taken, as it did not help: the checkpoint is as it was"
    )
    alone = refit.judgement.after["edits"]["value"]
    network = (
        "The network was tuned, and knows no other tissue any more (with membership "
        f"alone it would be {alone:.2f} edits)"
        if learned.is_tuned
        else "The network stays as it was"
    )
    return (
        f"{tissue}: {done}. From {counts['labelled_tasks']} labelled tasks, and "
        f"decisions on {counts['tasks'] - counts['labelled_tasks']} others "
        f"({counts['candidates']} candidates, {counts['cells']} cells). On cells that "
        f"were held out: "
        f"{learned.judgement.describe()}. {network}. Taken up, "
        f"{learned.decisions.describe_acceptance()}."
    )
