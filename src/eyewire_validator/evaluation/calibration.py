"""Calibration: do probabilities of segments agree with how often they belong?

`probability` and `truth` are always (n,) arrays, one entry a candidate segment: the
probability that it belongs to the answer, in [0, 1], and whether it does. Work in
float64; nothing here knows of tasks or cells. What is fitted or judged may be more than
fits into memory: it is read in batches, again and again (`Labelled`).
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, NamedTuple, Self

import numpy as np
import pandas as pd
import scipy
from numpy.typing import ArrayLike, NDArray

from eyewire_validator.errors import TableError
from eyewire_validator.evaluation.pairwise_sum import PairwiseSum
from eyewire_validator.evaluation.ranking import (
    Batches,
    RankedSegments,
    batches_of,
)

# Probabilities are kept this far from 0 and 1 wherever a logarithm is taken of them: a
# segment answered with 0 or 1, and wrongly, costs 13.8 nats instead of infinity.
CLIP = 1e-6

# From ten times too cautious (answers that are separable ask for 0) to knowing nothing
# (answers without any relation to the truth ask for infinity).
TEMPERATURES = (0.1, 100.0)

# Bins of reliability, unless told otherwise.
BINS = 15

# What scikit-learn's isotonic fit takes for the same probability; and where float32 may
# be as near to each other as that.
RESOLUTION, NEAR = 1e-15, 2e-8

NO_SEGMENTS = (
    "no segment may be chosen in any task of a split, as each is the seed's or dust; "
    "take more volumes, or set evaluation.dust_voxels lower, or "
    "evaluation.dust_thickness: 0 if segments are of single slices"
)

Equal = Literal["width", "mass"]
_Floats = NDArray[np.float64]
_Bools = NDArray[np.bool_]
_Ints = NDArray[np.int64]


def reliability(
    probability: ArrayLike,
    truth: ArrayLike,
    *,
    bins: int = BINS,
    equal: Equal = "width",
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


class Labelled(NamedTuple):
    """Probabilities of segments, and whether each belongs, to be read again and again.

    Attributes:
        batches: reads the columns ``probability`` and ``truth``.
        ranked: the same segments.
    """

    batches: Batches
    ranked: RankedSegments

    @classmethod
    def of(cls, probability: ArrayLike, truth: ArrayLike) -> Self:
        """Take arrays, (n,) float32 each and bool.

        Raises:
            TableError: no segments, of unequal number, or not probabilities.
        """
        _check(probability, truth)
        table = pd.DataFrame({"probability": probability, "truth": truth})
        table = table.astype({"probability": np.float32, "truth": np.bool_})
        ranked = RankedSegments()
        every = np.ones(len(table), np.int64)
        ranked.add(table["probability"].to_numpy(), table["truth"].to_numpy(), every)
        return cls(batches_of(table), ranked)

    def above(self, least: float = 0) -> Iterator[tuple[_Floats, _Bools]]:
        """Yield probabilities of at least ``least``, and their truths, in order."""
        for batch in self.batches(["probability", "truth"]):
            kept = batch[batch["probability"] >= least]
            yield (
                kept["probability"].to_numpy(np.float64),
                kept["truth"].to_numpy(np.bool_),
            )

    def levels(self, least: float = 0) -> Iterator[tuple[_Floats, _Ints, _Ints]]:
        """Yield each probability of at least ``least``, highest first, and counts.

        Of all its segments, and of those that belong.
        """
        for levels in self.ranked.levels():
            kept = levels[levels["probability"] >= least]
            probability = kept["probability"].astype(np.float64)
            yield probability, kept["segments"], kept["right"]


def fit_temperature(labelled: Labelled) -> float:
    """Return the temperature that divides the logits to the least mean NLL.

    The logits are those of clipped probabilities; what comes of them is not clipped
    again. The NLL is convex in 1 / temperature, so that there is a single minimum;
    it is sought in log temperature, within `TEMPERATURES` (Guo et al. 2017).

    Returns:
        The temperature; 1 if the truth or the probabilities are all equal, as nothing
        can be learned from them.
    """
    # Figures use this module, too, and do without what only fitting needs.
    from scipy.optimize import minimize_scalar

    ranked = labelled.ranked
    count, right = ranked.totals["segments"], ranked.totals["right"]
    if ranked.lowest == ranked.highest or right in (0, count):
        return 1.0
    of_truth = PairwiseSum(right)
    for probability, truth in labelled.above():
        of_truth.add(_logits(probability)[truth])
    mean_of_truth = of_truth.total() / count

    def loss(log_temperature: float) -> float:
        inverse = np.exp(-log_temperature)
        softplus = PairwiseSum(count)
        for probability, _ in labelled.above():
            softplus.add(np.logaddexp(0, _logits(probability) * inverse))
        return float(softplus.mean() - mean_of_truth * inverse)

    found = minimize_scalar(loss, bounds=np.log(TEMPERATURES), method="bounded")
    return float(np.exp(found.x))


def fit_isotonic(labelled: Labelled) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Fit the non-decreasing map from probability to frequency of least Brier score.

    Returns:
        The knots of scikit-learn's `IsotonicRegression`, linear in between and constant
        outside: probabilities, ascending, and the frequencies that they map to.
    """
    from scipy.optimize import isotonic_regression

    probability, count, right = _points(labelled)
    frequency = isotonic_regression(right / count, weights=count).x.clip(0, 1)
    steps = np.diff(frequency) != 0
    kept = np.append(steps, True) | np.append(True, steps)
    kept[[0, -1]] = True
    return tuple(probability[kept].tolist()), tuple(frequency[kept].tolist())


