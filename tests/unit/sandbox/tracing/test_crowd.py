"""What the crowd agrees on."""

import numpy as np

from eyewire_validator.sandbox.bucket.volumes import Volume, VolumeBox, describe
from eyewire_validator.sandbox.tracing.crowd import (
    Crowd,
    CrowdAnswer,
    Validation,
    share_of,
)


def test_share_is_weighted() -> None:
    one = Validation(1.0, frozenset({4, 5}))
    novice = Validation(0.1, frozenset({5}))
    assert share_of(4, [one, novice]) == round(1 / 1.1, 4)
    assert share_of(5, [one, novice]) == 1


def test_consensus_is_above_the_threshold() -> None:
    answer = CrowdAnswer({7: 0.5, 3: 0.9, 5: 0.51}, 0.5, 7.0, 0)
    assert answer.consensus == [3, 5]


def row_of_segments() -> Volume:
    """A merger 5 (half of neuron 1), then 1 to 3 of neuron 1, then 4 of neuron 2."""
    row = np.repeat(np.array([5, 1, 2, 3, 4], np.uint16), [6, 6, 6, 6, 6])
    neurons = np.repeat([2, 1, 2], [3, 21, 6])
    shape = (4, 4, 30)
    return describe(
        VolumeBox(1, 2, (0, 0, 0), shape),
        np.broadcast_to(row, shape).copy(),
        np.full(shape, 140, np.uint8),
        np.broadcast_to(neurons, shape),
    )


def test_players_err_but_mostly_agree_and_mergers_are_left_out() -> None:
    volume, rng = row_of_segments(), np.random.default_rng(0)
    answers = [Crowd(7).answer(volume, {1}, {1, 2, 3, 5}, rng) for _ in range(60)]
    chosen = [set(answer.segments) for answer in answers]
    assert all(1 in segments for segments in chosen)
    assert all(5 not in segments for segments in chosen)
    assert np.mean([a.consensus == [1, 2, 3] for a in answers]) > 0.5
    assert any(0 < share < 1 for a in answers for share in a.segments.values())
    assert any(4 in segments for segments in chosen)  # someone crossed the border


def test_weights_and_votes_are_those_of_eyewire() -> None:
    volume, rng = row_of_segments(), np.random.default_rng(0)
    answers = [Crowd(7).answer(volume, {1}, {1, 2, 3, 5}, rng) for _ in range(60)]
    weights = {v.weight for answer in answers for v in answer.validations}
    assert weights == {0.1, 1.0, 3.0, 1_000_000.0}
    assert any(answer.votes >= 1_000_000 for answer in answers)
    assert {0, 1, 2} <= {answer.votes for answer in answers}
