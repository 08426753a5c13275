"""Answer a cube by scored contacts: the probability of each segment that may join."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from eyewire_validator.agglomeration.membership import Membership
from eyewire_validator.agglomeration.scoring import Linked, ScoredContacts
from eyewire_validator.evaluation.calibration import rescale
from eyewire_validator.growth.block import Block
from eyewire_validator.tasks.context import rejected_segments
from eyewire_validator.tasks.lineage import Task


class Joinable(NamedTuple):
    """Segments that may be joined to a seed, the most probable first.

    Attributes:
        segments: (n,) int64 ids.
        probability: (n,) float64 calibrated probability that each belongs.
    """

    segments: NDArray[np.int64]
    probability: NDArray[np.float64]


class CubeAnswers:
    """The answers of a model to cubes of a block.

    Args:
        block: the volumes.
        contacts: scored contacts of a volume.
        membership: of a volume by its contacts, see `ContactModel.membership_on`.
        temperature: that logits are divided by.
        alarm: in what a volume is unlike all that the model learned from, if in
            anything.
        decided: whether segments belong to a cube's seed, by what people said.
        with_context: whether what ancestors rejected counts.
    """

    def __init__(
        self,
        block: Block,
        contacts: Callable[[int], ScoredContacts],
        membership: Callable[[ScoredContacts], Membership],
        temperature: float = 1.0,
        alarm: Callable[[int], str | None] = lambda volume: None,
        decided: Callable[[Task], Mapping[int, bool]] = lambda task: {},
        *,
        with_context: bool = True,
    ) -> None:
        """Keep what is found of a volume for all seeds in it."""
        self.block, self.contacts, self.alarm = block, contacts, alarm
        self.membership, self.decided = membership, decided
        self.temperature, self.with_context = temperature, with_context

    def answer(self, task: Task, ancestors: Sequence[Task]) -> Joinable:
        """Answer one cube.

        Args:
            task: its volume and seed.
            ancestors: what was answered before, the parent first; what their
                aggregates lack is rejected.
        """
        volume = task.volume_id
        linked = Linked.make(self.contacts(volume), task.seed)
        if self.with_context:
            near = [one for one in ancestors if self._overlaps(volume, one)]
            store = self.block.store
            linked = linked.with_rejected(rejected_segments(task, near, store))
        members = linked.members(self.membership(linked.contacts))
        probability = rescale(members.mean(axis=0), self.temperature)
        for segment, belongs in self.decided(task).items():
            probability[linked.segments == segment] = belongs
        allowed = np.isin(linked.segments, self.block.candidates(volume, task.seed))
        segments, probability = linked.segments[allowed], probability[allowed]
        order = np.lexsort((segments, -probability))
        return Joinable(segments[order], probability[order])

    def _overlaps(self, volume: int, ancestor: Task) -> bool:
        other = ancestor.volume
        return other in self.block.corners and self.block.overlap(volume, other)
