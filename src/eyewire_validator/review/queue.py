"""Rank the decisions that a person should make, the most useful first.

A decision says whether one candidate segment belongs to the seed of its task. What it
is expected to save is the probability that the answer would be wrong about it if nobody
looked. Of an open task the model alone says so. In a labelled one, where people have
answered, they and the model are two witnesses, whose odds are multiplied.
"""

import hashlib
from collections.abc import Collection

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from eyewire_validator.evaluation.calibration import Calibration
from eyewire_validator.evaluation.decisions import ACCEPT, ASK, REJECT, reaches
from eyewire_validator.evaluation.summary import CONTESTED
from eyewire_validator.storage.schemas.index import OPEN
from eyewire_validator.storage.schemas.review import QUEUE

# Why a decision is asked for.
UNSURE, ALARM, MISSING, FOREIGN = "ask", "alarm", "missing", "foreign"
AUDIT, STOP = "audit", "stop"
REASONS = {
    UNSURE: "The model is not sure.",
    MISSING: "People left it out, but the model is sure that it belongs.",
    FOREIGN: "People chose it, but the model is sure that it does not belong.",
    AUDIT: "A random check of what the model accepts on its own.",
}
# Besides audits, this share is asked without showing the proposal, to see by comparison
# how far people follow what they are shown.
BLIND_SHARE = 0.1
# Neither the model nor people are believed more than this where they contradict.
MOST_BELIEVED = 0.95


def select_decisions(
    answers: pd.DataFrame,
    threshold: float | None,
    audit_share: float,
    calibration: Calibration | None = None,
) -> pd.DataFrame:
    """Select what a person should decide, and say why; a batch of answers at a time.

    Of an open task these are the candidates that the model is not sure of, where the
    alarm rings those with a calibrated probability of at least `CONTESTED`, and a
    sample of those that are accepted; of a labelled one, where no alarm rings, the
    model is sure, and people chose otherwise.

    Args:
        answers: rows in the schema `ANSWERS`.
        threshold: least probability of the segments that the model chooses; none: it
            chooses none.
        audit_share: of the segments accepted unseen that are asked about.
        calibration: fitted on validation tasks; none, if there are none.

    Returns:
        The columns of `QUEUE` but ``rank``, ``data`` and ``checkpoint``, in the order
        of ``answers``, with ``drawn``, a number in [0, 1) that hangs on the item alone.
    """
    rows = answers.assign(
        item=answers["task"].astype(str) + "-" + answers["segment"].astype(str)
    )
    rows["drawn"] = np.array([_draw("audit", item) for item in rows["item"]], float)
    rows["reason"] = _reasons(rows, audit_share)
    rows = rows[rows["reason"].notna()].reset_index(drop=True)
    blind = [_draw("blind", item) < BLIND_SHARE for item in rows["item"]]
    rows["blind"] = np.array(blind, bool) | (rows["reason"] == AUDIT)
    rows["why"] = rows["reason"].map(REASONS).fillna(rows["alarm"])
    rows["proposal"] = reaches(rows["probability"], threshold)
    rows["validated"] = (
        np.nan if calibration is None else calibration.isotonic(rows["probability"])
    )
    rows["probability"] = rows["calibrated"]
    rows["current"] = rows["aggregate"].fillna(rows["proposal"]).astype(bool)
    belongs = np.where(rows["split"] == OPEN, rows["probability"], _of_both(rows))
    rows["expected_edits"] = np.where(rows["current"], 1 - belongs, belongs)
    return rows[[name for name in [*QUEUE.names, "drawn"] if name in rows]]


def rank_decisions(decisions: pd.DataFrame, settled: Collection[str]) -> pd.DataFrame:
    """Rank decisions by the edits that each is expected to save, ties by size.

    An audit saves little and is of use only if it is asked, so audits are spread
    evenly.

    Args:
        decisions: from `select_decisions`, of all batches.
        settled: items that people have decided; they are left out.

    Returns:
        The same columns but ``drawn``, and ``rank``, from 1.
    """
    rows = decisions[~decisions["item"].isin(settled)].sort_values(
        ["expected_edits", "voxels", "task", "segment"],
        ascending=[False, False, True, True],
    )
    is_audit = rows["reason"] == AUDIT
    audits, others = rows[is_audit].sort_values("drawn"), rows[~is_audit]
    places = np.append(
        np.arange(len(others)),
        (np.arange(len(audits)) + 0.5) / max(len(audits), 1) * len(others) - 0.5,
    )
    both = pd.concat([others, audits]).iloc[np.argsort(places, kind="stable")]
    ranked = both.drop(columns="drawn").reset_index(drop=True)
    return ranked.assign(rank=np.arange(1, len(ranked) + 1))


def _reasons(rows: pd.DataFrame, audit_share: float) -> NDArray[np.object_]:
    """Return (rows,) the reason to ask about each, or none."""
    is_open = rows["split"] == OPEN
    alarmed = rows["alarm"].notna()
    # In tissue unlike all that it learned from, a model is no judge of people.
    judges = ~is_open & ~alarmed
    decision, chosen = rows["decision"], rows["aggregate"].astype("boolean")
    accepted, contested = decision == ACCEPT, rows["calibrated"] >= CONTESTED
    # The last that holds counts.
    reasons = [
        (is_open & alarmed & contested, ALARM),
        (is_open & ~alarmed & (decision == ASK), UNSURE),
        (is_open & accepted & (rows["drawn"] < audit_share), AUDIT),
        (judges & accepted & ~chosen.fillna(True), MISSING),
        (judges & (decision == REJECT) & chosen.fillna(False), FOREIGN),
    ]
    found = np.full(len(rows), None, object)
    for where, reason in reasons:
        found[where.to_numpy(bool)] = reason
    return found


def _of_both(rows: pd.DataFrame) -> NDArray[np.float64]:
    """Return (rows,) that a segment belongs, by the model and by people together."""
    by_model, by_people = (
        np.clip(rows[name].to_numpy(np.float64), 1 - MOST_BELIEVED, MOST_BELIEVED)
        for name in ("probability", "vote_weight")
    )
    both = by_model * by_people
    belongs: NDArray[np.float64] = both / (both + (1 - by_model) * (1 - by_people))
    return belongs


def _draw(purpose: str, item: str) -> float:
    """Return a number in [0, 1) that looks random, the same for the same item."""
    digest = hashlib.sha256(f"{purpose} {item}".encode()).digest()
    return int.from_bytes(digest[:7]) / 2**56
