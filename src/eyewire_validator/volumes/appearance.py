"""Measure how a volume looks, and tell whether a model has seen its like.

A model trained where membranes are dark finds none where they are bright, and says so
of nothing: it rejects all segments with great confidence. So a checkpoint keeps how the
volumes looked that it learned from, and what is asked about is compared with them.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from eyewire_validator.volumes.store import CoarseVolume
from eyewire_validator.volumes.voxel_size import VoxelSize

# How far a value may lie from those that a model learned from. Wide on purpose: blocks
# of the same tissue must not ring, and what makes answers worthless lies far outside.
LEAST_SHARE_OF_CONTRAST = 1 / 3
SPAN_RATIO = 2.0
MORE_CONSTANT_SLICES = 0.05
VOXEL_RATIO = 1.5


class Appearance(NamedTuple):
    """The grey values of a volume in numbers.

    Attributes:
        contrast: mean inside segments minus mean where they border on others or on
            nothing, in standard deviations: above 0 where membranes are dark; NaN
            without segments, which then is not strange.
        mean: grey value, 0 to 255.
        deviation: standard deviation of the grey values.
        span: from the 1st to the 99th percentile of them.
        constant_slices: share of the slices along z of a single grey value.
    """

    contrast: float
    mean: float
    deviation: float
    span: float
    constant_slices: float

    @classmethod
    def of(cls, volume: CoarseVolume) -> "Appearance":
        """Measure a volume."""
        plain = cls.of_image(volume.image)
        difference = _contrast(
            volume.image.astype(np.float32), _inside(volume.segmentation)
        )
        return plain._replace(contrast=difference / max(plain.deviation, 1e-6))

    @classmethod
    def of_image(cls, image: NDArray[np.uint8]) -> "Appearance":
        """Measure an image (z, y, x) whose segments are not known."""
        low, high = np.percentile(image, [1, 99])
        flat = np.ptp(image, axis=(1, 2)) == 0
        return cls(
            float("nan"),
            float(image.mean(dtype=np.float64)),
            float(image.std(dtype=np.float64)),
            float(high - low),
            float(flat.mean()),
        )


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


class Familiar(NamedTuple):
    """The appearances that a model learned from: lowest and highest of each number.

    Attributes:
        ranges: by the names of `Appearance`.
        voxel_nm: edges of a coarse voxel (z, y, x) in nm; none if that is not known.
    """

    ranges: Mapping[str, tuple[float, float]]
    voxel_nm: VoxelSize | None = None

    @classmethod
    def of(
        cls, appearances: Iterable[Appearance], voxel_nm: VoxelSize | None
    ) -> "Familiar":
        """Gather the appearances of at least one volume."""
        columns = zip(*appearances, strict=True)
        ranges = {
            name: (min(values), max(values))
            for name, values in zip(Appearance._fields, columns, strict=True)
        }
        return cls(ranges, voxel_nm)

    def as_plain(self) -> dict[str, Any]:
        """Return what `from_plain` takes, of plain types."""
        ranges = {name: list(ends) for name, ends in self.ranges.items()}
        return {
            "ranges": ranges,
            "voxel_nm": list(self.voxel_nm) if self.voxel_nm else None,
        }

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> "Familiar":
        """Read what `as_plain` gave.

        Raises:
            KeyError, TypeError, ValueError: it is of another form.
        """
        ranges = {name: plain["ranges"][name] for name in Appearance._fields}
        voxel_nm = plain["voxel_nm"]
        return cls(
            {name: (float(low), float(high)) for name, (low, high) in ranges.items()},
            _voxel_size(voxel_nm) if voxel_nm else None,
        )

    def strange(
        self, seen: Appearance, voxel_nm: VoxelSize | None = None
    ) -> Iterator[str]:
        """Yield in what a volume is unlike all that was learned from, a line each."""
        low, high = self.ranges["contrast"]
        nearest = low if abs(low) < abs(high) else high
        if seen.contrast * nearest < 0:
            yield "its contrast is reversed (image.invert)"
        elif abs(seen.contrast) < LEAST_SHARE_OF_CONTRAST * abs(nearest):
            yield "its membranes hardly show"
        low, high = self.ranges["span"]
        if not low / SPAN_RATIO <= seen.span <= high * SPAN_RATIO:
            yield "its grey values have another range"
        low, high = self.ranges["mean"]
        deviation = self.ranges["deviation"][1]
        if not low - deviation <= seen.mean <= high + deviation:
            yield "it is much brighter or darker"
        if (
            seen.constant_slices
            > self.ranges["constant_slices"][1] + MORE_CONSTANT_SLICES
        ):
            yield "it has slices of a single grey value"
        if self.voxel_nm and voxel_nm and _differ(self.voxel_nm, voxel_nm):
            yield "its voxels have another size"


def _voxel_size(edges: Sequence[float]) -> VoxelSize:
    z, y, x = map(float, edges)
    return z, y, x


def _differ(one: VoxelSize, other: VoxelSize) -> bool:
    ratios = np.asarray(one) / np.asarray(other)
    return bool((ratios > VOXEL_RATIO).any() or (ratios < 1 / VOXEL_RATIO).any())
