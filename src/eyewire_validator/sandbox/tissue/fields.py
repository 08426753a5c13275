"""Random fields that are functions of global voxel coordinates and a seed.

The value at a position is the same for every volume that contains it.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from eyewire_validator.volumes.compiled import compiled

# Periods of the two grain tiles. They share no factor, so that their sum repeats only
# after 9,797 voxels.
GRAIN_PERIODS = (97, 101)


@dataclass(frozen=True)
class Octave:
    """One layer of smooth noise: its wavelength in voxels and its amplitude."""

    wavelength: float
    amplitude: float


def sample_fields(
    origin: NDArray[np.int64],
    counts: NDArray[np.int64],
    pitch: int,
    fields: list[list[Octave]],
    seed: int,
) -> NDArray[np.float32]:
    """Sample smooth fields on a lattice.

    Args:
        origin: (3,) first lattice point (z, y, x), in units of ``pitch`` voxels.
        counts: (3,) lattice points along each axis.
        pitch: their distance, voxels.
        fields: the octaves of each field.
        seed: of all fields.

    Returns:
        float32 (z, y, x, field); an octave of amplitude 1 lies within -1 and 1.
    """
    values = np.zeros((*counts, len(fields)), np.float32)
    for index, octaves in enumerate(fields):
        for layer, octave in enumerate(octaves):
            _add_octave(
                values[..., index],
                origin,
                pitch / octave.wavelength,
                octave.amplitude,
                _mix(np.uint32(seed), np.uint32(101 * index + layer)),
            )
    return values


@compiled(error_model="numpy")
def blend_row(fields, pitch, z, y, row):  # type: ignore[no-untyped-def]
    """Interpolate fields along z and y, for a whole row of lattice points along x.

    Args:
        fields: (z, y, x, f), as `sample_fields` returns them.
        pitch: distance of the lattice points, voxels.
        z: voxels from the first lattice point.
        y: the same along y.
        row: float32 (x, f), written.
    """
    z0, y0 = z // pitch, y // pitch
    fz = np.float32(z % pitch) / np.float32(pitch)
    fy = np.float32(y % pitch) / np.float32(pitch)
    one = np.float32(1)
    for i in range(row.shape[0]):
        for f in range(row.shape[1]):
            near = (one - fy) * fields[z0, y0, i, f] + fy * fields[z0, y0 + 1, i, f]
            far = (one - fy) * fields[z0 + 1, y0, i, f] + fy * fields[
                z0 + 1, y0 + 1, i, f
            ]
            row[i, f] = (one - fz) * near + fz * far


@compiled(error_model="numpy")
def split_columns(corner, pitch, count):  # type: ignore[no-untyped-def]
    """Split voxel positions along x into the lattice point below and the part beyond.

    Returns:
        int64 (count,), points counted from the one at or below the corner, and float32
        (count,), parts of the pitch.
    """
    steps = np.arange(count) + corner % pitch
    return steps // pitch, (steps % pitch / pitch).astype(np.float32)


@cache
def grain_tiles(
    seed: int, sigma: float
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Draw two periodic cubes of noise, whose sum modulo each period is grain.

    Args:
        seed: of the noise.
        sigma: standard deviation of the blur, voxels.

    Returns:
        Two float32 cubes; the sum has mean 0 and standard deviation 1.
    """
    rng = np.random.default_rng([seed, round(1000 * sigma)])
    one, other = (_grain_tile(period, sigma, rng) for period in GRAIN_PERIODS)
    return one, other


def _grain_tile(
    period: int, sigma: float, rng: np.random.Generator
) -> NDArray[np.float32]:
    noise = rng.standard_normal((period,) * 3).astype(np.float32)
    noise = gaussian_filter(noise, sigma, mode="wrap")
    tile: NDArray[np.float32] = noise / (noise.std() * np.float32(np.sqrt(2)))
    return tile


@compiled(error_model="numpy")
def _mix(one, other):  # type: ignore[no-untyped-def]
    """Hash two 32-bit words into one (the finalizer of MurmurHash3)."""
    h = (one * np.uint32(0x9E3779B1)) ^ (other * np.uint32(0x85EBCA77))
    h = (h ^ (h >> np.uint32(16))) * np.uint32(0x85EBCA6B)
    h = (h ^ (h >> np.uint32(13))) * np.uint32(0xC2B2AE35)
    return np.uint32(h ^ (h >> np.uint32(16)))


@compiled(error_model="numpy")
def _knot(z, y, x, seed):  # type: ignore[no-untyped-def]
    """Return a random value in [-1, 1] at a knot of the noise."""
    h = _mix(_mix(_mix(seed, np.uint32(z)), np.uint32(y)), np.uint32(x))
    return np.float32(h) / np.float32(2147483648.0) - np.float32(1)


@compiled(error_model="numpy")
def _add_octave(values, origin, frequency, amplitude, seed):  # type: ignore[no-untyped-def]
    """Add value noise: random knots, blended with smoothstep weights."""
    for k in range(values.shape[0]):
        z = (k + origin[0]) * frequency
        z0 = np.floor(z)
        fz = z - z0
        fz = fz * fz * (3 - 2 * fz)
        for j in range(values.shape[1]):
            y = (j + origin[1]) * frequency
            y0 = np.floor(y)
            fy = y - y0
            fy = fy * fy * (3 - 2 * fy)
            last = np.int64(-(2**40))
            low, high = 0.0, 0.0
            for i in range(values.shape[2]):
                x = (i + origin[2]) * frequency
                x0 = np.int64(np.floor(x))
                fx = x - x0
                fx = fx * fx * (3 - 2 * fx)
                if x0 != last:
                    low = _knot_plane(z0, y0, x0, fz, fy, seed)
                    high = _knot_plane(z0, y0, x0 + 1, fz, fy, seed)
                    last = x0
                values[k, j, i] += amplitude * (low + fx * (high - low))


@compiled(error_model="numpy")
def _knot_plane(z0, y0, x0, fz, fy, seed):  # type: ignore[no-untyped-def]
    """Blend the four knots of one x along z and y."""
    z, y = np.int64(z0), np.int64(y0)
    near = (1 - fy) * _knot(z, y, x0, seed) + fy * _knot(z, y + 1, x0, seed)
    far = (1 - fy) * _knot(z + 1, y, x0, seed) + fy * _knot(z + 1, y + 1, x0, seed)
    return (1 - fz) * near + fz * far
