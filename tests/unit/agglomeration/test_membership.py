"""How probability follows from linkage and what stands beside it."""

import numpy as np
import pytest

from eyewire_validator.agglomeration.membership import (
    LEAST_LINKAGE,
    LINKAGE_ALONE,
    Joined,
    Membership,
    company_of,
    fit_membership,
    refit_membership,
)


def joined(levels, company=0.0, seed_area=0.0, rejected=False):
    """Segments that are joined at levels, and else alike where nothing is said."""
    levels = np.asarray(levels, np.float32)
    return Joined(
        levels,
        np.broadcast_to(np.float32(company), levels.shape),
        *(np.broadcast_to(one, levels.shape[-1:]) for one in (seed_area, rejected)),
    )


def test_linkage_alone_is_its_own_probability():
    found = LINKAGE_ALONE.probability(joined([-np.inf, -1.0, 0.0, np.inf]))
    assert found.tolist() == pytest.approx([0, 1 / (1 + np.e), 0.5, 1])


@pytest.mark.parametrize(
    ("about", "odds"),
    [({}, 0), ({"seed_area": np.e - 1}, 1), ({"rejected": True}, -2),
     ({"company": 3.0}, -1.5)],
)  # fmt: skip
def test_contact_speaks_for_a_segment_and_rejection_and_company_against_it(about, odds):
    membership = Membership(-1.0, 1.0, contact=1.0, rejected=-2.0, company=-0.5)
    found = membership.probability(joined([1.0], **about))
    assert found == pytest.approx([1 / (1 + np.exp(-odds))])


def test_company_is_all_that_joins_at_a_level_beside_the_seed():
    """Two segments join at once, by the second member all three."""
    levels = np.array([[2.0, 2.0, 1.0], [0.5, 0.5, 0.5]], np.float32)
    found = company_of(levels, np.array([10.0, 20.0, 5.0]), of_seed=30.0)
    together = [[30, 30, 5], [35, 35, 35]]
    np.testing.assert_allclose(found, np.log1p(together) - np.log1p(30), rtol=1e-6)


def test_what_members_do_not_join_is_left_out():
    levels = [[1.0, -np.inf, 2.0], [-np.inf, -np.inf, 3.0]]
    of_members, of_each = joined(levels, seed_area=[4.0, 5.0, 6.0]).of_members()
    assert of_members.levels.tolist() == [1, 2, 3]
    assert of_members.seed_area.tolist() == [4, 6, 6]
    assert of_each.tolist() == [0, 2, 2]


def drawn(membership, count=4000):
    """Segments of which as many belong as the membership says."""
    generator = np.random.default_rng(0)
    levels = generator.uniform(-5, 5, count).astype(np.float32)
    seed_faces = generator.integers(0, 50, count) * generator.integers(0, 2, count)
    rejected = generator.random(count) < 0.3
    company = generator.normal(0, 2, count)
    segments = joined(levels, company, seed_faces, rejected)
    return segments, generator.random(count) < membership.probability(segments)


def first(columns, count):
    """The first of drawn segments, and whether they belong."""
    segments, belongs = columns
    return Joined(*(column[:count] for column in segments)), belongs[:count]


def test_what_segments_were_drawn_from_is_found_again():
    truth = Membership(-1.5, linkage=0.8, contact=0.6, rejected=-2.5, company=-0.7)
    assert fit_membership(*drawn(truth)) == pytest.approx(truth, abs=0.25)


def test_what_no_segment_shows_counts_for_nothing():
    segments, belongs = drawn(Membership(0.0, 1.0, 0.5, 0.0, -0.5))
    found = fit_membership(joined(segments.levels), belongs)
    assert (found.contact, found.rejected, found.company) == pytest.approx((0, 0, 0))


@pytest.mark.parametrize("belongs", [[True] * 3, [False] * 3, [True, False, False]])
def test_where_nothing_can_be_learnt_linkage_stays_alone(belongs):
    """All belong, or none; or the lowest level does."""
    found = fit_membership(joined([-1.0, 0.0, 1.0]), np.array(belongs))
    assert found == LINKAGE_ALONE


BEFORE = Membership(bias=-4.0, linkage=1.5, contact=0.3, rejected=-3.0)
TRUTH = Membership(bias=-1.5, linkage=0.8, contact=0.6, rejected=-2.5)


def test_without_labels_a_refit_is_what_was_before():
    none = first(drawn(TRUTH), 0)
    assert refit_membership(BEFORE, *none, np.ones(0)) == pytest.approx(BEFORE)


def test_many_labels_refit_to_what_a_plain_fit_finds():
    columns = drawn(TRUTH, 40_000)
    found = refit_membership(BEFORE, *columns, np.ones(40_000))
    assert found == pytest.approx(fit_membership(*columns), abs=0.05)


def test_the_fewer_labels_the_nearer_a_refit_stays():
    few, many = (first(drawn(TRUTH), count) for count in (10, 1000))
    off_few, off_many = (
        np.abs(np.subtract(refit_membership(BEFORE, *c, np.ones(len(c[1]))), BEFORE))
        for c in (few, many)
    )
    assert 0 < off_few[1] < off_many[1]


def test_a_refit_weighs_labels_and_is_the_same_again():
    columns = segments, belongs = drawn(TRUTH, 50)
    twice = Joined(*(np.tile(column, 2) for column in segments)), np.tile(belongs, 2)
    once = refit_membership(BEFORE, *columns, np.ones(50))
    assert refit_membership(BEFORE, *twice, np.full(100, 0.5)) == pytest.approx(once)
    assert refit_membership(BEFORE, *columns, np.ones(50)) == once


def test_a_higher_level_never_speaks_against_a_segment():
    levels = np.linspace(-5, 5, 1000).astype(np.float32)
    found = refit_membership(BEFORE, joined(levels), levels < 0, np.ones(1000))
    assert found.linkage == pytest.approx(LEAST_LINKAGE)