def _points(labelled: Labelled) -> _Floats:
    """Return probabilities, ascending, their counts and what belongs of these: (3, n).

    Where none of the segments belongs, or all do, at many probabilities in a row, the
    first and the last are enough, as they are fitted alike. So there are few points
    where few segments belong.
    """
    parts: list[_Floats] = []
    low: list[_Floats] = [np.empty((3, 0))]
    for levels in labelled.levels():
        points = np.stack(levels)[:, ::-1].astype(np.float64)
        near = np.searchsorted(points[0], NEAR)
        low.append(points[:, :near])
        parts.append(_without_runs(points[:, near:]))
    close = np.concatenate(low[::-1], axis=1)
    parts.append(_without_runs(_summed(close, _apart(close[0]))))
    return _without_runs(np.concatenate(parts[::-1], axis=1))


def _apart(probability: _Floats) -> NDArray[np.intp]:
    """Return where scikit-learn takes a probability for another than those before."""
    starts: list[int] = []
    for place, value in enumerate(probability.tolist()):
        if not starts or value - probability[starts[-1]] >= RESOLUTION:
            starts.append(place)
    return np.array(starts, np.intp)


def _without_runs(points: _Floats) -> _Floats:
    """Leave the first and the last of runs of points of which none, or all, belong."""
    _, count, right = points
    pure = (right == 0) | (right == count)
    alike = (np.diff(right / count) == 0) & pure[1:]
    inside = np.append(alike, False) & np.append(False, alike)
    return _summed(points, np.flatnonzero(~inside[: len(count)]))


def _summed(points: _Floats, starts: NDArray[np.intp]) -> _Floats:
    """Add up the counts of groups of points, under the probability of the first."""
    if not len(starts):
        return points
    return np.stack([points[0, starts], *np.add.reduceat(points[1:], starts, axis=1)])


def rescale(probability: ArrayLike, temperature: float) -> _Floats:
    """Return probabilities, of the same shape, with their logits divided.

    They are clipped to [`CLIP`, 1 - `CLIP`] first.
    """
    divided: _Floats = scipy.special.expit(_logits(probability) / temperature)
    return divided


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
    def fit(cls, labelled: Labelled) -> Self:
        """Fit both corrections to the same segments.

        Raises:
            TableError: there is none.
        """
        if not labelled.ranked.totals["segments"]:
            raise TableError(NO_SEGMENTS)
        return cls(fit_temperature(labelled), *fit_isotonic(labelled))

    def rescaled(self, probability: ArrayLike) -> _Floats:
        """Return probabilities, of the same shape, with their logits divided."""
        return rescale(probability, self.temperature)

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
    labelled: Labelled, calibration: Calibration, least: float = 0
) -> dict[str, Any] | None:
    """Judge probabilities as they are and after either correction.

    Args:
        labelled: segments of other cells than the calibration was fitted on.
        calibration: the corrections.
        least: segments of lower probability are left out.

    Returns:
        ``segments`` and for ``raw``, ``temperature`` and ``isotonic`` each:
        ``ece_width`` and ``ece_mass`` (15 bins); ``brier``, the mean squared difference
        of probability and truth, in [0, 1]; ``nll``, the mean negative log likelihood
        in nats, of probabilities clipped to [`CLIP`, 1 - `CLIP`], so that it is finite.
        None if there are no segments.
    """
    count = sum(int(counts.sum()) for _, counts, _ in labelled.levels(least))
    if not count:
        return None
    maps = {
        "raw": lambda probability: probability,
        "temperature": calibration.rescaled,
        "isotonic": calibration.isotonic,
    }
    judges = {
        name: _Judge(count, _mass_edges(labelled, least, mapped, count))
        for name, mapped in maps.items()
    }
    for probability, truth in labelled.above(least):
        for name, mapped in maps.items():
            judges[name].add(mapped(probability), truth)
    return {
        "segments": count,
        **{name: judge.verdict() for name, judge in judges.items()},
    }


