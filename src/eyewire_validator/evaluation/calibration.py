"""Calibration: do probabilities of segments agree with how often they belong?

`probability` and `truth` are always (n,) arrays, one entry a candidate segment: the
probability that it belongs to the answer, in [0, 1], and whether it does. Work in
float64; nothing here knows of tasks or cells.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit, logit

from eyewire_validator.errors import TableError

# Probabilities are kept this far from 0 and 1 wherever a logarithm is taken of them: a
# segment answered with 0 or 1, and wrongly, costs 13.8 nats instead of infinity.
CLIP = 1e-6

# From ten times too cautious (answers that are separable ask for 0) to knowing nothing
# (answers without any relation to the truth ask for infinity).
TEMPERATURES = (0.1, 100.0)

Equal = Literal["width", "mass"]
_Floats = NDArray[np.float64]
_Bools = NDArray[np.bool_]


def reliability(
    probability: ArrayLike, truth: ArrayLike, *, bins: int = 15, equal: Equal = "width"
) -> pd.DataFrame:
    """Bin the segments by probability, as a reliability diagram shows them.

    Args:
        probability: (n,) in [0, 1].
        truth: (n,) bool.
        bins: how many; those that stay empty are left out.
        equal: ``width`` cuts [0, 1] into intervals that hold their lower edge, the
            last one its upper edge too, so that a probability of 1 is in the last.
            ``mass`` puts the segment of rank r (0 is the lowest) into bin
            ``floor(bins * (r + 1/2) / n)``; equal probabilities share their mean rank,
            and so a bin.

    Returns:
        A row a bin, ascending: ``low`` and ``high`` (the interval's edges for
        ``width``, the lowest and highest probability in it for ``mass``),
        ``segments``, ``mean_probability`` and ``frequency`` (share that belongs).

    Raises:
        TableError: no segments, of unequal number, or not probabilities.
    """
    probability, truth = _check(probability, truth)
    cut = {"width": _cut_width, "mass": _cut_mass}[equal]
    place, low, high = cut(probability, bins)
    segments = np.bincount(place, minlength=bins)
    filled = segments > 0
    table = {
        "low": low,
        "high": high,
        "segments": segments,
        "mean_probability": np.bincount(place, probability, bins),
        "frequency": np.bincount(place, truth, bins),
    }
    frame = pd.DataFrame(table)[filled].reset_index(drop=True)
    for name in ("mean_probability", "frequency"):
        frame[name] /= frame["segments"]
    return frame


def ece(table: pd.DataFrame) -> float:
    """Return the expected calibration error, in [0, 1].

    The mean over segments of ``|frequency - mean_probability|`` of their bin (Naeini
    et al. 2015, Guo et al. 2017); of equal-mass bins it is also called adaptive.

    Args:
        table: from `reliability`.
    """
    gap = (table["frequency"] - table["mean_probability"]).abs()
    return float((table["segments"] * gap).sum() / table["segments"].sum())


def brier(probability: ArrayLike, truth: ArrayLike) -> float:
    """Return the mean squared difference of probability and truth, in [0, 1].

    Raises:
        TableError: no segments, of unequal number, or not probabilities.
    """
    probability, truth = _check(probability, truth)
    return float(np.mean((probability - truth) ** 2))


def nll(probability: ArrayLike, truth: ArrayLike) -> float:
    """Return the mean negative log likelihood in nats, of clipped probabilities.

    They are clipped to [`CLIP`, 1 - `CLIP`], so that it is finite.

    Raises:
        TableError: no segments, of unequal number, or not probabilities.
    """
    probability, truth = _check(probability, truth)
    of_truth = np.where(truth, probability, 1 - probability)
    return float(-np.mean(np.log(np.clip(of_truth, CLIP, 1 - CLIP))))


def fit_temperature(probability: ArrayLike, truth: ArrayLike) -> float:
    """Return the temperature that divides the logits to the least mean NLL.

    The logits are those of clipped probabilities; what comes of them is not clipped
    again. The NLL is convex in 1 / temperature, so that there is a single minimum;
    it is sought in log temperature, within `TEMPERATURES` (Guo et al. 2017).

    Returns:
        The temperature; 1 if the truth or the probabilities are all equal, as nothing
        can be learned from them.

    Raises:
        TableError: no segments, of unequal number, or not probabilities.
    """
    # Figures use this module, too, and do without what only fitting needs.
    from scipy.optimize import minimize_scalar

    probability, truth = _check(probability, truth)
    if np.ptp(probability) == 0 or truth.all() or not truth.any():
        return 1.0
    logits = _logits(probability)
    of_truth = logits[truth].sum() / len(logits)

    def loss(log_temperature: float) -> float:
        inverse = np.exp(-log_temperature)
        return float(np.logaddexp(0, logits * inverse).mean() - of_truth * inverse)

    found = minimize_scalar(loss, bounds=np.log(TEMPERATURES), method="bounded")
    return float(np.exp(found.x))


def fit_isotonic(
    probability: ArrayLike, truth: ArrayLike
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Fit the non-decreasing map from probability to frequency of least Brier score.

    Returns:
        The knots of scikit-learn's `IsotonicRegression`, linear in between and constant
        outside: probabilities, ascending, and the frequencies that they map to.

    Raises:
        TableError: no segments, of unequal number, or not probabilities.
    """
    # A second to import, for a tenth of it to fit.
    from sklearn.isotonic import IsotonicRegression

    probability, truth = _check(probability, truth)
    fitted = IsotonicRegression(y_min=0, y_max=1).fit(probability, truth)
    return tuple(fitted.X_thresholds_.tolist()), tuple(fitted.y_thresholds_.tolist())


