"""Judge answers on a tissue by what was learned and fitted on other tissues alone."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from eyewire_validator.agglomeration.tissue_memberships import TissueMemberships
from eyewire_validator.evaluation.bootstrap import summarize_replicates
from eyewire_validator.evaluation.calibration import (
    Calibration,
    Labelled,
    calibration_report,
)
from eyewire_validator.evaluation.decisions import (
    Decisions,
    DecisionSettings,
    choose_decisions,
    decide,
    reaches,
)
from eyewire_validator.evaluation.ranking import (
    RankedSegments,
    batches_of,
    rank_segments,
)
from eyewire_validator.evaluation.risk import Risk
from eyewire_validator.evaluation.risk_curve import risk_curve
from eyewire_validator.evaluation.segment_metrics import evaluate_cells
from eyewire_validator.evaluation.summary import CONTESTED
from eyewire_validator.models.evidence import Evidence, fit_memberships

# Shares of false merges that are asked for.
ASKED = (0.01, 0.02, 0.05, 0.1, 0.2)
# Metrics that are reported with their interval over cells.
REPORTED = ("pr_auc", "f1", "precision", "recall", "edits", "voxel_iou")


def pool(
    tissues: Mapping[str, Evidence], memberships: TissueMemberships
) -> pd.DataFrame:
    """Return the candidates of tissues by what they are known for.

    Returns:
        ``task`` and ``cell``, numbered over all tissues; ``probability``; ``voxels``;
        ``truth``; and ``weight``, by which tissues count the same.
    """
    parts = []
    for number, evidence in enumerate(tissues.values()):
        about = evidence.candidates
        truth = about["truth"].to_numpy(np.bool_)
        parts.append(
            pd.DataFrame(
                {
                    "task": _of_tissue(number, about["task"]),
                    "cell": _of_tissue(number, about["cell"]),
                    "probability": evidence.probability(memberships),
                    "voxels": about["voxels"],
                    "truth": truth,
                    "weight": 1 / max(1, truth.sum()),
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def rank_pooled(pooled: pd.DataFrame) -> tuple[RankedSegments, pd.DataFrame]:
    """Rank what `pool` returned; return its tasks with their cells, too."""
    tasks = pooled[["task", "cell"]].drop_duplicates(ignore_index=True)
    return rank_segments(batches_of(pooled), tasks), tasks


def choose_across(
    tissues: Mapping[str, Evidence],
    memberships: TissueMemberships,
    settings: DecisionSettings,
) -> Decisions:
    """Choose thresholds on several tissues; for edits, each counts the same.

    The threshold of what is chosen is for tissue that looks like none, so all are taken
    for such. What is decided unseen never is such: the cells of all tissues together,
    each by its own membership, are what bounds its risk.
    """
    pooled = pool(tissues, memberships)
    ranked, tasks = rank_pooled(pooled)
    chosen = choose_decisions(ranked, tasks, settings)
    strangers = pool(tissues, memberships.for_strangers())
    return replace(chosen, threshold=fewest_edits(strangers))


def _of_tissue(number: int, ids: pd.Series) -> pd.Series:
    """Number ids so that no two tissues share any."""
    return pd.Series(pd.factorize(ids)[0].astype(np.int64) + (number << 32))


def fewest_edits(pooled: pd.DataFrame) -> float:
    """Return the threshold that leaves the fewest edits, tissues counting the same.

    It lies half-way between two probabilities; of equals, the highest is returned.
    """
    ranked = pooled.sort_values("probability", ascending=False)
    weight = ranked["weight"].to_numpy()
    right = np.where(ranked["truth"], -weight, weight)
    probability = ranked["probability"].to_numpy(np.float64)
    # Above all, and below each last one of its probability.
    last = np.append(probability[1:] != probability[:-1], True)
    edits = np.append(0.0, right.cumsum()[last])
    levels = probability[last]
    best = int(edits.argmin())
    if best == 0:
        return 1.0
    below = levels[best] if best < len(levels) else 0.0
    return float((levels[best - 1] + below) / 2)


def judge_left_out(
    own: Evidence,
    others: Mapping[str, Evidence],
    settings: DecisionSettings,
    *,
    volume_voxels: int,
    bootstrap: Mapping[str, int],
) -> dict[str, Any]:
    """Fit memberships and thresholds to other tissues, and judge them on this one.

    Args:
        own: of the tissue that is judged, by a model that never saw it.
        others: of other tissues, each by a model that saw neither it nor this one.
        settings: what is asked of decisions.
        volume_voxels: full-resolution voxels of a volume of the tissue.
        bootstrap: ``resamples`` and ``random_seed``.

    Returns:
        A row: what `report_answers` returns; ``alarm``, the share of tasks in volumes
        unlike the other tissues, and ``edits_heeded``, if nothing is answered in
        these; ``ece`` of contested candidates, uncalibrated; and for each of `ASKED`,
        in per cent: ``wrong_cells_``, the share of false merges among what is accepted
        in a cell, on average over cells, which is what was asked for; ``kept_``, the
        share among all that is accepted; and ``coverage_``, the share of what belongs
        that is accepted.
    """
    memberships = fit_memberships(others)
    segments = own.candidates.assign(probability=own.probability(memberships))
    tasks = own.tasks.assign(alarm=None)
    decisions = choose_across(others, memberships, settings)
    answers = decide(segments, tasks, decisions, volume_voxels=volume_voxels)
    ranked = rank_segments(batches_of(segments), tasks)
    row = report_answers(answers, ranked, bootstrap)
    truth = segments["truth"].to_numpy(np.bool_)
    rings = tasks["volume"].isin(_alarmed(own, memberships)).to_numpy()
    missed = (answers["tp"] + answers["fn"]).to_numpy()
    row["alarm"] = float(rings.mean())
    row["edits_heeded"] = float(np.where(rings, missed, answers["edits"]).mean())
    labelled = Labelled(batches_of(segments), ranked)
    report = calibration_report(labelled, Calibration.fit(labelled), CONTESTED)
    row["ece"] = report["raw"]["ece_width"] if report else None
    for asked in ASKED:
        asking = replace(settings, risk=Risk(asked, settings.risk.confidence))
        accepting = choose_across(others, memberships, asking).accept
        row |= _kept(segments, truth, accepting, f"{100 * asked:g}")
    return row


def risk_left_out(own: Evidence, others: Mapping[str, Evidence]) -> pd.DataFrame:
    """Follow the risk on a tissue as more of it is accepted, see `risk_curve`.

    Args:
        own: of the tissue that is judged, by a model that never saw it.
        others: that memberships are fitted to, as for `judge_left_out`.
    """
    about = own.candidates
    return risk_curve(
        own.probability(fit_memberships(others)),
        about["truth"].to_numpy(np.bool_),
        about["cell"].to_numpy(np.int64),
    )


def report_answers(
    answers: pd.DataFrame,
    ranked: RankedSegments,
    bootstrap: Mapping[str, int],
    metrics: Sequence[str] = REPORTED,
) -> dict[str, Any]:
    """Measure answers, with intervals over cells.

    Args:
        answers: from `decide`.
        ranked: the segments of these tasks.
        bootstrap: ``resamples`` and ``random_seed``.
        metrics: names among `METRICS`.

    Returns:
        ``tasks``, ``cells``; of each metric the value, ``_low`` and ``_high``; and
        ``edits_unanswered``, a task, if nothing is answered.
    """
    found = summarize_replicates([evaluate_cells(answers, ranked)], **bootstrap)
    row = {"tasks": found["tasks"], "cells": found["cells"]}
    for name in metrics:
        metric = found["metrics"][name]
        row |= {name: metric["value"]} | {
            f"{name}_{end}": metric[end] for end in ("low", "high")
        }
    unanswered = answers["tp"] + answers["fn"]
    return {**row, "edits_unanswered": float(unanswered.mean())}


def _alarmed(own: Evidence, memberships: TissueMemberships) -> list[int]:
    """Return the volumes that are unlike all tissues that memberships know."""
    familiar, voxel_nm = memberships.familiar, own.voxel_nm()
    return [
        volume
        for volume, seen in own.looks().items()
        if any(familiar.strange(seen, voxel_nm))
    ]


def _kept(
    segments: pd.DataFrame,
    truth: NDArray[np.bool_],
    threshold: float | None,
    name: str,
) -> dict[str, Any]:
    """Accept by the threshold that other tissues give, and see what is wrong here."""
    accepted = reaches(segments["probability"], threshold)
    wrong = pd.Series(~truth[accepted]).groupby(segments["cell"].to_numpy()[accepted])
    return {
        f"kept_{name}": float((~truth[accepted]).mean()) if accepted.any() else None,
        f"wrong_cells_{name}": float(wrong.mean().mean()) if accepted.any() else None,
        f"coverage_{name}": float((accepted & truth).sum() / max(1, truth.sum())),
    }
