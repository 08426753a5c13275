"""Measure how a volume looks, and tell whether a model has seen its like.

A model trained where membranes are dark finds none where they are bright, and says so
of nothing: it rejects all segments with great confidence. So a checkpoint keeps how the
volumes of each tissue looked that it learned from, and what is asked about is compared
with them: by the Mahalanobis distance of a few numbers to the nearest tissue (Lee et
al. 2018, arXiv:1807.03888, do so with the features of a network).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import scipy
from numpy.typing import NDArray

from eyewire_validator.volumes.grey import standardize_image
from eyewire_validator.volumes.store import CoarseVolume
from eyewire_validator.volumes.voxel_size import VoxelSize

# Share of the volumes of a tissue that was learned from that should ring at most: false
# alarms. What was measured is in docs/decisions/0014-what-rings-the-alarm.md.
RATE = 0.02
# The bound is set on thirds of a tissue that the others were compared with.
FOLDS = 3
# Edges of voxels that differ by more than this are of another size.
VOXEL_RATIO = 1.5
# Ratios below this are not told from none: log2 stays finite.
LEAST_RATIO = 1 / 32
# Nor are distances within what a single number drifts by.
LEAST_DISTANCE = 1.0


class Appearance(NamedTuple):
    """The grey values of a volume in numbers.

    Attributes:
        contrast: mean inside segments minus mean where they border on others or on
            nothing, in standard deviations: above 0 where membranes are dark; NaN
            without segments, and then not compared.
        mean: grey value, 0 to 255.
        deviation: standard deviation of the grey values, at least 1, log2 of it.
        grain: how much a voxel differs from what its neighbours in the slice let
            expect, in standard deviations, log2 of it: high of noise, low of blur.
        fine: standard deviation of the means of 2 voxels cubed within 4, of all, log2.
        coarse: the same of the means of 4 voxels cubed within 8.
        constant_slices: share of the slices along z of a single grey value.
    """

    contrast: float
    mean: float
    deviation: float
    grain: float
    fine: float
    coarse: float
    constant_slices: float

    @classmethod
    def of(cls, volume: CoarseVolume) -> "Appearance":
        """Measure a volume."""
        plain = cls.of_image(volume.image)
        inside = _inside(volume.segmentation)
        return plain._replace(
            contrast=_contrast(standardize_image(volume.image), inside)
        )

    @classmethod
    def of_image(cls, image: NDArray[np.uint8]) -> "Appearance":
        """Measure an image (z, y, x) whose segments are not known."""
        grey = standardize_image(image)
        _, fine, coarse = _octaves(grey, 3)
        return cls(
            float("nan"),
            float(image.mean(dtype=np.float64)),
            _log2(max(float(image.std(dtype=np.float64)), 1.0)),
            _log2(_grain(grey)),
            _log2(fine),
            _log2(coarse),
            float((np.ptp(image, axis=(1, 2)) == 0).mean()),
        )


# How far each number may drift in another session at the same microscope, beside what
# it does within a tissue.
DRIFT = Appearance(
    contrast=0.08,
    mean=6.0,
    deviation=0.1,
    grain=0.08,
    fine=0.08,
    coarse=0.08,
    constant_slices=0.015,
)
# What it says that a number is lower, or higher, than in the nearest tissue.
LOWER_AND_HIGHER = {
    "contrast": ("its membranes hardly show", "its membranes stand out more"),
    "mean": ("it is darker", "it is brighter"),
    "deviation": ("its grey values span less", "its grey values span more"),
    "grain": (
        "it is blurred, or of voxels of another size",
        "it is noisier, or of voxels of another size",
    ),
    "fine": ("its fine detail is weaker", "its fine detail is stronger"),
    "coarse": ("its coarse detail is weaker", "its coarse detail is stronger"),
    "constant_slices": (
        "fewer of its slices are of a single grey value",
        "it has slices of a single grey value",
    ),
}
WHAT_HELPS = (
    "If the image is as it should be, label some 20 tasks of this tissue, or decide "
    "what `snakemake review` asks, and run `snakemake learn`"
)


class Tissue(NamedTuple):
    """The volumes of a tissue that a model learned from.

    Attributes:
        mean: (n,) float64 of the numbers of `Appearance`.
        covariance: (n, n) float64 of them, `DRIFT` included.
        bound: distance that a share `RATE` of volumes of this tissue should exceed.
        voxel_nm: edges of a coarse voxel (z, y, x) in nm; none if that is not known.
    """

    mean: NDArray[np.float64]
    covariance: NDArray[np.float64]
    bound: float
    voxel_nm: VoxelSize | None = None

    @classmethod
    def of(
        cls, appearances: Iterable[Appearance], voxel_nm: VoxelSize | None = None
    ) -> "Tissue | None":
        """Gather at least `FOLDS` volumes, those that lie near each other in a row.

        Returns:
            None of fewer volumes.
        """
        seen = np.array([*appearances], np.float64)
        if len(seen) < FOLDS:
            return None
        return cls(*_fit(seen), _bound(_held_out_distances(seen)), voxel_nm)

    def distance(self, seen: Appearance) -> float:
        """Return how far a volume is off, in bounds: above 1 it is strange."""
        return _distance(np.array(seen) - self.mean, self.covariance) / self.bound

    def difference(self, seen: Appearance) -> str:
        """Name the number of a volume that is off the most, in words."""
        off = (np.array(seen) - self.mean) / np.sqrt(np.diag(self.covariance))
        most = int(np.argmax(np.abs(np.nan_to_num(off))))
        if most == 0 and seen.contrast * self.mean[0] < 0:
            return (
                "its contrast is reversed (turn it: image.invert in a config, "
                "?range=255,0 after its name, or 255 - image in Python)"
            )
        lower, higher = LOWER_AND_HIGHER[Appearance._fields[most]]
        return higher if off[most] > 0 else lower

    def as_plain(self) -> dict[str, Any]:
        """Return what `from_plain` takes, of plain types."""
        return {
            "mean": self.mean.tolist(),
            "covariance": self.covariance.tolist(),
            "bound": self.bound,
            "voxel_nm": list(self.voxel_nm) if self.voxel_nm else None,
        }

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> "Tissue":
        """Read what `as_plain` gave.

        Raises:
            KeyError, TypeError, ValueError: it is of another form.
        """
        numbers = len(Appearance._fields)
        return cls(
            np.array(plain["mean"], np.float64).reshape(numbers),
            np.array(plain["covariance"], np.float64).reshape(numbers, numbers),
            float(plain["bound"]),
            _voxel_size(plain["voxel_nm"]),
        )


class Familiar(NamedTuple):
    """The tissues that a model learned from.

    Attributes:
        tissues: by name; none in a checkpoint that was made before there were any, or
            from a few volumes.
        voxel_nm: edges of a coarse voxel (z, y, x) in nm of all of them; none if that
            is not known, or differs.
    """

    tissues: Mapping[str, Tissue]
    voxel_nm: VoxelSize | None = None

    @classmethod
    def of(
        cls,
        appearances: Mapping[str, Iterable[Appearance]],
        voxel_nm: Mapping[str, VoxelSize | None],
    ) -> "Familiar":
        """Gather the volumes of each tissue, by its name.

        Args:
            appearances: of volumes that do not repeat each other, those that lie near
                each other in a row. A tissue of less than `FOLDS` is left out.
            voxel_nm: edges of its coarse voxels (z, y, x) in nm, if known.
        """
        found = {
            name: Tissue.of(seen, voxel_nm.get(name))
            for name, seen in appearances.items()
        }
        sizes = {voxel_nm.get(name) for name in appearances}
        return cls(
            {name: tissue for name, tissue in found.items() if tissue},
            sizes.pop() if len(sizes) == 1 else None,
        )

    def as_plain(self) -> dict[str, Any]:
        """Return what `from_plain` takes, of plain types."""
        return {
            "tissues": {name: one.as_plain() for name, one in self.tissues.items()},
            "voxel_nm": list(self.voxel_nm) if self.voxel_nm else None,
        }

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> "Familiar":
        """Read what `as_plain` gave, now or when it noted ranges, which say no tissue.

        Raises:
            KeyError, TypeError, ValueError: it is of another form.
        """
        tissues = plain.get("tissues", {})
        return cls(
            {str(name): Tissue.from_plain(one) for name, one in tissues.items()},
            _voxel_size(plain["voxel_nm"]),
        )

    def strange(
        self, seen: Appearance, voxel_nm: VoxelSize | None = None
    ) -> Iterator[str]:
        """Yield in what a volume is unlike all that was learned from, a line each."""
        sizes = [one.voxel_nm for one in self.tissues.values()] or [self.voxel_nm]
        if voxel_nm and not any(_alike(size, voxel_nm) for size in sizes):
            known = " or ".join(dict.fromkeys(_text(size) for size in sizes if size))
            yield f"its voxels have another size, {_text(voxel_nm)} nm, not {known}"
        name = self.nearest(seen, voxel_nm)
        if name and self.tissues[name].distance(seen) > 1:
            yield self.tissues[name].difference(seen)

    def nearest(
        self, seen: Appearance, voxel_nm: VoxelSize | None = None
    ) -> str | None:
        """Name the tissue that a volume is nearest to, of those of its voxel size.

        Of all, if none has that; and none if no tissue is known.
        """
        tissues = self.tissues
        alike = [n for n, one in tissues.items() if _alike(one.voxel_nm, voxel_nm)]
        off = {name: tissues[name].distance(seen) for name in alike or tissues}
        return min(off, key=off.__getitem__, default=None)


def _grain(grey: NDArray[np.float32]) -> float:
    """Return the root mean square of second differences across slices' diagonals.

    Of independent noise it is the standard deviation; edges along an axis cancel.
    """
    steps = np.diff(np.diff(grey, axis=1), axis=2)
    return float(np.sqrt(np.sum(steps**2) / max(steps.size, 1))) / 2


def _octaves(grey: NDArray[np.float32], count: int) -> list[float]:
    """Return the standard deviations that averaging 2 voxels cubed takes, each time."""
    found, power = [], float(np.mean(grey**2))
    for _ in range(count):
        grey = _halved(grey)
        left = float(np.mean(grey**2))
        found.append(np.sqrt(max(power - left, 0.0)))
        power = left
    return found


def _halved(grey: NDArray[np.float32]) -> NDArray[np.float32]:
    """Average 2 voxels along each axis that has them; a voxel left over is dropped."""
    for axis, length in enumerate(grey.shape):
        if length > 1:
            along = np.moveaxis(grey, axis, 0)[: length // 2 * 2]
            pairs = (along[::2] + along[1::2]) * np.float32(0.5)
            grey = np.moveaxis(pairs, 0, axis)
    return grey


def _log2(value: float) -> float:
    return float(np.log2(max(value, LEAST_RATIO)))


def _inside(segmentation: NDArray[np.integer]) -> NDArray[np.bool_]:
    """Return (z, y, x) bool: voxels of segments that border on nothing else.

    Within their slice, as segments of single slices have borders only beyond it.
    """
    inside: NDArray[np.bool_] = segmentation > 0
    for axis in (1, 2):
        ids = np.moveaxis(segmentation, axis, 0)
        alike, along = ids[1:] == ids[:-1], np.moveaxis(inside, axis, 0)
        along[1:] &= alike
        along[:-1] &= alike
    return inside


def _contrast(image: NDArray[np.float32], inside: NDArray[np.bool_]) -> float:
    if inside.all() or not inside.any():
        return 0.0
    return float(image[inside].mean() - image[~inside].mean())


def _fit(
    seen: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return mean and covariance of (volumes, n) numbers, drift included."""
    return seen.mean(axis=0), np.cov(seen, rowvar=False) + np.diag(np.square(DRIFT))