@dataclass(frozen=True)
class Calibration:
    """Two corrections of probabilities, fitted on tasks other than those judged.

    Attributes:
        temperature: what logits are divided by; see `fit_temperature`.
        isotonic_x: knots of the isotonic map; see `fit_isotonic`.
        isotonic_y: what they map to.
    """

    temperature: float
    isotonic_x: tuple[float, ...]
    isotonic_y: tuple[float, ...]

    @classmethod
    def fit(cls, probability: ArrayLike, truth: ArrayLike) -> Self:
        """Fit both corrections to the same segments.

        Raises:
            TableError: no segments, of unequal number, or not probabilities.
        """
        return cls(
            fit_temperature(probability, truth), *fit_isotonic(probability, truth)
        )

    def rescaled(self, probability: ArrayLike) -> _Floats:
        """Return probabilities, of the same shape, with their logits divided.

        They are clipped to [`CLIP`, 1 - `CLIP`] first.
        """
        divided: _Floats = expit(_logits(probability) / self.temperature)
        return divided

    def isotonic(self, probability: ArrayLike) -> _Floats:
        """Return probabilities, of the same shape, mapped by the isotonic fit."""
        return np.interp(
            np.asarray(probability, np.float64), self.isotonic_x, self.isotonic_y
        )

    def as_json(self) -> dict[str, Any]:
        """Return what `from_json` reads."""
        return asdict(self)

    @classmethod
    def from_json(cls, mapping: Mapping[str, Any]) -> Self:
        """Make it from what `as_json` returned, possibly written and read as JSON."""
        return cls(
            float(mapping["temperature"]),
            tuple(mapping["isotonic_x"]),
            tuple(mapping["isotonic_y"]),
        )


def calibration_report(
    probability: ArrayLike, truth: ArrayLike, calibration: Calibration
) -> dict[str, Any]:
    """Judge probabilities as they are and after either correction.

    Args:
        probability: (n,) in [0, 1].
        truth: (n,) bool.
        calibration: fitted on other cells than these.

    Returns:
        ``segments`` (n) and for ``raw``, ``temperature`` and ``isotonic`` each:
        ``ece_width`` and ``ece_mass`` (15 bins), ``brier``, ``nll`` (nats).

    Raises:
        TableError: no segments, of unequal number, or not probabilities.
    """
    probability, truth = _check(probability, truth)
    return {
        "segments": len(probability),
        "raw": _judge(probability, truth),
        "temperature": _judge(calibration.rescaled(probability), truth),
        "isotonic": _judge(calibration.isotonic(probability), truth),
    }


def _judge(probability: _Floats, truth: _Bools) -> dict[str, float]:
    return {
        "ece_width": ece(reliability(probability, truth, equal="width")),
        "ece_mass": ece(reliability(probability, truth, equal="mass")),
        "brier": brier(probability, truth),
        "nll": nll(probability, truth),
    }


def _cut_width(
    probability: _Floats, bins: int
) -> tuple[NDArray[np.intp], _Floats, _Floats]:
    edges = np.arange(bins + 1) / bins
    place = np.searchsorted(edges[1:-1], probability, side="right")
    return place, edges[:-1], edges[1:]


def _cut_mass(
    probability: _Floats, bins: int
) -> tuple[NDArray[np.intp], _Floats, _Floats]:
    levels, level, count = np.unique(
        probability, return_inverse=True, return_counts=True
    )
    # In halves of a segment, so that the arithmetic is exact.
    middle = 2 * count.cumsum() - count
    place = bins * middle // (2 * len(probability))
    ends = pd.Series(levels).groupby(place).agg(["min", "max"]).reindex(range(bins))
    return place[level], ends["min"].to_numpy(), ends["max"].to_numpy()


def _logits(probability: ArrayLike) -> _Floats:
    clipped = np.clip(np.asarray(probability, np.float64), CLIP, 1 - CLIP)
    logits: _Floats = logit(clipped)
    return logits


def _check(probability: ArrayLike, truth: ArrayLike) -> tuple[_Floats, _Bools]:
    probability, truth = np.asarray(probability, np.float64), np.asarray(truth, bool)
    if probability.shape != truth.shape:
        raise TableError(
            f"{probability.size} probabilities for {truth.size} truths; expected the "
            "same number"
        )
    if not probability.size:
        raise TableError(
            "no segment may be chosen in any task of a split, as each is the seed's or "
            "dust; take more volumes, or set evaluation.dust_voxels lower, or "
            "evaluation.dust_thickness: 0 if segments are of single slices"
        )
    if not (probability.min() >= 0 and probability.max() <= 1):
        raise TableError(
            f"probabilities range from {probability.min()} to {probability.max()}; "
            "expected 0 to 1 without gaps: predict again"
        )
    return probability, truth
