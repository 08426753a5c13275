"""How probability follows from linkage and what stands beside it."""

import numpy as np
import pytest

from eyewire_validator.agglomeration.membership import (
    LEAST_LINKAGE,
    LINKAGE_ALONE,
    Membership,
    fit_membership,
    refit_membership,
)

NO = np.zeros(1, np.bool_)
NONE = np.zeros(1, np.int64)


def test_linkage_alone_is_its_own_probability():
    levels = np.array([-np.inf, -1.0, 0.0, np.inf], np.float32)
    found = LINKAGE_ALONE.probability(levels, NONE, NO)
    assert found.tolist() == pytest.approx([0, 1 / (1 + np.e), 0.5, 1])


def test_contact_speaks_for_a_segment_and_rejection_against_it():
    membership = Membership(bias=-1.0, linkage=1.0, contact=1.0, rejected=-2.0)
    level = np.ones(1, np.float32)
    e_less_1 = np.array([1.718281828])
    assert membership.probability(level, NONE, NO) == pytest.approx([0.5])
    assert membership.probability(level, e_less_1, NO) == pytest.approx(
        [1 / (1 + np.exp(-1))]
    )
    assert membership.probability(level, NONE, ~NO) == pytest.approx(
        [1 / (1 + np.exp(2))]
    )


def drawn(membership, count=4000):
    """Segments of which as many belong as the membership says."""
    generator = np.random.default_rng(0)
    levels = generator.uniform(-5, 5, count).astype(np.float32)
    seed_faces = generator.integers(0, 50, count) * generator.integers(0, 2, count)
    rejected = generator.random(count) < 0.3
    chance = membership.probability(levels, seed_faces, rejected)
    return levels, seed_faces, rejected, generator.random(count) < chance


def test_what_segments_were_drawn_from_is_found_again():
    truth = Membership(bias=-1.5, linkage=0.8, contact=0.6, rejected=-2.5)
    assert fit_membership(*drawn(truth)) == pytest.approx(truth, abs=0.25)


def test_what_no_segment_shows_counts_for_nothing():
    levels, seed_faces, rejected, belongs = drawn(Membership(0.0, 1.0, 0.5, 0.0))
    found = fit_membership(levels, 0 * seed_faces, rejected & False, belongs)
    assert (found.contact, found.rejected) == pytest.approx((0, 0))


@pytest.mark.parametrize("belongs", [[True] * 3, [False] * 3, [True, False, False]])
def test_where_nothing_can_be_learnt_linkage_stays_alone(belongs):
    """All belong, or none; or the lowest level does."""
    levels = np.array([-1.0, 0.0, 1.0], np.float32)
    found = fit_membership(
        levels, np.zeros(3, np.int64), np.zeros(3, np.bool_), np.array(belongs)
    )
    assert found == LINKAGE_ALONE


BEFORE = Membership(bias=-4.0, linkage=1.5, contact=0.3, rejected=-3.0)
TRUTH = Membership(bias=-1.5, linkage=0.8, contact=0.6, rejected=-2.5)


def test_without_labels_a_refit_is_what_was_before():
    none = [column[:0] for column in drawn(TRUTH)]
    assert refit_membership(BEFORE, *none, np.ones(0)) == pytest.approx(BEFORE)


def test_many_labels_refit_to_what_a_plain_fit_finds():
    columns = drawn(TRUTH, 40_000)
    found = refit_membership(BEFORE, *columns, np.ones(40_000))
    assert found == pytest.approx(fit_membership(*columns), abs=0.05)


def test_the_fewer_labels_the_nearer_a_refit_stays():
    few, many = ([c[:count] for c in drawn(TRUTH)] for count in (10, 1000))
    off_few, off_many = (
        np.abs(np.subtract(refit_membership(BEFORE, *c, np.ones(len(c[0]))), BEFORE))
        for c in (few, many)
    )
    assert 0 < off_few[1] < off_many[1]


def test_a_refit_weighs_labels_and_is_the_same_again():
    columns = drawn(TRUTH, 50)
    twice = [np.concatenate([column, column]) for column in columns]
    once = refit_membership(BEFORE, *columns, np.ones(50))
    assert refit_membership(BEFORE, *twice, np.full(100, 0.5)) == pytest.approx(once)
    assert refit_membership(BEFORE, *columns, np.ones(50)) == once


def test_a_higher_level_never_speaks_against_a_segment():
    levels = np.linspace(-5, 5, 1000).astype(np.float32)
    nothing = np.zeros(1000)
    found = refit_membership(
        BEFORE, levels, nothing, nothing > 0, levels < 0, np.ones(1000)
    )
    assert found.linkage == pytest.approx(LEAST_LINKAGE)
