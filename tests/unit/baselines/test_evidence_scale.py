"""Where the evidence of a volume lies."""

import numpy as np
import pytest

from eyewire_validator.baselines.evidence_scale import EvidenceScale


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


def test_without_contacts_evidence_stays_as_it_is():
    none = EvidenceScale.of(np.zeros(0), np.zeros((2, 0), np.float32))
    assert none == (0, 1)


def test_equal_contacts_have_a_spread_that_can_be_divided_by():
    assert EvidenceScale.of(np.ones(3), np.full((1, 3), 2.0)).spread > 0