class _Bins:
    """Sums over the segments of each bin.

    Args:
        edges: the lowest probability of each bin but the first, ascending.
    """

    def __init__(self, edges: _Floats) -> None:
        self._edges = edges
        self._sums = np.zeros((3, len(edges) + 1))

    def add(self, probability: _Floats, truth: _Bools) -> None:
        place = np.searchsorted(self._edges, probability, side="right")
        every = np.ones_like(probability)
        for sums, values in zip(self._sums, (every, probability, truth), strict=True):
            # In their order, as `numpy.bincount` adds them.
            np.add.at(sums, place, values)

    def ece(self) -> float:
        segments, probability, belong = self._sums[:, self._sums[0] > 0]
        table = {
            "segments": segments,
            "mean_probability": probability / segments,
            "frequency": belong / segments,
        }
        return ece(pd.DataFrame(table))


class _Judge:
    """The scores of segments that come in batches.

    Args:
        count: how many will come.
        mass_edges: of bins of equal mass, see `_Bins`.
    """

    def __init__(self, count: int, mass_edges: _Floats) -> None:
        self._width, self._mass = _Bins(_width_edges(BINS)[1:-1]), _Bins(mass_edges)
        self._squares, self._logs = PairwiseSum(count), PairwiseSum(count)

    def add(self, probability: _Floats, truth: _Bools) -> None:
        self._width.add(probability, truth)
        self._mass.add(probability, truth)
        self._squares.add((probability - truth) ** 2)
        of_truth = np.where(truth, probability, 1 - probability)
        self._logs.add(np.log(np.clip(of_truth, CLIP, 1 - CLIP)))

    def verdict(self) -> dict[str, float]:
        return {
            "ece_width": self._width.ece(),
            "ece_mass": self._mass.ece(),
            "brier": self._squares.mean(),
            "nll": -self._logs.mean(),
        }


def _mass_edges(
    labelled: Labelled, least: float, mapped: Callable[[_Floats], _Floats], count: int
) -> _Floats:
    """Return the lowest probability of each bin of equal mass but the first.

    The rank of probabilities is that of what they are mapped to.
    """
    lowest: dict[int, float] = {}
    above = 0
    for value, equals in _mapped_levels(labelled, least, mapped):
        # In halves of a segment, as `_cut_mass` does; from above here.
        over = above + equals.cumsum() - equals
        place = BINS * (2 * (count - over) - equals) // (2 * count)
        last = np.flatnonzero(np.diff(place, append=-1))
        lowest.update(zip(place[last].tolist(), value[last].tolist(), strict=True))
        above += int(equals.sum())
    return np.array([lowest[place] for place in sorted(lowest)][1:])


def _mapped_levels(
    labelled: Labelled, least: float, mapped: Callable[[_Floats], _Floats]
) -> Iterator[tuple[_Floats, _Ints]]:
    """Yield what probabilities are mapped to, highest first, and counts of segments."""
    value, equals = np.empty(0), np.empty(0, np.int64)
    for probability, counts, _ in labelled.levels(least):
        value = np.append(value, mapped(probability))
        equals = np.append(equals, counts)
        starts = np.flatnonzero(np.diff(value, prepend=np.nan) != 0)
        if len(starts):
            value, equals = value[starts], np.add.reduceat(equals, starts)
            # More of the last one may follow.
            yield value[:-1], equals[:-1]
            value, equals = value[-1:], equals[-1:]
    yield value, equals


def _width_edges(bins: int) -> _Floats:
    return np.arange(bins + 1) / bins


def _cut_width(
    probability: _Floats, bins: int
) -> tuple[NDArray[np.intp], _Floats, _Floats]:
    edges = _width_edges(bins)
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
    logits: _Floats = scipy.special.logit(clipped)
    return logits


def _check(probability: ArrayLike, truth: ArrayLike) -> tuple[_Floats, _Bools]:
    probability, truth = np.asarray(probability, np.float64), np.asarray(truth, bool)
    if probability.shape != truth.shape:
        raise TableError(
            f"{probability.size} probabilities for {truth.size} truths; expected the "
            "same number"
        )
    if not probability.size:
        raise TableError(NO_SEGMENTS)
    if not (probability.min() >= 0 and probability.max() <= 1):
        raise TableError(
            f"probabilities range from {probability.min()} to {probability.max()}; "
            "expected 0 to 1 without gaps: predict again"
        )
    return probability, truth
