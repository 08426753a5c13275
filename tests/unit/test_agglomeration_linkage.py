"""Mean linkage from a seed, on graphs small enough to join by hand."""

import numpy as np
import pytest

from eyewire_validator.agglomeration.linkage import link


def graph(*contacts):
    """Contacts as (one, other, faces, probability)."""
    one, other, faces, probability = zip(*contacts, strict=True)
    return (
        np.array([one, other], np.int64).T,
        np.array(faces, np.int64),
        np.array(probability, np.float32),
    )


def levels(seed, *contacts):
    scores = link(*graph(*contacts), np.array(seed, np.int64))
    return {int(s): pytest.approx(scores[s], abs=1e-6) for s in np.flatnonzero(scores)}


def test_a_chain_is_as_strong_as_its_weakest_contact():
    assert levels([1], (1, 2, 10, 0.9), (2, 3, 10, 0.4), (3, 4, 10, 0.7)) == {
        1: 1.0, 2: 0.9, 3: 0.4, 4: 0.4
    }  # fmt: skip


def test_a_large_contact_outvotes_a_small_bridge():
    """3 joins 1 first; then their contacts with 2 are one: 0.8 over 1, 0.1 over 9."""
    found = levels([1], (1, 3, 5, 0.9), (2, 3, 1, 0.8), (1, 2, 9, 0.1))
    assert found == {1: 1.0, 3: 0.9, 2: 0.17}


def test_the_seed_is_one_from_the_start():
    """Its own contacts do not matter, and 3 sees the mean over both its segments."""
    found = levels([1, 2], (1, 2, 4, 0.0), (1, 3, 1, 0.9), (2, 3, 3, 0.1))
    assert found == {1: 1.0, 2: 1.0, 3: 0.3}


def test_clusters_grow_before_they_meet_the_seed():
    """2 and 3 join at 0.9; as one, they are less near to the seed than 2 was."""
    found = levels([1], (2, 3, 1, 0.9), (1, 2, 2, 0.8), (1, 3, 2, 0.2))
    assert found == {1: 1.0, 2: 0.5, 3: 0.5}


def test_what_is_surer_late_was_reachable_no_sooner():
    """4 is near 3 only; it counts from where 3 was joined."""
    found = levels([1], (1, 3, 1, 0.3), (3, 4, 1, 0.25), (1, 4, 3, 0.9))
    assert found == {1: 1.0, 4: 0.9, 3: pytest.approx(0.275, abs=1e-6)}


@pytest.mark.parametrize("seed", [[], [9]], ids=["no seed", "a seed without contacts"])
def test_without_a_contact_nothing_is_joined(seed):
    assert set(levels(seed, (1, 2, 3, 0.9))) == set(seed)


def test_a_probability_of_nothing_joins_nothing():
    assert set(levels([1], (1, 2, 3, 0.0))) == {1}
