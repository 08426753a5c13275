import json

import pytest

from eyewire_validator.audit.own_answer import LeakAudit
from eyewire_validator.audit.split import Overlap, SplitAudit
from eyewire_validator.audit.verdict import (
    audit_checkpoint,
    model_verdict,
    require_expected,
    to_text,
    verdict,
)
from eyewire_validator.config.families import NetworkSettings
from eyewire_validator.errors import AuditError
from eyewire_validator.models.checkpoint import CheckpointInfo

SETTINGS = NetworkSettings(
    title="honest", context="ancestors", context_channels=2, loops=2
)


def leak_audit(changed, *parts):
    """Make the audit of 3 tasks, of which the first few changed."""
    first = tuple(range(1, changed + 1))
    return LeakAudit("input", 3, changed, changed, changed, 0, first, parts)


def split_audit(*overlaps):
    """Make the audit of two volumes that share nothing but these overlaps."""
    shared = sum(overlap.voxels for overlap in overlaps)
    return SplitAudit(2, 0, len(overlaps), shared, overlaps, 0, (), 0, ())


HONEST = leak_audit(0)
LEAKED = leak_audit(3, "context 1")
DISJOINT = split_audit()
OVERLAPPING = split_audit(Overlap((1, 2), ("train", "test"), 32**3))


@pytest.mark.parametrize("provenance", [{}, {"index": "another"}])
def test_a_checkpoint_of_another_split_is_not_checkable(provenance):
    info = CheckpointInfo(SETTINGS, provenance=provenance)
    assert "not checkable" in audit_checkpoint(info, "this")


def test_a_checkpoint_of_this_split_is_checkable():
    info = CheckpointInfo(SETTINGS, provenance={"index": "this"})
    assert audit_checkpoint(info, "this") is None


@pytest.mark.parametrize(("audit", "passed"), [(HONEST, True), (LEAKED, False)])
def test_other_tissue_is_taken_on_trust_and_said(audit, passed):
    """What is claimed of its training excuses no leak of its input."""
    found = model_verdict(
        audit, ["not checkable"], leaked=False, trained_on="other tissue"
    )
    assert (found["passed"], found["as_expected"]) == (passed, passed)
    assert found["reasons"][-1].startswith("trained on other tissue, its entry says")


@pytest.mark.parametrize(
    ("audit", "leaked", "doubts", "passed", "as_expected"),
    [
        (HONEST, False, [], True, True),
        (LEAKED, True, [], False, True),
        (LEAKED, False, [], False, False),
        (HONEST, True, [], True, False),
        (HONEST, False, ["not checkable"], False, False),
        (HONEST, True, ["not checkable"], False, False),
        (LEAKED, True, ["not checkable"], False, True),
    ],
)
def test_a_leaked_model_must_be_caught_and_an_honest_one_pass(
    audit, leaked, doubts, passed, as_expected
):
    found = model_verdict(audit, doubts, leaked=leaked)
    assert (found["passed"], found["as_expected"]) == (passed, as_expected)
    assert bool(found["reasons"]) == (not passed)
    overall = verdict({"model": found}, DISJOINT)
    assert overall["as_expected"] == as_expected
    assert ("NOT AS EXPECTED" in to_text(overall)) == (not as_expected)


def test_a_verdict_survives_json():
    found = verdict({"a": model_verdict(LEAKED, [], leaked=True)}, DISJOINT)
    again = json.loads(json.dumps(found))
    assert again["models"]["a"]["own_answer"]["parts"] == ["context 1"]
    assert to_text(again) == to_text(found)
    require_expected(again)


def test_what_is_not_as_expected_is_refused_by_name():
    models = {
        "good": model_verdict(HONEST, [], leaked=False),
        "bad": model_verdict(LEAKED, [], leaked=False),
    }
    with pytest.raises(AuditError, match="not as expected for bad, split;"):
        require_expected(verdict(models, OVERLAPPING))
