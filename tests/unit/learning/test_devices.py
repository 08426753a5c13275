import platform
import subprocess
import sys

import pytest
import torch

from eyewire_validator.errors import ConfigError
from eyewire_validator.learning.devices import (
    repeatable,
    resolve_device,
    torch_threads,
)


@pytest.mark.parametrize(
    ("name", "present", "granted", "chosen"),
    [
        ("auto", True, True, "cuda"),
        ("auto", True, False, "cpu"),
        ("auto", False, True, "cpu"),
        ("cpu", True, True, "cpu"),
        ("cuda", True, True, "cuda"),
    ],
)
def test_the_device_follows_name_presence_and_grant(
    monkeypatch, name, present, granted, chosen
):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: present)
    assert resolve_device(name, cuda_granted=granted).type == chosen


@pytest.mark.parametrize(
    ("name", "present", "granted", "message"),
    [
        ("cuda", False, True, "torch finds none"),
        ("cuda", True, False, "granted none"),
        ("gpu", True, True, "expected auto, cpu or cuda"),
    ],
)
def test_what_cannot_be_had_is_refused(monkeypatch, name, present, granted, message):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: present)
    with pytest.raises(ConfigError, match=message):
        resolve_device(name, cuda_granted=granted)


def state():
    return (
        torch.get_num_threads(),
        torch.are_deterministic_algorithms_enabled(),
        torch.utils.deterministic.fill_uninitialized_memory,
        torch.backends.cudnn.benchmark,
    )


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_threads_and_repeatability_are_as_before_afterwards(device):
    before = state()
    with torch_threads(1), repeatable(torch.device(device)):
        assert state() == (1, device == "cpu", False, device == "cuda")
    assert state() == before


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="needs glibc")
def test_freed_memory_is_kept():
    """In a process of its own, as it cannot be undone."""
    script = """
import resource, torch
from eyewire_validator.learning.devices import keep_memory

def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(20):
        torch.ones(2**22)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

before = faults()
keep_memory()
faults()  # the heap finds its size
print(before, faults())
"""
    done = subprocess.run(
        [sys.executable, "-c", script], check=True, capture_output=True, text=True
    )
    before, kept = map(int, done.stdout.split())
    assert kept < before / 10
