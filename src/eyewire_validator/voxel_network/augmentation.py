"""Training patches, changed at random: other tissue's images, or no context.

Images change as other tissue would differ: contrast and brightness, blur, and a slice
that is missing, the simple ones among those of Lee et al. (2017, "Superhuman accuracy
on the SNEMI3D connectomics challenge"). How strong and how frequent they are is chosen
here.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

# By how much contrast is multiplied, and how many grey values are added, at most.
CONTRAST = 0.3
BRIGHTNESS = 25.0
# Shares of the patches that are blurred, and that lose a slice.
BLURRED = 0.25
CUT = 0.25


def augment(samples: Tensor, noise: torch.Generator) -> Tensor:
    """Change the image of each sample at random; masks stay as they are.

    Contrast is around the patch's mean. Blur is the mean over 3 x 3 x 3 voxels. The
    missing slice is black, and lies across the first axis, which the symmetries turn
    anywhere.

    Args:
        samples: (n, channels, z, y, x) uint8, as `samples` describes them.
        noise: chooses, on the samples' device.

    Returns:
        (n, channels, z, y, x) uint8.
    """
    draws = torch.rand(
        5, len(samples), 1, 1, 1, 1, generator=noise, device=noise.device
    )
    contrast, brightness, blur, cut, where = draws
    image = samples[:, :1].float()
    mean = image.mean((1, 2, 3, 4), keepdim=True)
    image = (image - mean) * (1 + CONTRAST * (2 * contrast - 1)) + mean
    image = image + BRIGHTNESS * (2 * brightness - 1)
    smooth = F.avg_pool3d(image, 3, 1, 1, count_include_pad=False)
    image = torch.where(blur < BLURRED, smooth, image)
    depth = image.shape[2]
    slices = torch.arange(depth, device=noise.device)[:, None, None]
    image[((cut < CUT) & (slices == (where * depth).long())).expand_as(image)] = 0
    return torch.cat([image.round().clamp(0, 255).byte(), samples[:, 1:]], 1)


def drop_context(
    samples: Tensor, channels: int, rate: float, noise: torch.Generator
) -> Tensor:
    """Take the whole context from some samples, as if no ancestor was known.

    Args:
        samples: (n, channels, z, y, x) uint8, as `samples` describes them.
        channels: how many of them are context.
        rate: the probability with which a sample loses it.
        noise: chooses, on the samples' device.

    Returns:
        (n, channels, z, y, x) uint8.
    """
    draws = torch.rand(len(samples), 1, 1, 1, 1, generator=noise, device=noise.device)
    kept = samples.clone()
    kept[:, -2 - channels : -2] *= draws >= rate
    return kept
