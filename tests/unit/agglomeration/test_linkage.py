"""Mean linkage from a seed, on graphs small enough to join by hand."""

import numpy as np
import plain_linkage
import pytest

from eyewire_validator.agglomeration.linkage import HIGHEST, Linkage

SEED = np.inf


def graph(*contacts):
    """Contacts as (one, other, faces, log odds)."""
    one, other, faces, evidence = zip(*sorted(contacts), strict=True)
    return (
        np.array([one, other], np.int64).T,
        np.array(faces, np.int64),
        np.array([evidence], np.float32),
    )


def levels(seed, *contacts):
    """Levels of what is linked, by segment."""
    linkage = Linkage.prepare(*graph(*contacts))
    found = zip(linkage.segments, linkage.levels(np.array(seed))[0], strict=True)
    return {
        int(s): pytest.approx(level, abs=1e-6) for s, level in found if level > -np.inf
    }


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
    assert levels(seed, (1, 2, 3, 2.0)) == {}


def test_the_lowest_log_odds_join_nothing():
    assert set(levels([1], (1, 2, 3, -HIGHEST))) == {1}


def drawn_graph(generator, evidence):
    """A random graph, of which some parts may not hang together."""
    nodes = int(generator.integers(2, 60))
    one = generator.integers(1, nodes + 1, nodes * int(generator.integers(1, 7)))
    near = int(generator.integers(2, 40))
    other = (one + generator.integers(-near, near, one.size)).clip(1, nodes)
    pairs = np.unique(np.sort([one, other], axis=0).T, axis=0)
    pairs = pairs[pairs[:, 0] != pairs[:, 1]]
    faces = generator.integers(1, int(generator.integers(2, 60)), len(pairs))
    odds = evidence(generator.normal(0, 4, (2, len(pairs)))).clip(-HIGHEST, HIGHEST)
    return pairs, faces, odds.astype(np.float32)


def assert_as_plain(pairs, faces, evidence, seed):
    """Levels equal those of the plain twin, to the bit."""
    linkage = Linkage.prepare(pairs, faces, evidence)
    found = linkage.levels(seed)
    for member, odds in enumerate(evidence):
        segments, levels = plain_linkage.link(pairs, faces, odds, seed)
        np.testing.assert_array_equal(linkage.segments, segments)
        np.testing.assert_array_equal(found[member], levels)


@pytest.mark.parametrize(
    "evidence",
    [
        pytest.param(lambda drawn: drawn, id="all differ"),
        pytest.param(np.round, id="many are equal"),
        pytest.param(np.sign, id="nearly all are equal"),
        pytest.param(lambda drawn: 0 * drawn + 1.3, id="all are equal"),
        pytest.param(lambda drawn: 10 * drawn, id="most are cut off"),
        pytest.param(lambda drawn: np.exp(2 * drawn - 9), id="far apart in size"),
    ],
)
def test_levels_are_those_of_looking_at_every_contact(evidence):
    generator = np.random.default_rng(7)
    for _ in range(150):
        pairs, faces, odds = drawn_graph(generator, evidence)
        seed = generator.integers(1, 61, int(generator.integers(0, 8)))
        assert_as_plain(pairs, faces, odds, seed)


def test_levels_of_a_large_graph_are_those_of_looking_at_every_contact():
    """Its table of contacts fills up and is made anew."""
    generator = np.random.default_rng(3)
    one = generator.integers(1, 2001, 12_000)
    other = (one + generator.integers(1, 30, one.size)).clip(1, 2000)
    pairs = np.unique(np.stack([one, other], axis=1), axis=0)
    pairs = pairs[pairs[:, 0] != pairs[:, 1]]
    odds = generator.normal(0, 3, (1, len(pairs))).clip(-HIGHEST, HIGHEST)
    faces = generator.integers(1, 50, len(pairs))
    assert_as_plain(pairs, faces, odds.astype(np.float32), np.array([5, 900, 901]))


@pytest.mark.parametrize("toward_hub", [True, False], ids=["to a hub", "along a chain"])
def test_levels_of_stars_and_chains_are_those_of_looking_at_every_contact(toward_hub):
    nodes = np.arange(2, 80)
    pairs = np.stack([np.ones_like(nodes) if toward_hub else nodes - 1, nodes], axis=1)
    for odds in (nodes / 20, -nodes / 20, np.ones(len(nodes))):
        evidence = odds[None].astype(np.float32)
        assert_as_plain(pairs, nodes, evidence, np.array([40, 41, 77]))


def test_a_seed_leaves_what_was_prepared_as_it_was():
    linkage = Linkage.prepare(*graph((1, 2, 3, 2.0), (1, 3, 1, 1.0), (2, 3, 4, -1.0)))
    first = linkage.levels(np.array([1]))
    linkage.levels(np.array([2, 3]))
    np.testing.assert_array_equal(linkage.levels(np.array([1])), first)


def test_a_volume_without_contacts_has_no_levels():
    linkage = Linkage.prepare(
        np.empty((0, 2), np.int64), np.empty(0, np.int64), np.empty((8, 0), np.float32)
    )
    assert linkage.levels(np.array([1])).shape == (8, 0)


def test_evidence_that_is_no_number_still_ends():
    contacts = [(1, 2, 3, np.nan), (1, 3, 1, 1.0), (2, 3, 4, np.nan)]
    assert Linkage.prepare(*graph(*contacts)).levels(np.array([1])).shape == (1, 3)
