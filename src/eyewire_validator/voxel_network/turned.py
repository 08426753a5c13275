"""Networks that answer tasks turned by symmetries of the cube, one or several.

Tissue has no preferred direction that a network could rely on, so it answers as well if
a task is turned: where the answers differ, it does not know.
"""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from eyewire_validator.learning.symmetry import Symmetry, apply, choose, undo
from eyewire_validator.voxel_network.network import Network


def each_turned_loop(
    network: Network,
    inputs: Sequence[Tensor],
    symmetry: Symmetry,
    loops: int | None = None,
    dropout: Tensor | None = None,
) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield ``(logits, sigma)`` of each pass over turned inputs, turned back.

    Args:
        network: is fed its own answer, as it is.
        inputs: image, context, seed and confidence, as `Network.forward` takes them.
        symmetry: how they are turned.
        loops: as for `Network.forward`.
        dropout: as for `Network.forward`.
    """
    turned = [apply(tensor, symmetry) for tensor in inputs]
    image, context, seed, confidence = turned
    for answer in network.each_loop(image, context, seed, confidence, loops, dropout):
        logits, sigma = (undo(tensor, symmetry) for tensor in answer)
        yield logits, sigma


def answer_turned(
    network: Network, inputs: Sequence[Tensor], count: int, loops: int | None = None
) -> tuple[Tensor, Tensor]:
    """Answer tasks under several symmetries together.

    Args:
        network: as for `each_turned_loop`.
        inputs: likewise.
        count: symmetries, 1 to 48.
        loops: as for `Network.forward`.

    Returns:
        ``(logits, sigma)``: the mean sigma, and the logits that stand, with it, for the
        mean of the probabilities.
    """
    answers = []
    for symmetry in choose(count):
        *_, last = each_turned_loop(network, inputs, symmetry, loops)
        answers.append(last)
    if count == 1:
        return answers[0]
    method = network.uncertainty
    probability = torch.stack([method.probability(*answer) for answer in answers])
    sigma = torch.stack([sigma for _, sigma in answers]).mean(0)
    return method.logits(probability.mean(0), sigma), sigma
