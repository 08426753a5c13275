"""Choose the precision that convolutions compute in, by what the gradients say."""

import logging
from collections.abc import Callable

import torch
from torch import Tensor, nn

# The least cosine between the gradients of bfloat16 and float32 that counts as equal.
# ASSUME: far below a right one. 1.0000 was measured on a CPU that has bfloat16, with
# weights not yet trained; on a GPU nothing was.
LEAST_COSINE = 0.98

log = logging.getLogger(__name__)


def choose_precision(
    wanted: str, device: torch.device, gradient_in: Callable[[torch.dtype], Tensor]
) -> torch.dtype:
    """Choose bfloat16 if it is wanted and its gradients are right, else float32.

    There were versions of cuDNN whose convolutions were silently wrong in it (pytorch
    issue 163539). A CPU without instructions for it takes 35 times as long.

    Args:
        wanted: ``float32``, ``bf16``, or ``auto``: bf16 on a GPU.
        device: where the network is trained.
        gradient_in: returns a gradient, (parameters,), computed in a precision.
    """
    if wanted == "float32" or (wanted == "auto" and device.type == "cpu"):
        return torch.float32
    exact, lower = gradient_in(torch.float32), gradient_in(torch.bfloat16)
    cosine = float(torch.cosine_similarity(exact, lower, 0))
    found = f"its gradient and that of float32 have a cosine of {cosine:.4f}"
    if cosine > LEAST_COSINE:
        log.info("bfloat16 is used: %s", found)
        return torch.bfloat16
    log.warning("bfloat16 is not used: %s, expected above %s", found, LEAST_COSINE)
    return torch.float32


def gradient(model: nn.Module, loss: Tensor) -> Tensor:
    """Return the gradient of a loss, (parameters,), and leave none in the model."""
    torch.autograd.backward(loss)
    found = [parameter.grad for parameter in model.parameters()]
    model.zero_grad()
    return torch.cat([grad.flatten() for grad in found if grad is not None])
