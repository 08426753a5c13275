"""Grow one neurite through tissue that is already partly taken.

A neurite is a chain of overlapping balls. Its tip looks ahead in a few directions and
takes the one that is least crowded, least bent and nearest to its aim, so neurites
wind around each other, side by side, as they do in neuropil.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eyewire_validator.volumes.compiled import compiled
from eyewire_validator.volumes.geometry import Edges

# Directions that a tip tries at each step.
DIRECTIONS = 14
# Share of a ball that may be taken by others before the tip thins, and gives up.
MAX_CROWDING = 0.3
# Distance between the balls of a chain, in radii.
STEP = 0.55


@dataclass(frozen=True)
class Canvas:
    """A lattice of the tissue that holds which neuron has taken each point.

    Args:
        owner: int32 (z, y, x), neuron at each lattice point, 0 where free.
        pitch: distance of lattice points, voxels.
        margin: how far the lattice reaches beyond the tissue, voxels.
    """

    owner: NDArray[np.int32]
    pitch: float
    margin: float

    @classmethod
    def empty(cls, shape: Edges, pitch: float, margin: float) -> "Canvas":
        """Return a free canvas over tissue of ``shape`` voxels."""
        points = [int(np.ceil((length + 2 * margin) / pitch)) for length in shape]
        return cls(np.zeros(points, np.int32), pitch, margin)

    def crowding(self, ball: NDArray[np.float64], neuron: int) -> float:
        """Return the share of ``ball`` (z, y, x, radius) that others have taken."""
        z, y, x, radius = ball
        share: float = _crowding(
            self.owner, self.pitch, self.margin, z, y, x, radius, neuron
        )
        return share

    def stamp(self, balls: NDArray[np.float64], neuron: int) -> None:
        """Take the free points within ``balls`` (n, 4) for ``neuron``."""
        _stamp(self.owner, self.pitch, self.margin, balls, neuron)


@dataclass(frozen=True)
class Tip:
    """The start of a neurite, and limits to its growth.

    Args:
        start: (z, y, x), voxels.
        heading: (z, y, x), its first direction.
        aim: (z, y, x) that it is drawn to; NaN for none.
        radius: its usual radius, voxels.
        min_radius: radius below which it ends, voxels.
        length: length at which it ends, voxels.
    """

    start: NDArray[np.float64]
    heading: NDArray[np.float64]
    aim: NDArray[np.float64]
    radius: float
    min_radius: float
    length: float


def grow_neurite(
    canvas: Canvas, tip: Tip, neuron: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Grow a neurite until it is long enough, arrives, or finds no way.

    Returns:
        (n, 4) balls: z, y, x, radius, voxels. They are not stamped yet.
    """
    most = int(tip.length / (STEP * tip.min_radius)) + 2
    balls = np.empty((most, 4))
    count = _grow(
        canvas.owner,
        canvas.pitch,
        canvas.margin,
        tip.start,
        tip.heading / np.linalg.norm(tip.heading),
        tip.aim,
        tip.radius,
        tip.min_radius,
        tip.length,
        neuron,
        balls,
        rng,
    )
    return balls[:count]


@compiled()
def _crowding(owner, pitch, margin, z, y, x, radius, neuron):  # type: ignore[no-untyped-def]
    """Return the share of a ball's lattice points taken by others, or outside."""
    centre = ((z + margin) / pitch, (y + margin) / pitch, (x + margin) / pitch)
    reach = max(radius / pitch, 0.5)
    inside, taken = 0, 0
    for k in range(int(np.ceil(centre[0] - reach)), int(centre[0] + reach) + 1):
        for j in range(int(np.ceil(centre[1] - reach)), int(centre[1] + reach) + 1):
            for i in range(int(np.ceil(centre[2] - reach)), int(centre[2] + reach) + 1):
                distance = (
                    (k - centre[0]) ** 2 + (j - centre[1]) ** 2 + (i - centre[2]) ** 2
                )
                if distance > reach * reach:
                    continue
                inside += 1
                is_outside = (
                    min(k, j, i) < 0
                    or k >= owner.shape[0]
                    or j >= owner.shape[1]
                    or i >= owner.shape[2]
                )
                if is_outside or (owner[k, j, i] != 0 and owner[k, j, i] != neuron):
                    taken += 1
    return taken / inside if inside else 1.0


@compiled()
def _stamp(owner, pitch, margin, balls, neuron):  # type: ignore[no-untyped-def]
    for b in range(len(balls)):
        z = (balls[b, 0] + margin) / pitch
        y = (balls[b, 1] + margin) / pitch
        x = (balls[b, 2] + margin) / pitch
        reach = balls[b, 3] / pitch
        for k in range(max(int(z - reach), 0), min(int(z + reach) + 2, owner.shape[0])):
            for j in range(
                max(int(y - reach), 0), min(int(y + reach) + 2, owner.shape[1])
            ):
                for i in range(
                    max(int(x - reach), 0), min(int(x + reach) + 2, owner.shape[2])
                ):
                    distance = (k - z) ** 2 + (j - y) ** 2 + (i - x) ** 2
                    if distance <= reach * reach and owner[k, j, i] == 0:
                        owner[k, j, i] = neuron


@compiled()
def _turn(heading, aim, position, rng):  # type: ignore[no-untyped-def]
    """Return a unit vector near ``heading``, drawn a little towards the aim."""
    turned = heading + 0.33 * rng.standard_normal(3)
    if not np.isnan(aim[0]):
        towards = aim - position
        turned += 0.35 * towards / max(np.sqrt((towards**2).sum()), 1e-6)
    return turned / np.sqrt((turned**2).sum())


@compiled()
def _best_heading(  # type: ignore[no-untyped-def]
    owner, pitch, margin, position, heading, aim, radius, neuron, rng
):
    """Return the least crowded and least bent of a few headings, and its crowding."""
    best, best_cost, best_crowding = heading, np.inf, 1.0
    for _ in range(DIRECTIONS):
        turned = _turn(heading, aim, position, rng)
        ahead = position + 1.6 * radius * turned
        crowding = _crowding(
            owner, pitch, margin, ahead[0], ahead[1], ahead[2], radius, neuron
        )
        cost = crowding + 0.35 * (1 - (turned * heading).sum())
        if cost < best_cost:
            best, best_cost, best_crowding = turned, cost, crowding
    return best, best_crowding


@compiled()
def _grow(  # type: ignore[no-untyped-def]
    owner,
    pitch,
    margin,
    start,
    heading,
    aim,
    usual_radius,
    min_radius,
    length,
    neuron,
    balls,
    rng,
):
    position = start.copy()
    swelling, thinning, grown, count = 0.0, 1.0, 0.0, 0
    while grown < length and count < len(balls):
        # A slowly wandering calibre, now and then a varicosity.
        swelling = 0.93 * swelling + 0.13 * rng.standard_normal()
        radius = max(usual_radius * thinning * np.exp(swelling), min_radius)
        heading, crowding = _best_heading(
            owner, pitch, margin, position, heading, aim, radius, neuron, rng
        )
        if crowding > MAX_CROWDING:
            thinning *= 0.85
            if usual_radius * thinning < min_radius:
                break
        else:
            thinning = min(thinning * 1.04, 1.0)
        position = position + STEP * radius * heading
        grown += STEP * radius
        balls[count, :3] = position
        balls[count, 3] = radius
        count += 1
        if not np.isnan(aim[0]) and ((aim - position) ** 2).sum() < 4 * radius**2:
            break
    return count
