"""Measure what a volume of the synthetic retina takes, part by part.

    python benchmarks/benchmark_sandbox.py

Grows a small block of tissue and makes one volume of 256^3 in it twice: the first time
compiles. Times are of the processor, on one thread. Where scikit-image has a plain twin
of a part it runs in turn with it, three times each, and must give the same array; the
best counts.
"""

import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from skimage.measure import label
from skimage.segmentation import watershed

from eyewire_validator.sandbox import synthetic
from eyewire_validator.sandbox.bucket import folder, pieces, volume_writer, volumes
from eyewire_validator.sandbox.synthetic import Site, VolumeBox, make_volume
from eyewire_validator.sandbox.tissue import rendering, supervoxels
from eyewire_validator.sandbox.tissue.retina import grow_tissue

EDGE, DIAMETER, FACTOR = 256, 26.0, 4
# Functions by the module that calls them; those below others are parts of these.
PARTS = [
    (synthetic, "render"),
    (rendering, "survey"),
    (rendering, "_paint"),
    (synthetic, "oversegment"),
    (supervoxels, "sheetness"),
    (supervoxels, "watershed"),
    (supervoxels, "label_pieces"),
    (synthetic, "describe"),
    (volumes, "find_borders"),
    (volumes, "joined_by_owners"),
    (volume_writer, "write_volume"),
    (folder.lzma, "compress"),
]
ROUNDS = 3


class Stopwatch:
    """Processor seconds of functions, and the arguments of their last calls."""

    def __init__(self) -> None:
        """Start with none."""
        self.seconds: dict[str, float] = defaultdict(float)
        self.arguments: dict[str, tuple[Any, ...]] = {}

    def watch(self, module: Any, name: str) -> None:
        """Put a function that is measured in place of the module's."""
        function = getattr(module, name)

        def measured(*args: Any, **kwargs: Any) -> Any:
            start = time.process_time()
            value = function(*args, **kwargs)
            self.seconds[name] += time.process_time() - start
            self.arguments[name] = args
            return value

        setattr(module, name, measured)


def compare(one: Callable[[], Any], other: Callable[[], Any]) -> tuple[float, float]:
    """Return the least processor seconds of both, which must give the same array."""
    best = [np.inf, np.inf]
    for _ in range(ROUNDS):
        values = []
        for index, function in enumerate((one, other)):
            start = time.process_time()
            values.append(function())
            best[index] = min(best[index], time.process_time() - start)
        np.testing.assert_array_equal(*values)
    return best[0], best[1]


def main() -> None:
    """Make the volume and print two Markdown tables."""
    start = time.process_time()
    tissue = grow_tissue((EDGE,) * 3, 6, DIAMETER, 224.0, 1)
    print(f"growing {EDGE}^3 voxels of tissue: {time.process_time() - start:.1f} s\n")
    site = Site(VolumeBox(1, 2, (0, 0, 0), (EDGE,) * 3), tissue, (0, 0, 0))
    watch = Stopwatch()
    with tempfile.TemporaryDirectory() as scratch:
        writer = volume_writer.VolumeWriter(Path(scratch), Path(scratch), 1)
        make_volume(site, FACTOR, [1], writer)
        for module, name in PARTS:
            watch.watch(module, name)
        start = time.process_time()
        make_volume(site, FACTOR, [1], writer)
    watch.seconds["the whole volume"] = time.process_time() - start
    print("| part | processor s |\n|---|---|")
    for name, seconds in watch.seconds.items():
        print(f"| `{name}` | {seconds:.2f} |")
    landscape, markers, within = watch.arguments["watershed"]
    segments, owners, _ = watch.arguments["joined_by_owners"]
    twins: dict[str, tuple[Callable[[], Any], Callable[[], Any]]] = {
        "watershed": (
            lambda: watershed(landscape, markers, mask=within),
            lambda: supervoxels.watershed(landscape, markers, within),
        ),
        "pieces by faces": (
            lambda: label(segments, connectivity=1),
            lambda: pieces.label_pieces(segments),
        ),
        "pieces by corners": (
            lambda: label(owners, connectivity=3),
            lambda: pieces.label_pieces(owners, by_corners=True),
        ),
    }
    print("\n| part | scikit-image, s | here, s | times faster |\n|---|---|---|---|")
    for name, (plain, ours) in twins.items():
        before, after = compare(plain, ours)
        print(f"| {name} | {before:.2f} | {after:.2f} | {before / after:.1f} |")


if __name__ == "__main__":
    main()
