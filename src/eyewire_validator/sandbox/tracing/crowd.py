"""Simulated players, their answers to a task, and the consensus of the crowd.

The rules are those of Eyewire (weights, the consensus threshold, scythes); the errors
are our own: players walk from the seed from segment to segment, overlook small and far
ones (and so what lies behind them), and step over membranes that hardly show.
"""

import math
from dataclasses import dataclass, field

import numpy as np

from eyewire_validator.answers import consensus_threshold
from eyewire_validator.sandbox.bucket.volumes import Volume

# Weight of an enfranchised player, of another one, of a scythe, and of an admin.
ENFRANCHISED, NOVICE, SCYTHE, ADMIN = 1.0, 0.1, 3.0, 1_000_000.0
# Segments whose owner has less than this share of them are mergers: left out.
MERGER_PURITY = 0.65


@dataclass(frozen=True)
class Validation:
    """One player's answer: the weight it counts with, and the segments."""

    weight: float
    segments: frozenset[int]


@dataclass(frozen=True)
class CrowdAnswer:
    """The combined answer of the players of a task.

    Args:
        segments: segment -> weighted share of the players that chose it.
        threshold: share above which a segment is in the consensus.
        weight: summed weight of the players.
        votes: completion votes.
        validations: the players' answers.
    """

    segments: dict[int, float]
    threshold: float
    weight: float
    votes: int
    validations: list[Validation] = field(default_factory=list)

    @property
    def consensus(self) -> list[int]:
        """Segments above the threshold, ascending."""
        return sorted(s for s, share in self.segments.items() if share > self.threshold)


@dataclass(frozen=True)
class Crowd:
    """Players of one level of skill and attention each.

    Args:
        players: most players a task.
    """

    players: int

    def answer(
        self,
        volume: Volume,
        seed: set[int],
        body: set[int],
        rng: np.random.Generator,
    ) -> CrowdAnswer:
        """Answer a task by some players, and combine their answers.

        Args:
            volume: where the task is.
            seed: its seed segments.
            body: the neuron's segments that are connected to it, mergers included.
            rng: who plays, and how.
        """
        nearby = _Neighbourhood(volume, seed | body)
        truth = frozenset(s for s in body if volume.purity[s] >= MERGER_PURITY)
        count = int(rng.integers(max(1, self.players - 3), self.players + 1))
        validations = [_play(nearby, seed, body, rng) for _ in range(count)]
        votes = int(rng.choice([0, 1, 2], p=[0.3, 0.3, 0.4]))
        if rng.random() < 0.04:
            votes += int(ADMIN)
            validations.append(Validation(ADMIN, truth))
        elif votes and rng.random() < 0.6:
            validations.append(Validation(SCYTHE, truth))
        weight = sum(v.weight for v in validations)
        shares = {
            segment: share_of(segment, validations)
            for segment in sorted(set().union(*(v.segments for v in validations)))
            if volume.purity[segment] >= MERGER_PURITY
        }
        threshold = float(consensus_threshold(weight))
        return CrowdAnswer(shares, threshold, weight, votes, validations)


def share_of(segment: int, validations: list[Validation]) -> float:
    """Return the share of the players' weight that chose the segment."""
    agreed = sum(v.weight for v in validations if segment in v.segments)
    return round(agreed / sum(v.weight for v in validations), 4)


class _Neighbourhood:
    """The borders of some segments: segment -> [(other, grey along the contact)]."""

    def __init__(self, volume: Volume, segments: set[int]) -> None:
        self.volume = volume
        self.of: dict[int, list[tuple[int, float]]] = {s: [] for s in segments}
        borders = volume.borders
        inside = np.isin(borders.pairs, sorted(segments))
        for index in np.flatnonzero(inside.any(axis=1)):
            one, other = (int(s) for s in borders.pairs[index])
            for segment, neighbour in ((one, other), (other, one)):
                if segment in self.of:
                    self.of[segment].append((neighbour, float(borders.means[index])))


def _play(
    nearby: _Neighbourhood, seed: set[int], body: set[int], rng: np.random.Generator
) -> Validation:
    """Walk from the seed through segments that look connected, as one player does."""
    is_novice = rng.random() < 0.25
    care = rng.uniform(0.55, 0.85) if is_novice else rng.uniform(0.85, 0.99)
    sizes = nearby.volume.sizes
    # A segment of this size is found every other time.
    hard_to_see = 0.3 * float(sizes[sizes > 0].mean()) * (1 - care)
    chosen, frontier = set(seed), sorted(seed)
    seen = set(seed)
    while frontier:
        segment = frontier.pop(0)
        for neighbour, grey in nearby.of.get(segment, []):
            if neighbour in seen:
                continue
            seen.add(neighbour)
            if neighbour in body:
                visible = sizes[neighbour] / (sizes[neighbour] + hard_to_see)
                taken = rng.random() < visible * (1 - 0.4 * (1 - care))
            else:
                # Membranes are about 70, cytoplasm about 150.
                leak = 1 / (1 + math.exp(-(grey - 125) / 6))
                taken = rng.random() < leak * 1.2 * (1 - care)
            if taken:
                chosen.add(neighbour)
                frontier.append(neighbour)
    return Validation(NOVICE if is_novice else ENFRANCHISED, frozenset(chosen))
