"""Where the evidence of a volume lies, and levels on that scale."""

import numpy as np
import pytest

from eyewire_validator.agglomeration.evidence_scale import EvidenceScale
from eyewire_validator.agglomeration.linkage import Linkage
from eyewire_validator.agglomeration.membership import Membership

PAIRS = np.array([[1, 2], [1, 3], [2, 3], [2, 4], [3, 5], [4, 5]])
AREA = np.array([4.0, 1.0, 2.0, 3.0, 5.0, 1.0])
EVIDENCE = np.array([[2.0, 1.0, -1.0, 0.5, -0.5, -2.0]], np.float32)


def test_it_is_the_middle_and_the_spread_of_the_contacts():
    draw = np.random.default_rng(0)
    evidence = draw.normal(2.0, 0.5, (2, 20_000)).astype(np.float32)
    found = EvidenceScale.of(np.ones(20_000), evidence)
    assert found == pytest.approx((2.0, 0.5 / np.sqrt(2)), abs=0.02)


def test_large_contacts_count_more_and_small_ones_are_many():
    area, evidence = np.array([100.0, *[1.0] * 12]), np.array([[3.0, *[0.0] * 12]])
    assert EvidenceScale.of(area, evidence).middle == 0
    assert EvidenceScale.of(2 * area, evidence).middle == 0
    assert EvidenceScale.of(area[:8], evidence[:, :8]).middle == 3


def test_without_contacts_levels_stay_as_they_are():
    none = EvidenceScale.of(np.zeros(0), np.zeros((2, 0), np.float32))
    membership = Membership(0.5, 2.0, 0.1, -1.0)
    assert membership.on_scale(none) == membership


def test_equal_contacts_have_a_spread_that_can_be_divided_by():
    assert EvidenceScale.of(np.ones(3), np.full((1, 3), 2.0)).spread > 0


def test_shifted_and_stretched_evidence_gives_the_same_answers():
    membership = Membership(-1.0, 2.0, 0.3, -1.0)

    def probability(evidence):
        levels = Linkage.prepare(PAIRS, AREA, evidence).levels(np.array([1]))
        here = membership.on_scale(EvidenceScale.of(AREA, evidence))
        return here.probability(levels, np.zeros(5), np.zeros(5, np.bool_))

    np.testing.assert_allclose(
        probability(0.5 * EVIDENCE + 3), probability(EVIDENCE), rtol=1e-5
    )


def test_a_membership_comes_back_from_a_scale():
    membership, scale = Membership(-1.0, 2.0, 0.3, -1.0), EvidenceScale(2.5, 0.7)
    assert membership.off_scale(scale).on_scale(scale) == pytest.approx(membership)
    assert membership.off_scale(scale) != membership
