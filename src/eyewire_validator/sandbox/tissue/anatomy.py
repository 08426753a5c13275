"""Anatomy of a box of tissue: owners of voxels, membranes and mitochondria.

A voxel belongs to the neuron of the ball whose surface is nearest (an additively
weighted Voronoi diagram), after its position has been warped a little. Half the
difference to the nearest ball of another neuron is the distance to the membrane.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eyewire_validator.sandbox.tissue.fields import blend_row, split_columns
from eyewire_validator.sandbox.tissue.retina import Tissue
from eyewire_validator.volumes.compiled import compiled
from eyewire_validator.volumes.geometry import Edges

# Edge of the buckets that hold the candidates of the voxels within, voxels.
BUCKET = 8
# Edge of the cells by which balls are first sorted, voxels.
CELL = 16
# Membranes farther than this are not told apart, in mean neurite diameters.
FAR = 0.5
# Mitochondria farther than this are not seen, voxels.
NEAR_ORGANELLE = 3.0


@dataclass(frozen=True)
class Anatomy:
    """The anatomy of a box of tissue; all arrays (z, y, x).

    Args:
        neuron: int32, owner of the voxel.
        neighbour: int32, owner across the nearest membrane, 0 if there is none near.
        membrane: float32, distance to that membrane, voxels.
        organelle: float32, distance to the surface of the nearest mitochondrion of the
            same neuron, negative inside, voxels; far ones are not told apart.
    """

    neuron: NDArray[np.int32]
    neighbour: NDArray[np.int32]
    membrane: NDArray[np.float32]
    organelle: NDArray[np.float32]


def survey(
    tissue: Tissue,
    corner: NDArray[np.int64],
    fields: NDArray[np.float32],
    pitch: int,
    shape: Edges,
) -> Anatomy:
    """Find owner and distances for every voxel of a box.

    Args:
        tissue: the neurons.
        corner: lowest voxel of the box (z, y, x); it may lie outside the tissue.
        fields: (z, y, x, f) sampled every ``pitch`` voxels from the lattice point at
            or below the corner; the first three are the warp along z, y, x, voxels.
        pitch: distance of the lattice points, voxels.
        shape: of the box (z, y, x).
    """
    slack = np.ceil(np.abs(fields[..., :3]).max()) + 1
    low = (corner - slack).astype(np.float32)
    high = (corner + shape + slack).astype(np.float32)
    far = FAR * tissue.neurite_diameter
    balls = _buckets(tissue.balls, tissue.neurons, low, high, far, 0.0)
    organelles = _buckets(
        tissue.organelles, tissue.organelle_neurons, low, high, far, NEAR_ORGANELLE
    )
    anatomy = Anatomy(
        np.empty(shape, np.int32),
        np.empty(shape, np.int32),
        np.empty(shape, np.float32),
        np.empty(shape, np.float32),
    )
    _survey(
        corner,
        low,
        np.ascontiguousarray(fields[..., :3]),
        pitch,
        np.float32(far),
        balls,
        organelles,
        anatomy.neuron,
        anatomy.neighbour,
        anatomy.membrane,
        anatomy.organelle,
    )
    return anatomy


def _buckets(
    balls: NDArray[np.float32],
    neurons: NDArray[np.int32],
    low: NDArray[np.float32],
    high: NDArray[np.float32],
    reach: float,
    near: float,
) -> tuple[NDArray[Any], ...]:
    """Sort balls into buckets.

    Args:
        balls: (n, 4).
        neurons: (n,).
        low: (3,) corner of the box.
        high: (3,) opposite corner.
        reach: balls whose surface is farther than this from a cell are left out.
        near: 0 to keep all that may be nearest or nearest of another neuron; else
            keep all whose surface may come this near.

    Returns:
        Offsets per bucket, and of each of its balls, nearest first: the ball, its
        neuron, and the distance of its surface from the middle of the bucket.
    """
    touching = ((balls[:, :3] + balls[:, 3:] + reach > low).all(1)) & (
        (balls[:, :3] - balls[:, 3:] - reach < high).all(1)
    )
    balls, neurons = balls[touching], neurons[touching]
    counts = np.ceil((high - low) / CELL).astype(np.int64)
    cell_offsets, cell_members = _sort_into_cells(balls, low, counts, reach)
    offsets, members, closeness = _sort_into_buckets(
        balls, neurons, low, counts, cell_offsets, cell_members, near
    )
    return offsets, members, closeness, balls, neurons


@compiled(error_model="numpy")
def _sort_into_cells(balls, low, counts, reach):  # type: ignore[no-untyped-def]
    """Return offsets and members of the cells that each ball's surroundings touch."""
    offsets = np.zeros(counts[0] * counts[1] * counts[2] + 1, np.int64)
    members = np.empty(0, np.int32)
    for is_counted in (False, True):
        if is_counted:
            offsets = np.cumsum(offsets)
            members = np.empty(offsets[-1], np.int32)
            place = offsets[:-1].copy()
        for b in range(len(balls)):
            first, last = np.empty(3, np.int64), np.empty(3, np.int64)
            for a in range(3):
                spread = balls[b, 3] + reach
                first[a] = max(int((balls[b, a] - spread - low[a]) / CELL), 0)
                last[a] = min(
                    int((balls[b, a] + spread - low[a]) / CELL), counts[a] - 1
                )
            for k in range(first[0], last[0] + 1):
                for j in range(first[1], last[1] + 1):
                    for i in range(first[2], last[2] + 1):
                        cell = (k * counts[1] + j) * counts[2] + i
                        if is_counted:
                            members[place[cell]] = b
                            place[cell] += 1
                        else:
                            offsets[cell + 1] += 1
    return offsets, members


