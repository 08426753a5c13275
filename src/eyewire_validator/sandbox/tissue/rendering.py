"""Render tissue as an electron microscope might show it.

Grey values follow a slice of FIB-SEM neuropil: mean about 128, membranes and
mitochondria 60 to 90, cytoplasm 110 to 190.
"""

import io
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import gaussian_filter

from eyewire_validator.sandbox.tissue.anatomy import survey
from eyewire_validator.sandbox.tissue.fields import (
    Octave,
    blend_row,
    grain_tiles,
    sample_fields,
    split_columns,
)
from eyewire_validator.sandbox.tissue.retina import Tissue
from eyewire_validator.volumes.compiled import compiled
from eyewire_validator.volumes.geometry import Corner, Edges

# Blur of the microscope, standard deviation, voxels.
BLUR = 0.9
# Voxels around a volume that are drawn as well, for the blur.
HALO = 4
# Standard deviation of the grain (shot noise) and its blur in voxels.
GRAIN = 6.5
GRAIN_BLUR = 0.55
# The same for what fills cytoplasm: vesicles, filaments, reticulum.
TEXTURE_BLUR = 1.4
JPEG_QUALITY = 75


@dataclass(frozen=True)
class Picture:
    """A rendered volume.

    Args:
        image: uint8 (z, y, x), before JPEG.
        neuron: int32 (z, y, x), the true owner of each voxel.
    """

    image: NDArray[np.uint8]
    neuron: NDArray[np.int32]


def render(tissue: Tissue, corner: Corner, shape: Edges) -> Picture:
    """Render the box of ``shape`` voxels whose lowest voxel is ``corner``.

    What two boxes share, they show alike.
    """
    z, y, x = (length + 2 * HALO for length in shape)
    box = (z, y, x)
    low = np.array(corner) - HALO
    fields, pitch = _fields(tissue, low, np.array(box))
    anatomy = survey(tissue, low, fields, pitch, box)
    signal = np.empty(box, np.float32)
    _paint(
        low,
        fields,
        pitch,
        *_neuron_looks(tissue),
        *grain_tiles(tissue.seed, TEXTURE_BLUR),
        np.float32(membrane_width(tissue.neurite_diameter)),
        anatomy.neuron,
        anatomy.neighbour,
        anatomy.membrane,
        anatomy.organelle,
        signal,
    )
    gaussian_filter(signal, BLUR, output=signal, truncate=HALO / BLUR)
    image = np.empty(shape, np.uint8)
    grains = grain_tiles(tissue.seed, GRAIN_BLUR)
    inner = tuple(slice(HALO, -HALO) for _ in range(3))
    _add_grain(
        np.array(corner),
        signal[inner],
        *grains,
        _section_offsets(tissue, corner, shape),
        image,
    )
    return Picture(image, anatomy.neuron[inner].copy())


def membrane_width(neurite_diameter: float) -> float:
    """Return the half width of membranes, voxels; thinner where neurites are."""
    return min(1.7, 0.1 * neurite_diameter)


def to_jpegs(image: NDArray[np.uint8], quality: int = JPEG_QUALITY) -> list[bytes]:
    """Return each section (y, x) of an image (z, y, x) as a grey JPEG."""
    return [_to_jpeg(section, quality) for section in image]


def _to_jpeg(section: NDArray[np.uint8], quality: int) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(section).save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def from_jpegs(jpegs: list[bytes]) -> NDArray[np.uint8]:
    """Return the image (z, y, x) that the JPEGs of its sections show."""
    return np.stack([np.asarray(Image.open(io.BytesIO(jpeg))) for jpeg in jpegs])


def _fields(
    tissue: Tissue, low: NDArray[np.int64], box: NDArray[np.int64]
) -> tuple[NDArray[np.float32], int]:
    """Return the warp (z, y, x) and the fields of `_paint`, and their pitch."""
    d = tissue.neurite_diameter
    warp = [
        Octave(2 * d, 0.42 * d),
        Octave(0.8 * d, 0.15 * d),
        Octave(0.3 * d, 0.02 * d),
    ]
    stain = [Octave(1.9 * d, 0.8), Octave(0.8 * d, 0.5)]
    spill = [Octave(6 * d, 0.9), Octave(1.5 * d, 0.25)]
    mottle = [Octave(0.6 * d, 0.7), Octave(0.25 * d, 0.5)]
    synapse = [Octave(1.4 * d, 1.0)]
    vesicles = [Octave(2.2 * d, 0.9), Octave(0.7 * d, 0.4)]
    reticulum = [Octave(0.7 * d, 0.8), Octave(0.35 * d, 0.3)]
    pitch = max(int(d / 6), 1)
    first = low // pitch
    counts = (low + box) // pitch - first + 2
    octaves = [warp, warp, warp, stain, spill, mottle, synapse, vesicles, reticulum]
    return sample_fields(first, counts, pitch, octaves, tissue.seed), pitch


