"""Measure the vote kernel against the plain loop over blocks, in the same run.

    python benchmarks/benchmark_vote.py [SEGMENTATION.npz::labels]

The loop does what the published script does for every block: `numpy.unique`, then the
tie rule in Python. Both must agree to the bit. Importing and compiling numba is not
counted: the kernel is called once before the clock starts, and its machine code is
kept on disk between runs.
"""

import argparse
import os
import platform
import time
from itertools import product
from pathlib import Path

import numba
import numpy as np
from numpy.typing import NDArray

from eyewire_validator.downsampling import vote

FACTOR = 4
KERNEL_RUNS = 5


def loop_over_blocks(segmentation: NDArray[np.uint16]) -> NDArray[np.uint16]:
    """Vote block by block, as the published script does."""
    ids, counts = np.unique(segmentation, return_counts=True)
    totals = dict(zip(ids, counts, strict=True))
    coarse = np.zeros([edge // FACTOR for edge in segmentation.shape], np.uint16)
    for position in product(*map(range, coarse.shape)):
        window = tuple(slice(i * FACTOR, (i + 1) * FACTOR) for i in position)
        ids, counts = np.unique(segmentation[window], return_counts=True)
        if len(ids) == 1:
            coarse[position] = ids[0]
            continue
        votes = [pair for pair in zip(ids, counts, strict=True) if pair[0] != 0]
        most = max(count for _, count in votes)
        tied = [segment for segment, count in votes if count == most]
        coarse[position] = min(tied, key=totals.__getitem__)
    return coarse


def made_up_segmentation() -> NDArray[np.uint16]:
    """Bricks of random ids, out of step with the blocks, under salt of zeros."""
    generator = np.random.default_rng(0)
    bricks = generator.integers(0, 6000, (16, 32, 32), dtype=np.uint16)
    segmentation = np.kron(bricks, np.ones((16, 8, 8), np.uint16))
    segmentation = np.roll(segmentation, (2, 1, 3), axis=(0, 1, 2))
    segmentation[generator.random(segmentation.shape) < 0.02] = 0
    return segmentation


def read_segmentation(name: str) -> NDArray[np.uint16]:
    """Read the array ``file.npz::key``; the key is ``labels`` unless given."""
    path, _, key = name.partition("::")
    return np.load(Path(path))[key or "labels"].astype(np.uint16)


def measure(segmentation: NDArray[np.uint16]) -> tuple[float, float]:
    """Return the seconds of the loop, and the best of a few runs of the kernel."""
    vote(segmentation[:FACTOR, :FACTOR, :FACTOR], FACTOR)
    start = time.perf_counter()
    expected = loop_over_blocks(segmentation)
    loop_seconds = time.perf_counter() - start
    kernel_seconds = []
    for _ in range(KERNEL_RUNS):
        start = time.perf_counter()
        found = vote(segmentation, FACTOR)
        kernel_seconds.append(time.perf_counter() - start)
        np.testing.assert_array_equal(found, expected)
    return loop_seconds, min(kernel_seconds)


def main() -> None:
    """Print a small Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("segmentation", nargs="?", help="FILE.npz or FILE.npz::key")
    name = parser.parse_args().segmentation
    segmentation = read_segmentation(name) if name else made_up_segmentation()
    loop_seconds, kernel_seconds = measure(segmentation)
    ids = len(np.unique(segmentation))
    print(
        f"Vote over {Path(name).name if name else 'made-up bricks'}, "
        f"shape {segmentation.shape}, {ids} ids, factor {FACTOR}; "
        f"{os.cpu_count()} cores ({platform.machine()}), one thread, "
        f"Python {platform.python_version()}, numpy {np.__version__}, "
        f"numba {numba.__version__}. Results bit-identical.\n\n"
        "| method | seconds | times faster |\n|---|---|---|\n"
        f"| plain loop, one run | {loop_seconds:.2f} | 1 |\n"
        f"| kernel, best of {KERNEL_RUNS} | {kernel_seconds:.4f} "
        f"| {loop_seconds / kernel_seconds:.0f} |"
    )


if __name__ == "__main__":
    main()
