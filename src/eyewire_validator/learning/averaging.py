"""Average the weights of a training over its steps.

Each step goes astray by what its batch happens to show. The mean of many steps lies in
the middle of where they wander (Polyak and Juditsky 1992, doi:10.1137/0330046), and
does better on data unlike those learned from (Cha et al. 2021, "SWAD: Domain
generalization by seeking flat minima").
"""

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

# Share of the present weights in the average, once steps enough are behind it.
LEAST_SHARE = 0.002


def average_of(model: nn.Module) -> AveragedModel:
    """Return the average of a model's weights, to be updated after each step.

    It is exponential: of the last 500 steps, mostly; of fewer at the start. What batch
    normalisation learned is averaged with the weights.
    """
    return AveragedModel(model, avg_fn=_move, use_buffers=True)


def _move(average: Tensor, present: Tensor, steps: Tensor | int) -> Tensor:
    share = (9 / (10 + torch.as_tensor(steps))).clamp(min=LEAST_SHARE)
    return average + (present - average) * share
