"""Where torch computes, with how many threads, and how repeatably."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from eyewire_validator.errors import ConfigError


def resolve_device(name: str, *, cuda_granted: bool = True) -> torch.device:
    """Choose the device.

    Args:
        name: ``auto`` (a GPU if there is one and it is granted), ``cpu`` or ``cuda``.
        cuda_granted: whether this process may use the GPU.

    Raises:
        ConfigError: ``cuda`` is asked for and is not there, or not granted.
    """
    if name not in ("auto", "cpu", "cuda"):
        raise ConfigError(f"device is {name!r}, expected auto, cpu or cuda")
    usable = cuda_granted and torch.cuda.is_available()
    if name == "cuda" and not usable:
        reason = "torch finds none" if cuda_granted else "the job was granted none"
        raise ConfigError(f"device is cuda, but {reason}; use auto or cpu")
    return torch.device("cuda" if usable and name != "cpu" else "cpu")


@contextmanager
def torch_threads(count: int) -> Iterator[None]:
    """Let torch use ``count`` CPU threads within the block."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def repeatable() -> Iterator[None]:
    """Ask torch for the same bits every time within the block.

    On a CPU, with the same number of threads, they are. On a GPU, torch warns of what
    it has no repeatable way to compute.
    """
    before = (
        torch.are_deterministic_algorithms_enabled(),
        torch.is_deterministic_algorithms_warn_only_enabled(),
    )
    torch.use_deterministic_algorithms(True, warn_only=True)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before[0], warn_only=before[1])
