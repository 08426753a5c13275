"""A volume whose contacts are scored: it answers a task in little time."""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import pandas as pd

from eyewire_validator.agglomeration.membership import Membership
from eyewire_validator.agglomeration.scoring import Linked, ScoredContacts
from eyewire_validator.errors import ModelError
from eyewire_validator.evaluation.decisions import Decisions, decide_on
from eyewire_validator.models.segment_ids import SegmentIds, listed


@dataclass(frozen=True)
class ScoredVolume:
    """The scored contacts of one volume, for any number of tasks.

    Attributes:
        contacts: between the segments, by their numbers.
        membership: from linkage to probability.
        segments: from the user's ids to numbers.
        alarms: in what the volume is unlike all that the model learned from; where
            there are any, a person is asked about every segment.
        decisions: thresholds that the checkpoint carries; none if it does not.
    """

    contacts: ScoredContacts
    membership: Membership
    segments: SegmentIds
    alarms: tuple[str, ...] = ()
    decisions: Decisions | None = None

    def answer(
        self, seed: Collection[int], rejected: Collection[int] = ()
    ) -> pd.DataFrame:
        """Answer one task of the volume.

        Args:
            seed: ids of the segments that belong to the answer.
            rejected: ids of segments that the answer to the parent task saw and did
                not choose; those of other volumes change nothing.

        Returns:
            A row for each other segment, the most probable first: ``segment``, the id
            as the segmentation has it, ``probability`` that it belongs, not
            calibrated, ``deviation`` of the members of the ensemble, both 0 to 1, and
            ``decision``: accept, ask or reject.

        Raises:
            ModelError: the seed is empty, or has an id that the segmentation has not.
        """
        wanted = listed(seed)
        if not wanted:
            raise ModelError("seed: holds no id, expected some, such as [17, 230]")
        given = self.segments.numbers(wanted)
        if unknown := [
            one for one, number in zip(wanted, given, strict=True) if not number
        ]:
            raise ModelError(
                f"seed: {unknown[0]} is no segment of this segmentation; expected some "
                f"of its {len(self.segments.own)} segments"
            )
        seen = self.segments.numbers(listed(rejected))
        linked = Linked.make(self.contacts, given).with_rejected(seen[seen > 0])
        members = linked.members(self.membership)
        probability, deviation = np.zeros((2, len(self.segments.own) + 1), np.float32)
        probability[linked.segments] = members.mean(axis=0)
        deviation[linked.segments] = members.std(axis=0)
        others = np.setdiff1d(np.arange(1, len(self.segments.own) + 1), given)
        found = pd.DataFrame(
            {
                "segment": self.segments.own[others - 1],
                "probability": probability[others],
                "deviation": deviation[others],
                "decision": decide_on(
                    probability[others], None if self.alarms else self.decisions
                ),
            }
        )
        return found.sort_values(
            ["probability", "segment"], ascending=[False, True], ignore_index=True
        )
