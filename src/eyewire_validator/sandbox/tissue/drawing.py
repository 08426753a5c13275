"""Draw a block of tissue to learn from: every voxel's neuron is known.

What a network learns from one animal it does not find in the next: other grey values,
other grain, other membranes. A drawing differs from all of them, and so keeps a network
from taking the looks of a few blocks for granted (domain randomization: Tobin et al.
2017, doi:10.1109/IROS.2017.8202133).
"""

from eyewire_validator.sandbox.tissue.rendering import (
    Picture,
    from_jpegs,
    render,
    to_jpegs,
)
from eyewire_validator.sandbox.tissue.retina import grow_tissue

# Voxels (z, y, x) of a block, and what it is grown by, see `grow_tissue`. The seed is
# no sandbox's: what learned from a block has not seen any of these.
SHAPE, TRACED, REACH, SEED = (128, 192, 192), 20, 100.0, 100


def draw_tissue(neurite_diameter: float) -> Picture:
    """Draw a block of neurites.

    Args:
        neurite_diameter: their mean, in voxels.

    Returns:
        Its image, as JPEG leaves it, and the neuron of each voxel, from 1.
    """
    seed = SEED + round(neurite_diameter)
    tissue = grow_tissue(SHAPE, TRACED, neurite_diameter, REACH, seed)
    drawn = render(tissue, (0, 0, 0), SHAPE)
    return Picture(from_jpegs(to_jpegs(drawn.image)), drawn.neuron)
