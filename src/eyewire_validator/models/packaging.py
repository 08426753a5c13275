"""Fit to tissues what stands beside the evidence, and say what it was worth.

It goes into the checkpoint of a model that learned from them.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from eyewire_validator.agglomeration.tissue_memberships import TissueMemberships
from eyewire_validator.evaluation.calibration import Labelled, fit_temperature
from eyewire_validator.evaluation.decisions import DecisionSettings, decided_unseen
from eyewire_validator.evaluation.operating_point import OperatingPoint, measure_kept
from eyewire_validator.evaluation.ranking import batches_of
from eyewire_validator.models.carry_over import choose_across, pool, rank_pooled
from eyewire_validator.models.evidence import Evidence, fit_memberships


class LeftOut(NamedTuple):
    """The evidence on a tissue, and on others.

    Attributes:
        own: by a model that never saw it.
        others: by tissue, each by a model that saw neither it nor this one.
    """

    own: Evidence
    others: Mapping[str, Evidence]


def fit_across(
    tissues: Mapping[str, LeftOut], settings: DecisionSettings
) -> tuple[TissueMemberships, OperatingPoint]:
    """Fit memberships, thresholds and calibration to all tissues.

    What they are worth is measured on each tissue with those of the others alone.
    """
    evidence = {name: one.own for name, one in tissues.items()}
    where = f"tissue left out, each of {', '.join(tissues)}"
    return _fit(evidence, tissues, where, settings)


def fit_without(
    tissue: str, left_out: LeftOut, settings: DecisionSettings
) -> tuple[TissueMemberships, OperatingPoint]:
    """Fit the same to the other tissues; measure it on the one that is left out."""
    return _fit(left_out.others, {tissue: left_out}, f"{tissue}, left out", settings)


def _fit(
    evidence: Mapping[str, Evidence],
    left_out: Mapping[str, LeftOut],
    where: str,
    settings: DecisionSettings,
) -> tuple[TissueMemberships, OperatingPoint]:
    """Fit to the evidence; measure the same of others on each one left out."""
    memberships = fit_memberships(evidence)
    decisions = choose_across(evidence, memberships, settings)
    pooled = pool(evidence, memberships)
    labelled = Labelled(batches_of(pooled), rank_pooled(pooled)[0])
    measured = pool({name: one.own for name, one in left_out.items()}, memberships)
    judged = [_decide_by_others(one, settings) for one in left_out.values()]
    accepted, rejected, belongs = (
        np.concatenate(column) for column in zip(*judged, strict=True)
    )
    cells = measured["cell"].to_numpy(np.int64)
    point = OperatingPoint(
        where,
        decisions,
        fit_temperature(labelled),
        int(measured["task"].nunique()),
        int(measured["cell"].nunique()),
        accepted=measure_kept(accepted, belongs, cells),
        rejected=measure_kept(rejected, ~belongs, cells),
    )
    return memberships, point


def _decide_by_others(
    one: LeftOut, settings: DecisionSettings
) -> tuple[NDArray[np.bool_], NDArray[np.bool_], NDArray[np.bool_]]:
    """Return what is accepted and rejected unseen of a tissue, and what belongs."""
    memberships = fit_memberships(one.others)
    decisions = choose_across(one.others, memberships, settings)
    segments = one.own.candidates.assign(probability=one.own.probability(memberships))
    calm = one.own.tasks.assign(alarm=None)
    return *decided_unseen(segments, calm, decisions), segments["truth"].to_numpy(
        np.bool_
    )