@compiled(error_model="numpy")
def _sort_into_buckets(  # type: ignore[no-untyped-def]
    balls, neurons, low, counts, cell_offsets, cell_members, near
):
    """Return offsets and members of the buckets, nearest to the middle first."""
    per_cell = CELL // BUCKET
    shape = counts * per_cell
    offsets = np.zeros(shape[0] * shape[1] * shape[2] + 1, np.int64)
    capacity = 64 * len(offsets)
    members = np.empty(capacity, np.int32)
    closeness = np.empty(capacity, np.float32)
    half_diagonal = BUCKET * np.sqrt(3.0) / 2
    distances = np.empty(len(balls), np.float32)
    total = 0
    bucket = 0
    for k in range(shape[0]):
        for j in range(shape[1]):
            for i in range(shape[2]):
                z = low[0] + (k + 0.5) * BUCKET
                y = low[1] + (j + 0.5) * BUCKET
                x = low[2] + (i + 0.5) * BUCKET
                cell = ((k // per_cell) * counts[1] + j // per_cell) * counts[
                    2
                ] + i // per_cell
                candidates = cell_members[cell_offsets[cell] : cell_offsets[cell + 1]]
                best, other, owner = np.inf, np.inf, -1
                for c in range(len(candidates)):
                    b = candidates[c]
                    distance = (
                        np.sqrt(
                            (balls[b, 0] - z) ** 2
                            + (balls[b, 1] - y) ** 2
                            + (balls[b, 2] - x) ** 2
                        )
                        - balls[b, 3]
                    )
                    distances[c] = distance
                    if distance < best:
                        if neurons[b] != owner:
                            other = best
                            owner = neurons[b]
                        best = distance
                    elif neurons[b] != owner and distance < other:
                        other = distance
                limit = near + half_diagonal if near > 0 else other + 2 * half_diagonal
                order = np.argsort(distances[: len(candidates)])
                for c in order:
                    if distances[c] > limit:
                        break
                    if total == capacity:
                        capacity *= 2
                        members = np.append(members, np.empty_like(members))
                        closeness = np.append(closeness, np.empty_like(closeness))
                    members[total] = candidates[c]
                    closeness[total] = distances[c]
                    total += 1
                bucket += 1
                offsets[bucket] = total
    return offsets, members[:total], closeness[:total]


@compiled(error_model="numpy")
def _survey(  # type: ignore[no-untyped-def]
    corner, low, fields, pitch, far, sorted_balls, sorted_organelles,
    neuron, neighbour, membrane, organelle,
):  # fmt: skip
    counts = np.empty(3, np.int64)
    for a in range(3):
        span = 2 * (corner[a] - low[a]) + neuron.shape[a]
        counts[a] = np.int64(np.ceil(span / CELL)) * (CELL // BUCKET)
    # Unpacked here: within the loops, numba would count references for each voxel.
    offsets, members, closeness, balls, neurons = sorted_balls
    organelle_offsets, near, _, organelles, organelle_neurons = sorted_organelles
    columns, parts = split_columns(corner[2], pitch, neuron.shape[2])
    row = np.empty(fields.shape[2:], np.float32)
    for k in range(neuron.shape[0]):
        for j in range(neuron.shape[1]):
            blend_row(fields, pitch, k + corner[0] % pitch, j + corner[1] % pitch, row)
            for i in range(neuron.shape[2]):
                at, part = columns[i], parts[i]
                # Global positions, so that all volumes round alike.
                z = np.float32(corner[0] + k) + _lerp(row, at, part, 0)
                y = np.float32(corner[1] + j) + _lerp(row, at, part, 1)
                x = np.float32(corner[2] + i) + _lerp(row, at, part, 2)
                bucket, aside = _bucket_of(low, counts, z, y, x)
                owner, second, best, other = _nearest_two(
                    offsets,
                    members,
                    closeness,
                    balls,
                    neurons,
                    bucket,
                    aside,
                    z,
                    y,
                    x,
                    far,
                )
                neuron[k, j, i] = owner
                neighbour[k, j, i] = second
                membrane[k, j, i] = (other - best) / 2
                organelle[k, j, i] = _depth(
                    organelle_offsets, near, organelles, organelle_neurons,
                    bucket, owner, z, y, x, far,
                )  # fmt: skip


@compiled(error_model="numpy")
def _lerp(row, at, part, field):  # type: ignore[no-untyped-def]
    return row[at, field] + part * (row[at + 1, field] - row[at, field])


@compiled(error_model="numpy")
def _bucket_of(low, counts, z, y, x):  # type: ignore[no-untyped-def]
    """Return the bucket of a position, and its distance from the bucket's middle."""
    z, y, x = z - low[0], y - low[1], x - low[2]
    k, j, i = int(z) // BUCKET, int(y) // BUCKET, int(x) // BUCKET
    half = np.float32(BUCKET / 2)
    z -= np.float32(k * BUCKET) + half
    y -= np.float32(j * BUCKET) + half
    x -= np.float32(i * BUCKET) + half
    return (k * counts[1] + j) * counts[2] + i, np.sqrt(z * z + y * y + x * x)


@compiled(error_model="numpy")
def _nearest_two(  # type: ignore[no-untyped-def]
    offsets,
    members,
    closeness,
    balls,
    neurons,
    bucket,
    aside,
    z,
    y,
    x,
    far,
):
    """Return the nearest neuron, the nearest other one, and the distances of both."""
    best, other = far, far
    owner, second = np.int32(0), np.int32(0)
    for m in range(offsets[bucket], offsets[bucket + 1]):
        if closeness[m] - aside > other:
            break
        b = members[m]
        dz, dy, dx = balls[b, 0] - z, balls[b, 1] - y, balls[b, 2] - x
        squared = dz * dz + dy * dy + dx * dx
        limit = balls[b, 3] + (best if neurons[b] == owner else other)
        if limit <= 0 or squared >= limit * limit:
            continue
        distance = np.sqrt(squared) - balls[b, 3]
        if distance >= best:
            other, second = distance, neurons[b]
            continue
        if neurons[b] != owner:
            other, second, owner = best, owner, neurons[b]
        best = distance
    return owner, second, best, other


@compiled(error_model="numpy")
def _depth(  # type: ignore[no-untyped-def]
    offsets, members, balls, neurons, bucket, owner, z, y, x, far
):
    """Return the signed distance to the surface of the owner's nearest ball."""
    nearest = far
    for m in range(offsets[bucket], offsets[bucket + 1]):
        b = members[m]
        if neurons[b] == owner:
            dz, dy, dx = balls[b, 0] - z, balls[b, 1] - y, balls[b, 2] - x
            distance = np.sqrt(dz * dz + dy * dy + dx * dx) - balls[b, 3]
            nearest = min(nearest, distance)
    return nearest
