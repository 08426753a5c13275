"""Mean linkage from a seed, on graphs small enough to join by hand."""

import numpy as np
import pytest

from eyewire_validator.agglomeration.linkage import HIGHEST, link

SEED = np.inf


def graph(*contacts):
    """Contacts as (one, other, faces, log odds)."""
    one, other, faces, evidence = zip(*contacts, strict=True)
    return (
        np.array([one, other], np.int64).T,
        np.array(faces, np.int64),
        np.array(evidence, np.float32),
    )


def levels(seed, *contacts):
    """Levels of what is linked, by segment."""
    found = link(*graph(*contacts), np.array(seed, np.int64))
    linked = np.flatnonzero(found > -np.inf)
    return {int(s): pytest.approx(found[s], abs=1e-6) for s in linked}


def test_a_chain_is_as_strong_as_its_weakest_contact():
    assert levels([1], (1, 2, 10, 2.0), (2, 3, 10, -0.5), (3, 4, 10, 1.0)) == {
        1: SEED, 2: 2.0, 3: -0.5, 4: -0.5
    }  # fmt: skip


def test_a_large_contact_outvotes_a_small_bridge():
    """3 joins 1 first; then their contacts with 2 are one: 1 over 1, -2 over 9."""
    found = levels([1], (1, 3, 5, 3.0), (2, 3, 1, 1.0), (1, 2, 9, -2.0))
    assert found == {1: SEED, 3: 3.0, 2: -1.7}


def test_the_seed_is_one_from_the_start():
    """Its own contacts do not matter, and 3 sees the mean over both its segments."""
    found = levels([1, 2], (1, 2, 4, -5.0), (1, 3, 1, 3.0), (2, 3, 3, -1.0))
    assert found == {1: SEED, 2: SEED, 3: 0.0}


def test_clusters_grow_before_they_meet_the_seed():
    """2 and 3 join at 3; as one, they are less near to the seed than 2 was."""
    found = levels([1], (2, 3, 1, 3.0), (1, 2, 2, 2.0), (1, 3, 2, -1.0))
    assert found == {1: SEED, 2: 0.5, 3: 0.5}


def test_what_is_surer_late_was_reachable_no_sooner():
    """Once 3 and 4 are one with the seed, 5 is nearer than they were."""
    found = levels([1], (1, 3, 1, -1.0), (3, 5, 1, -2.0), (1, 5, 3, -1.5))
    assert found == {1: SEED, 3: -1.0, 5: -1.625}
    found = levels([1], (1, 3, 1, -1.0), (3, 4, 1, -1.2), (1, 4, 3, 2.0))
    assert found == {1: SEED, 4: 2.0, 3: -1.1}


@pytest.mark.parametrize("seed", [[], [9]], ids=["no seed", "a seed without contacts"])
def test_without_a_contact_nothing_is_joined(seed):
    assert set(levels(seed, (1, 2, 3, 2.0))) == set(seed)


def test_the_lowest_log_odds_join_nothing():
    assert set(levels([1], (1, 2, 3, -HIGHEST))) == {1}