def _held_out_distances(seen: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the distance of each volume from the other thirds.

    A volume that is asked about is no part of the fit either, nor are its neighbours.
    """
    found = []
    for fold in np.array_split(np.arange(len(seen)), FOLDS):
        mean, covariance = _fit(np.delete(seen, fold, axis=0))
        found += [_distance(one - mean, covariance) for one in seen[fold]]
    return np.array(found)


def _bound(distances: NDArray[np.float64]) -> float:
    """Return what a share `RATE` of further distances should exceed.

    Their logarithms are taken for normally distributed, so that a few volumes give a
    bound, too, and the wider, the fewer they are: it is the end of a one-sided
    prediction interval, by Student's t. Their mean is taken for that of `FOLDS`, as
    volumes that lie near each other look alike.
    """
    logs = np.log(np.maximum(distances, LEAST_DISTANCE))
    deviations = scipy.special.stdtrit(len(logs) - 1, 1 - RATE) * np.sqrt(1 + 1 / FOLDS)
    return float(np.exp(logs.mean() + deviations * logs.std(ddof=1)))


def _distance(
    difference: NDArray[np.float64], covariance: NDArray[np.float64]
) -> float:
    """Return the Mahalanobis distance by the numbers that are known."""
    known = np.isfinite(difference)
    off, spread = difference[known], covariance[np.ix_(known, known)]
    return float(np.sqrt(off @ np.linalg.solve(spread, off)))


def _voxel_size(edges: Sequence[float] | None) -> VoxelSize | None:
    if not edges:
        return None
    z, y, x = map(float, edges)
    return z, y, x


def _text(edges: VoxelSize) -> str:
    return " x ".join(f"{edge:g}" for edge in edges)


def _alike(one: VoxelSize | None, other: VoxelSize | None) -> bool:
    """Return whether two sizes are alike, as far as is known."""
    if one is None or other is None:
        return True
    ratios = np.asarray(one) / np.asarray(other)
    return bool((ratios <= VOXEL_RATIO).all() and (ratios >= 1 / VOXEL_RATIO).all())
