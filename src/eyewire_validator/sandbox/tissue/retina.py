"""Grow the synthetic retina: neurons as chains of balls that fill a block of tissue.

Everything that follows (who owns a voxel, what it looks like) is a function of these
balls and of global voxel coordinates, so volumes that overlap agree where they overlap.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt, maximum_filter

from eyewire_validator.sandbox.tissue.growth import (
    MAX_CROWDING,
    STEP,
    Canvas,
    Tip,
    grow_neurite,
)
from eyewire_validator.volumes.geometry import Edges

# Radius of the thinnest neurites, in mean diameters.
MIN_CALIBRE = 0.16
# How often the free space is measured again and filled.
FILLING_ROUNDS = 2
NOWHERE = np.full(3, np.nan)


@dataclass(frozen=True)
class RetinaSettings:
    """Settings of the synthetic retina.

    Args:
        grid: volumes along (z, y, x).
        cells: neurons that are traced as cells of the registry.
        neurite_diameter: mean diameter of a neurite, voxels.
        players: simulated players a task.
    """

    grid: Edges
    cells: int
    neurite_diameter: float
    players: int


@dataclass(frozen=True)
class Tissue:
    """Neurons and organelles of a block of tissue, in global voxels.

    Args:
        shape: of the block (z, y, x), voxels.
        balls: float32 (n, 4), z, y, x, radius.
        neurons: int32 (n,), the neuron that each ball belongs to, from 1.
        organelles: float32 (m, 4), balls of mitochondria.
        organelle_neurons: int32 (m,), the neuron that holds each of them.
        traced: neurons 1 to ``traced`` become cells of the registry.
        neurite_diameter: voxels; the scale of all that is drawn.
        seed: of everything that is drawn by hashing coordinates.
    """

    shape: Edges
    balls: NDArray[np.float32]
    neurons: NDArray[np.int32]
    organelles: NDArray[np.float32]
    organelle_neurons: NDArray[np.int32]
    traced: int
    neurite_diameter: float
    seed: int


def grow_tissue(
    shape: Edges,
    traced: int,
    neurite_diameter: float,
    reach: float,
    seed: int,
) -> Tissue:
    """Grow neurons until the block is full.

    Args:
        shape: of the block (z, y, x), voxels.
        traced: neurons that become cells; about as many others are like them.
        neurite_diameter: mean diameter, voxels.
        reach: how far an arbor reaches from its middle, voxels.
        seed: the same seed gives the same tissue.
    """
    grower = _Grower(shape, neurite_diameter, np.random.default_rng([seed, 1]))
    grower.grow_bodies(traced)
    # Traced neurons take turns with others of their kind, so that being first to take
    # room tells nothing.
    for turn in range(traced):
        # More of them lie near the two ends of x, where splits hold cells out.
        middle = 0.5 - 0.5 * np.cos(np.pi * (turn + 0.5) / traced)
        grower.grow_arbor(turn + 1, middle, turn % 5 == 4, reach)
        grower.grow_arbor(grower.new_neuron(traced), None, turn % 3 == 2, reach)
    grower.fill(traced)
    return grower.tissue(traced, seed)


class _Grower:
    def __init__(self, shape: Edges, diameter: float, rng: np.random.Generator) -> None:
        self.shape = shape
        self.diameter = diameter
        self.rng = rng
        self.canvas = Canvas.empty(shape, diameter / 5, 1.5 * diameter)
        self.chains: list[tuple[int, NDArray[np.float64]]] = []
        self.others = 0

    def new_neuron(self, traced: int) -> int:
        """Return the number of a neuron that is not traced."""
        self.others += 1
        return traced + self.others

    def tissue(self, traced: int, seed: int) -> Tissue:
        """Join the chains and put organelles into them."""
        organelles = [
            (neuron, found)
            for neuron, balls in self.chains
            if len(found := place_organelles(balls, self.diameter, self.rng))
        ]
        return Tissue(
            self.shape,
            *_join(self.chains),
            *_join(organelles),
            traced,
            self.diameter,
            seed,
        )

    def grow_bodies(self, traced: int) -> None:
        """Put a few large profiles, like small cell bodies, where there is room."""
        volume = float(np.prod(self.shape))
        for _ in range(int(volume / (9 * self.diameter) ** 3)):
            radius = self.diameter * self.rng.uniform(1.2, 2.2)
            centre = self.rng.uniform(0, self.shape)
            ball = np.array([*centre, radius])
            neuron = self.new_neuron(traced)
            if self.canvas.crowding(ball, neuron) == 0:
                lumps = self.rng.normal(centre, 0.3 * radius, (5, 3))
                radii = radius * self.rng.uniform(0.7, 1, (5, 1))
                self._keep(neuron, np.hstack([lumps, radii]))

    def grow_arbor(
        self, neuron: int, middle: float | None, is_axon: bool, reach: float
    ) -> None:
        """Grow a trunk and branches towards random aims around a middle.

        Args:
            neuron: its number.
            middle: where along x it lies, as a share of the length; None for anywhere.
            is_axon: whether it runs along x rather than branching all around.
            reach: how far it reaches from its middle, voxels.
        """
        rng, shape = self.rng, np.array(self.shape, float)
        centre = rng.uniform(0.1, 0.9, 3) * shape
        if middle is not None:
            centre[2] = middle * shape[2]
        spread = np.array([0.7, 0.7, 2.5 if is_axon else 0.8]) * reach
        aims = centre + rng.uniform(-1, 1, (4 if is_axon else 12, 3)) * spread
        aims[:2, 2] = centre[2] + np.array([-1, 1]) * spread[2]
        balls = np.array([[*centre, 0.0]])
        for aim in np.clip(aims, 0, shape):
            nearest = balls[np.argmin(((balls[:, :3] - aim) ** 2).sum(1))]
            calibre = self.diameter * rng.uniform(0.42, 0.7)
            heading = aim - nearest[:3] + 1e-3
            grown = self._grow(neuron, nearest[:3], aim, calibre, 3 * reach, heading)
            self._keep(neuron, grown)
            balls = np.vstack([balls, grown])

    def fill(self, traced: int) -> None:
        """Grow neurites of all calibres from the middle of the free space."""
        for _ in range(FILLING_ROUNDS):
            room = distance_transform_edt(self.canvas.owner == 0) * self.canvas.pitch
            is_middle = room == maximum_filter(room, 3)
            starts = np.argwhere(is_middle & (room > MIN_CALIBRE * self.diameter))
            for point in self.rng.permutation(starts):
                if not self.canvas.owner[tuple(point)]:
                    start = point * self.canvas.pitch - self.canvas.margin
                    self._fill_from(start, room[tuple(point)], traced)

    def _fill_from(self, start: NDArray[np.float64], room: float, traced: int) -> None:
        usual = 0.5 * self.diameter * np.exp(0.35 * self.rng.standard_normal())
        radius = min(usual, 1.2 * room)
        if self.canvas.crowding(np.array([*start, radius]), 0) > MAX_CROWDING:
            return
        length = self.diameter * self.rng.uniform(4, 30)
        heading = self.rng.standard_normal(3)
        one, other = (
            self._grow(0, start, NOWHERE, radius, length, sense)
            for sense in (heading, -heading)
        )
        balls = np.vstack([one[::-1], other])
        if len(balls) * STEP * radius > 1.5 * self.diameter:
            self._keep(self.new_neuron(traced), balls)

    def _grow(
        self,
        neuron: int,
        start: NDArray[np.float64],
        aim: NDArray[np.float64],
        radius: float,
        length: float,
        heading: NDArray[np.float64],
    ) -> NDArray[np.float64]:
        min_radius = MIN_CALIBRE * self.diameter
        tip = Tip(start, heading, aim, radius, min_radius, length)
        return grow_neurite(self.canvas, tip, neuron, self.rng)

    def _keep(self, neuron: int, balls: NDArray[np.float64]) -> None:
        self.canvas.stamp(balls, neuron)
        self.chains.append((neuron, balls))


def place_organelles(
    balls: NDArray[np.float64], diameter: float, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Put mitochondria into a neurite: stretches of its chain, thinner, off centre.

    Args:
        balls: (n, 4) chain of the neurite.
        diameter: mean diameter of neurites; thin ones hold no mitochondria.
        rng: where they lie.

    Returns:
        (m, 4) balls.
    """
    placed = []
    start = int(rng.integers(0, 40))
    while start < len(balls):
        stretch = balls[start : start + int(rng.integers(8, 30))].copy()
        if stretch[:, 3].min() > 0.26 * diameter:
            aside = rng.standard_normal(3)
            aside *= 0.35 / np.linalg.norm(aside)
            stretch[:, :3] += aside * stretch[:, 3:]
            ends = np.sin(np.linspace(0.5, np.pi - 0.5, len(stretch)))
            stretch[:, 3] = rng.uniform(0.42, 0.7) * stretch[:, 3].mean() * ends**0.5
            placed.append(stretch)
        start += int(rng.integers(15, 70))
    return np.vstack(placed) if placed else np.empty((0, 4))


def _join(
    chains: list[tuple[int, NDArray[np.float64]]],
) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """Stack chains; return their balls, and the neuron of each ball."""
    if not chains:
        return np.empty((0, 4), np.float32), np.empty(0, np.int32)
    balls = np.vstack([balls for _, balls in chains]).astype(np.float32)
    neurons = np.repeat([neuron for neuron, _ in chains], [len(b) for _, b in chains])
    return balls, neurons.astype(np.int32)