def _neuron_looks(tissue: Tissue) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Draw the cytoplasm brightness and texture strength of each neuron."""
    rng = np.random.default_rng([tissue.seed, 2])
    count = int(tissue.neurons.max(initial=0)) + 1
    brightness = rng.normal(156, 16, count)
    brightness[rng.random(count) < 0.08] = 112
    texture = rng.uniform(7, 17, count)
    return brightness.astype(np.float32), texture.astype(np.float32)


def _section_offsets(
    tissue: Tissue, corner: Corner, shape: Edges
) -> NDArray[np.float32]:
    """Draw the brightness changes from section to section (z)."""
    sections = range(corner[0], corner[0] + shape[0])
    offsets = [
        np.random.default_rng([tissue.seed, 3, z + 2**20]).normal(0, 2)
        for z in sections
    ]
    return np.array(offsets, np.float32)


@compiled(error_model="numpy")
def _ramp(value, low, high):  # type: ignore[no-untyped-def]
    """Return 0 below ``low``, 1 above ``high``, smooth between."""
    t = min(max((value - low) / (high - low), 0.0), 1.0)
    return t * t * (3 - 2 * t)


@compiled(error_model="numpy")
def _tile_row(tile, z, y, columns, row):  # type: ignore[no-untyped-def]
    """Write a row of a periodic tile; ``columns`` are positions x within its period."""
    period = tile.shape[0]
    for i in range(len(row)):
        row[i] = tile[z % period, y % period, columns[i]]


@compiled(error_model="numpy")
def _paint(  # type: ignore[no-untyped-def]
    low, fields, pitch, brightness, texture, tile, other_tile, width,
    neuron, neighbour, membrane, organelle, signal,
):  # fmt: skip
    values = np.empty(fields.shape[3], np.float32)
    columns, parts = split_columns(low[2], pitch, signal.shape[2])
    row = np.empty(fields.shape[2:], np.float32)
    xs = low[2] + np.arange(signal.shape[2])
    tile_columns, other_columns = xs % tile.shape[0], xs % other_tile.shape[0]
    fills, other_fills = np.empty((2, signal.shape[2]), np.float32)
    for k in range(signal.shape[0]):
        for j in range(signal.shape[1]):
            blend_row(fields, pitch, k + low[0] % pitch, j + low[1] % pitch, row)
            _tile_row(tile, low[0] + k, low[1] + j, tile_columns, fills)
            _tile_row(other_tile, low[0] + k, low[1] + j, other_columns, other_fills)
            for i in range(signal.shape[2]):
                at, part = columns[i], parts[i]
                # The first three are the warp.
                for f in range(3, len(values)):
                    values[f] = row[at, f] + part * (row[at + 1, f] - row[at, f])
                owner = neuron[k, j, i]
                fill = fills[i] + other_fills[i]
                grey = brightness[owner] + texture[owner] * fill + 9 * values[5]
                # Vesicles: dark dots where there are many.
                crowd = _ramp(values[7], 0.1, 0.4)
                grey -= crowd * (6 + 50 * _ramp(fill, 0.4, 1.3))
                # Reticulum: thin grey sheets, away from the membrane.
                gap = membrane[k, j, i]
                share = _ramp(values[5], 0.0, 0.4)
                away = _ramp(gap, 3 * width, 5 * width)
                if share > 0 and away > 0:
                    sheet = np.exp(-((values[8] / 0.045) ** 2)) * share
                    grey -= 38 * sheet * away
                # Mitochondria: dark, with a darker rim and a pale seam around.
                depth = organelle[k, j, i]
                if depth < 2.5:
                    inside = _ramp(-depth, -0.6, 0.6)
                    grey += (80 + 4 * fill - grey) * inside
                    grey += 9 * (1 - inside)
                # Membrane, with stretches where the stain is missing.
                stain = 1 - 0.97 * _ramp(values[3], 0.42, 0.62)
                wall = np.exp(-((gap / width) ** 2)) * stain
                grey += (62 - grey) * wall
                # Synapses: thick and dark on one side of a contact.
                if owner < neighbour[k, j, i] and values[6] > 0.55:
                    density = _ramp(values[6], 0.55, 0.7) * np.exp(-gap / (1.6 * width))
                    grey += (58 - grey) * 0.8 * density
                # Black spills: all dark, membranes drowned.
                spill = _ramp(values[4], 0.62, 0.78)
                grey += (66 + 4 * fill - grey) * 0.96 * spill
                signal[k, j, i] = grey


@compiled(error_model="numpy")
def _add_grain(corner, signal, tile, other_tile, offsets, image):  # type: ignore[no-untyped-def]
    xs = corner[2] + np.arange(signal.shape[2])
    tile_columns, other_columns = xs % tile.shape[0], xs % other_tile.shape[0]
    grains, other_grains = np.empty((2, signal.shape[2]), np.float32)
    for k in range(signal.shape[0]):
        for j in range(signal.shape[1]):
            z, y = corner[0] + k, corner[1] + j
            _tile_row(tile, z, y, tile_columns, grains)
            _tile_row(other_tile, z, y, other_columns, other_grains)
            for i in range(signal.shape[2]):
                grain = grains[i] + other_grains[i]
                grey = signal[k, j, i] + offsets[k] + GRAIN * grain
                image[k, j, i] = np.uint8(min(max(np.rint(grey), 0.0), 255.0))
