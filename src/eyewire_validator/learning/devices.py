"""Choose where torch computes, with how many threads, and how repeatably."""

import ctypes
import platform
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch

from eyewire_validator.errors import ConfigError

# Of glibc's malloc.h: the most blocks that are mapped by themselves, and how many free
# bytes at the end of the heap are kept.
M_MMAP_MAX, M_TRIM_THRESHOLD = -4, -1
MOST_TO_KEEP = 2**31 - 1


def resolve_device(name: str, *, cuda_granted: bool = True) -> torch.device:
    """Return the device of a name.

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


def keep_memory() -> None:
    """Keep the memory that this process frees, until it ends.

    The C library gives large blocks back at once, and the kernel clears each page
    before it hands it out again: with volumes of 64 voxels, a third of a training step,
    and of an evaluation. Does nothing without glibc (see mallopt(3)).
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt and platform.libc_ver()[0] == "glibc":
        mallopt(M_MMAP_MAX, 0)
        mallopt(M_TRIM_THRESHOLD, MOST_TO_KEEP)


def torch_generator(
    generator: np.random.Generator, device: torch.device
) -> torch.Generator:
    """Return a torch generator; what ``generator`` draws next does not change."""
    (child,) = generator.spawn(1)
    return torch.Generator(device).manual_seed(int(child.integers(2**63)))


@contextmanager
def torch_threads(count: int) -> Iterator[None]:
    """Use ``count`` CPU threads of torch within the block."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def repeatable(device: torch.device) -> Iterator[None]:
    """Make torch repeatable on a CPU, and fast on a GPU, within the block.

    On a CPU, with the same number of threads, the bits are the same. What torch leaves
    unset in new tensors is not filled, as nothing here reads it. On a GPU the way to
    the same bits costs much, so cuDNN is let find its fastest one instead.
    """
    before = (
        torch.are_deterministic_algorithms_enabled(),
        torch.utils.deterministic.fill_uninitialized_memory,  # type: ignore[attr-defined]
        torch.backends.cudnn.benchmark,
    )
    _set_repeatable(device.type == "cpu", False, device.type == "cuda")
    try:
        yield
    finally:
        _set_repeatable(*before)


def _set_repeatable(same_bits: bool, fill: bool, try_algorithms: bool) -> None:
    torch.use_deterministic_algorithms(same_bits)
    torch.utils.deterministic.fill_uninitialized_memory = fill  # type: ignore[attr-defined]
    torch.backends.cudnn.benchmark = try_algorithms
