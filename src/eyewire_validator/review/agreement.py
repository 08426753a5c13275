"""Settle what reviewers decided, and measure how far they agree, and with whom."""

from collections.abc import Iterator
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from eyewire_validator.review.decisions import IRRELEVANT, NO, YES
from eyewire_validator.review.queue import AUDIT

# What reviewers contradict each other about.
CONFLICT = "conflict"
# What belongs nowhere does not belong to the seed.
BELONGS = {YES: True, NO: False, IRRELEVANT: False}


def settle(decisions: pd.DataFrame) -> pd.DataFrame:
    """Settle each item that reviewers say the same of.

    Args:
        decisions: table in the schema `DECISIONS`.

    Returns:
        A row an item that somebody decided: ``item``; ``verdict``, yes, no or conflict;
        ``decided_by``, their names; and own ids and point of the pair.
    """
    decided = decisions[decisions["verdict"].isin(BELONGS)]
    belongs = decided["verdict"].map(BELONGS).astype(bool)
    by_item = belongs.groupby(decided["item"])
    said = np.select([by_item.all(), ~by_item.any()], [YES, NO], CONFLICT)
    names = decided.groupby("item")["reviewer"].agg("; ".join)
    pair = ["item", "task", "cell", "seeds", "supervoxel", "z_nm", "y_nm", "x_nm"]
    rows = decided.drop_duplicates("item").sort_values("item")[pair]
    rows.insert(1, "verdict", said)
    rows.insert(2, "decided_by", rows["item"].map(names))
    return rows.reset_index(drop=True)


def settled_pairs(decisions: pd.DataFrame) -> pd.DataFrame:
    """Return what is settled: ``task``, ``segment`` and ``belongs``, each pair once.

    Args:
        decisions: table in the schema `DECISIONS`.
    """
    settled = settle(decisions)
    settled = settled[settled["verdict"] != CONFLICT]
    segments = decisions.drop_duplicates("item").set_index("item")["segment"]
    return pd.DataFrame(
        {
            "task": settled["task"].astype(np.int64),
            "segment": settled["item"].map(segments).astype(np.int64),
            "belongs": (settled["verdict"] == YES).astype(bool),
        }
    ).reset_index(drop=True)


def agreement(decisions: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """Yield how far each two reviewers agree on what both saw, with Cohen's kappa.

    kappa = (p_o - p_e) / (1 - p_e), with p_o, the share of items that both say the same
    of, and p_e, what it would be if each said as often what they say, but at random. It
    is none where both always say the same one thing. All verdicts count.

    Source: Cohen, A coefficient of agreement for nominal scales, 1960.
    """
    verdicts = decisions.pivot(index="item", columns="reviewer", values="verdict")
    for one, other in combinations(verdicts.columns, 2):
        both = verdicts[[one, other]].dropna()
        if len(both):
            same = float((both[one] == both[other]).mean())
            yield {
                "reviewers": [one, other],
                "items": len(both),
                "agree": same,
                "kappa": _kappa(same, both[one], both[other]),
            }


def _kappa(same: float, one: "pd.Series[str]", other: "pd.Series[str]") -> float | None:
    shares = one.value_counts(normalize=True) * other.value_counts(normalize=True)
    by_chance = float(shares.sum())
    return None if by_chance >= 1 else (same - by_chance) / (1 - by_chance)


def blind_errors(decisions: pd.DataFrame) -> list[dict[str, Any]]:
    """Count how often the first verdict contradicts the model, by model and reviewer.

    Returns:
        For each model and reviewer, of the items that were decided: ``audited``, of
        what the model accepts unseen, and ``accepted_wrongly`` of them; ``blind`` and
        ``sighted``, without and with the proposal in view, audits left out, each with
        the number that contradicts it. People who follow what they are shown contradict
        it less often when they see it.
    """
    rows = decisions[decisions["first"].isin(BELONGS)]
    belongs = rows["first"].map(BELONGS).astype(bool)
    audited = rows["reason"] == AUDIT
    rows = rows.assign(
        group=np.select([audited, rows["blind"]], ["audited", "blind"], "sighted"),
        contradicts=belongs != rows["proposal"],
    )
    names = {
        "audited": "accepted_wrongly",
        "blind": "blind_contradict",
        "sighted": "sighted_contradict",
    }
    found = []
    for (checkpoint, reviewer), own in rows.groupby(["checkpoint", "reviewer"]):
        counts: dict[str, Any] = {"checkpoint": checkpoint, "reviewer": reviewer}
        for group, name in names.items():
            of_group = own.loc[own["group"] == group, "contradicts"]
            counts |= {group: len(of_group), name: int(of_group.sum())}
        found.append(counts)
    return found
