"""The verdict of the audits, for each model and the split."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from eyewire_validator.audit.own_answer import LeakAudit
from eyewire_validator.audit.split import SplitAudit
from eyewire_validator.errors import AuditError

# Whoever only reads verdicts does without torch.
if TYPE_CHECKING:
    from eyewire_validator.models.checkpoint import CheckpointInfo


def audit_checkpoint(info: "CheckpointInfo", index_hash: str) -> str | None:
    """Return why it is not known what a checkpoint was trained on; None if it is.

    Args:
        info: what the checkpoint says about itself.
        index_hash: SHA-256 of the file of the audited index.
    """
    if info.provenance.get("index") == index_hash:
        return None
    return "trained on another split: not checkable"


def model_verdict(
    audit: LeakAudit,
    doubts: Collection[str],
    *,
    leaked: bool,
    trained_on: str | None = None,
) -> dict[str, Any]:
    """Judge a model; the outcome is ready for JSON.

    Args:
        audit: of its inputs, or answers.
        doubts: what `audit_checkpoint` said of its checkpoints, if anything.
        leaked: whether its configuration says that its input holds the answer. It must
            then be caught at it; other grounds for not passing do not do.
        trained_on: the other tissue that its configuration says it was trained on, if
            so; that it is another cannot be checked, and a reason says so.
    """
    if doubts and trained_on:
        claim = f"trained on {trained_on}, its entry says: not checkable here"
        doubts, claims = [], [claim]
    else:
        claims = []
    passed = audit.passed and not doubts
    return {
        "passed": passed,
        "leaked": leaked,
        "as_expected": audit.changed > 0 if leaked else passed,
        "reasons": [*audit.reasons(), *dict.fromkeys(doubts), *claims],
        "own_answer": asdict(audit),
    }


def verdict(models: Mapping[str, dict[str, Any]], split: SplitAudit) -> dict[str, Any]:
    """Judge all models, by `model_verdict`, and the split; ready for JSON."""
    return {
        "as_expected": split.passed and all(m["as_expected"] for m in models.values()),
        "split": {
            "passed": split.passed,
            "reasons": list(split.reasons()),
            **asdict(split),
        },
        "models": dict(models),
    }


def to_text(verdict: Mapping[str, Any]) -> str:
    """Return a verdict for a terminal: a line each, and the reasons below."""
    lines = []
    for name, part in _parts(verdict):
        label = f"{name} (LEAKED)" if part.get("leaked") else name
        found = "passes" if part["passed"] else "fails"
        expected = "as expected" if part["as_expected"] else "NOT AS EXPECTED"
        lines.append(f"{label:32}{found}, {expected}")
        lines += [f"    {reason}" for reason in part["reasons"]]
    return "\n".join(lines) + "\n"


def require_expected(verdict: Mapping[str, Any]) -> None:
    """Refuse a verdict that is not as expected.

    Raises:
        AuditError: an honest model or the split does not pass, or a leaked model was
            not caught.
    """
    if verdict["as_expected"]:
        return
    wrong = (name for name, part in _parts(verdict) if not part["as_expected"])
    raise AuditError(
        f"the audit is not as expected for {', '.join(wrong)}; expected that leaked "
        "models fail and all else passes; results made with these say too much"
    )


def _parts(verdict: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    yield from verdict["models"].items()
    yield "split", {**verdict["split"], "as_expected": verdict["split"]["passed"]}
