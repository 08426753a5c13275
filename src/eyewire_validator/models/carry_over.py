"""Judge answers on a tissue by what was learned and fitted on other tissues alone."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from eyewire_validator.agglomeration.membership import Membership
from eyewire_validator.evaluation.bootstrap import summarize_replicates
from eyewire_validator.evaluation.calibration import (
    Calibration,
    Labelled,
    calibration_report,
)
from eyewire_validator.evaluation.decisions import Decisions, decide
from eyewire_validator.evaluation.ranking import batches_of, rank_segments
from eyewire_validator.evaluation.risk import choose_acceptance
from eyewire_validator.evaluation.segment_metrics import evaluate_cells
from eyewire_validator.evaluation.summary import CONTESTED
from eyewire_validator.models.evidence import Evidence, fit_membership_across

# Shares of false merges that are asked for, each with this confidence.
ASKED = (0.01, 0.02, 0.05)
CONFIDENCE = 0.95
# Metrics that are reported with their interval over cells.
REPORTED = ("pr_auc", "f1", "precision", "recall", "edits", "voxel_iou")


def pool(tissues: Mapping[str, Evidence], membership: Membership) -> pd.DataFrame:
    """Return the candidates of tissues: ``probability``, ``truth``, ``cluster``.

    Clusters are cells within tissues; ``weight`` makes tissues count the same.
    """
    parts = [
        pd.DataFrame(
            {
                "probability": evidence.probability(membership),
                "truth": evidence.candidates["truth"].to_numpy(np.bool_),
                "cluster": f"{name}/" + evidence.candidates["cell"].astype(str),
                "weight": 1 / max(1, evidence.candidates["truth"].sum()),
            }
        )
        for name, evidence in tissues.items()
    ]
    return pd.concat(parts, ignore_index=True)


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
    *,
    volume_voxels: int,
    bootstrap: Mapping[str, int],
) -> dict[str, Any]:
    """Fit membership and thresholds to other tissues, and judge them on this one.

    Args:
        own: of the tissue that is judged, by a model that never saw it.
        others: of other tissues, each by a model that saw neither it nor this one.
        volume_voxels: full-resolution voxels of a volume of the tissue.
        bootstrap: ``resamples`` and ``random_seed``.

    Returns:
        A row: ``tasks``, ``cells``; of `REPORTED` the value, ``_low`` and ``_high``;
        ``edits_unanswered``, a task, if nothing is answered; ``ece`` of contested
        candidates, uncalibrated; and for each of `ASKED`, in per cent, ``kept_``, the
        share of false merges among what was accepted, ``coverage_``, and
        ``wrong_cells_``, the mean share over cells, which is what was asked for.
    """
    membership = fit_membership_across(others)
    pooled = pool(others, membership)
    segments = own.candidates.assign(probability=own.probability(membership))
    tasks = own.tasks.assign(alarm=None)
    decisions = Decisions(
        fewest_edits(pooled), None, None, tasks=0, cells=0, segments=0
    )
    answers = decide(segments, tasks, decisions, volume_voxels=volume_voxels)
    ranked = rank_segments(batches_of(segments), tasks)
    found = summarize_replicates([evaluate_cells(answers, ranked)], **bootstrap)
    row = {"tasks": found["tasks"], "cells": found["cells"]}
    for name in REPORTED:
        metric = found["metrics"][name]
        row |= {name: metric["value"]} | {
            f"{name}_{end}": metric[end] for end in ("low", "high")
        }
    truth = segments["truth"].to_numpy(np.bool_)
    row["edits_unanswered"] = float(truth.sum() / len(tasks))
    labelled = Labelled(batches_of(segments), ranked)
    report = calibration_report(labelled, Calibration.fit(labelled), CONTESTED)
    row["ece"] = report["raw"]["ece_width"] if report else None
    for asked in ASKED:
        row |= _kept(pooled, segments, truth, asked)
    return row


def _kept(
    pooled: pd.DataFrame, segments: pd.DataFrame, truth: NDArray[np.bool_], asked: float
) -> dict[str, Any]:
    """Accept by the threshold that other tissues give, and see what is wrong here."""
    accepting = choose_acceptance(
        pooled["probability"], pooled["truth"], pooled["cluster"], asked, CONFIDENCE
    )
    name = f"{100 * asked:g}"
    threshold = np.inf if accepting.threshold is None else accepting.threshold
    accepted = segments["probability"].to_numpy() >= threshold
    wrong = pd.Series(~truth[accepted]).groupby(segments["cell"].to_numpy()[accepted])
    return {
        f"kept_{name}": float((~truth[accepted]).mean()) if accepted.any() else None,
        f"wrong_cells_{name}": float(wrong.mean().mean()) if accepted.any() else None,
        f"coverage_{name}": float((accepted & truth).sum() / max(1, truth.sum())),
    }
