"""Measure a volume's way from raw files to coarse ones, against the published scripts.

    python benchmarks/benchmark_volume.py [SEGMENTATION.npz::labels]

The published way is written here plainly: `combine_volumes.py` puts the slices into a
float buffer and packs them at full size, `downsample_images.py` unpacks, averages and
packs them again, `downsample_segment.py` votes block by block with `numpy.unique` and
the tie rule in Python; all with the xz default preset. It makes no tables. Both ways
start from the same files, packed as the sandbox packs them, each in a process of its
own, and must agree to the bit. Compiling numba is not counted: each kernel runs once
before the clock starts, and its machine code is kept on disk between runs.
"""

import argparse
import lzma
import multiprocessing
import os
import platform
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import gaussian_filter
from skimage.transform import downscale_local_mean

from eyewire_validator.sandbox.bucket.folder import LZMA_FILTERS
from eyewire_validator.sandbox.tissue.rendering import to_jpegs
from eyewire_validator.storage.files import XZ_PRESET
from eyewire_validator.volumes.coarse import downsample_volume, write_volume
from eyewire_validator.volumes.downsampling import (
    bounding_boxes,
    count_blocks,
    downsample_image,
    vote,
)
from eyewire_validator.volumes.geometry import VolumeGeometry
from eyewire_validator.volumes.raw import RawVolume

FACTOR = 4
RUNS = 5
PRESETS = (0, 3, 6)
# Parts, as the table names them.
JPEGS, UNPACKED, FULL, MEAN, VOTE = (
    "decode the JPEGs",
    "unpack the segmentation",
    "image at full size: pack, write, read, unpack",
    "average the image",
    "vote (here: coverage and vote)",
)
BOXES, WRITTEN = "boxes of the segments", "pack, tables, write, hash"

# What workflow/scripts/downsample_volumes.py does with a volume.
JOB = """
import sys
from pathlib import Path
from eyewire_validator.volumes.geometry import VolumeGeometry
from eyewire_validator.volumes.raw import RawVolume
from eyewire_validator.volumes.coarse import downsample_volume, write_volume

folder, size, factor = Path(sys.argv[1]), *map(int, sys.argv[2:])
raw = RawVolume(folder, 0, VolumeGeometry(size, factor, factor))
write_volume(folder / "coarse", downsample_volume(raw))
print(Path("/proc/self/status").read_text())
"""


class Measured(NamedTuple):
    """Seconds of each part and of all, MB beyond the imports, and the coarse arrays."""

    parts: dict[str, float]
    whole: float
    megabytes: float
    image: NDArray[np.uint8]
    segmentation: NDArray[np.uint16]


def vote_in_loop(segmentation: NDArray[np.uint16]) -> NDArray[np.uint16]:
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


def published(folder: Path, size: int) -> Measured:
    """Go the published way once."""
    parts: dict[str, float] = {}
    imports = megabytes("VmRSS")
    shape, packed = (size, size, size), folder / "image.lzma"
    with clock(parts, JPEGS):
        image = np.zeros(shape)
        for z in range(size):
            image[z] = np.array(Image.open(folder / "jpg" / f"{z}.jpg"))
    with clock(parts, FULL):
        packed.write_bytes(lzma.compress(image.astype(np.uint8).tobytes()))
        content = lzma.decompress(packed.read_bytes())
        image = np.frombuffer(content, np.uint8).reshape(shape)
    with clock(parts, MEAN):
        mean = np.rint(downscale_local_mean(image, (FACTOR,) * 3)).astype(np.uint8)
    with clock(parts, UNPACKED):
        content = lzma.decompress((folder / "segmentation.lzma").read_bytes())
        segmentation = np.frombuffer(content, np.uint16).reshape(shape)
    with clock(parts, VOTE):
        coarse = vote_in_loop(segmentation)
    with clock(parts, WRITTEN):
        packed.write_bytes(lzma.compress(mean.tobytes()))
        packed_votes = lzma.compress(coarse.tobytes())
        (folder / "segmentation_new.lzma").write_bytes(packed_votes)
    memory = megabytes("VmHWM") - imports
    return Measured(parts, sum(parts.values()), memory, mean, coarse)


def here(folder: Path, size: int) -> Measured:
    """Go this project's way, a few times; then its parts one by one."""
    raw = RawVolume(folder, 0, VolumeGeometry(size, FACTOR, FACTOR))
    warm_up()
    imports = megabytes("VmRSS")
    whole = best(lambda: write_volume(folder / "coarse", downsample_volume(raw)))
    memory = megabytes("VmHWM") - imports
    volume = downsample_volume(raw)
    image, segmentation = raw.image(), raw.segmentation()
    parts = {
        JPEGS: best(raw.image),
        UNPACKED: best(raw.segmentation),
        MEAN: best(lambda: downsample_image(image, FACTOR)),
        VOTE: best(lambda: vote(count_blocks(segmentation, FACTOR))),
        BOXES: best(lambda: bounding_boxes(segmentation)),
        WRITTEN: best(lambda: write_volume(folder / "coarse", volume)),
    }
    return Measured(parts, whole, memory, volume.image, volume.segmentation)


def warm_up() -> None:
    """Compile, or load what was compiled."""
    cube = np.zeros((FACTOR,) * 3, np.uint16)
    downsample_image(cube.astype(np.uint8), FACTOR)
    vote(count_blocks(cube, FACTOR))
    bounding_boxes(cube)


@contextmanager
def clock(parts: dict[str, float], part: str) -> Iterator[None]:
    """Add the seconds of what is done inside to those of a part."""
    start = time.perf_counter()
    yield
    parts[part] = parts.get(part, 0) + time.perf_counter() - start


def best(work: Callable[[], Any]) -> float:
    """Return the seconds of the fastest of a few runs."""
    seconds: dict[str, float] = {}
    for run in range(RUNS):
        with clock(seconds, str(run)):
            work()
    return min(seconds.values())


def megabytes(entry: str) -> float:
    """Return this process's memory now (VmRSS) or at most so far (VmHWM)."""
    status = Path("/proc/self/status").read_text()
    return int(re.search(rf"{entry}:\s*(\d+)", status)[1]) * 1024 / 1e6


def megabytes_of_job(folder: Path, size: int) -> float:
    """Return the most memory that a job of one volume holds, imports included."""
    arguments = [sys.executable, "-c", JOB, str(folder), str(size), str(FACTOR)]
    done = subprocess.run(arguments, check=True, capture_output=True, text=True)
    return int(re.search(r"VmHWM:\s*(\d+)", done.stdout)[1]) * 1024 / 1e6


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


def draw_image(segmentation: NDArray[np.uint16]) -> NDArray[np.uint8]:
    """Draw grey tissue with dark membranes where segments meet, from a fixed seed."""
    noise = np.random.default_rng(0).standard_normal(segmentation.shape, np.float32)
    tissue = gaussian_filter(noise, 1)
    meeting = [np.roll(segmentation, 1, axis) != segmentation for axis in range(3)]
    membrane = gaussian_filter(np.any(meeting, axis=0).astype(np.float32), 0.7)
    grey = 170 + 18 * tissue / tissue.std() - 90 * membrane
    return np.clip(grey, 0, 255).astype(np.uint8)


def write_raw(folder: Path, segmentation: NDArray[np.uint16]) -> int:
    """Write a volume's raw files as the sandbox does; return their bytes."""
    (folder / "jpg").mkdir()
    for z, jpeg in enumerate(to_jpegs(draw_image(segmentation))):
        (folder / "jpg" / f"{z}.jpg").write_bytes(jpeg)
    packed = lzma.compress(
        segmentation.tobytes(), lzma.FORMAT_ALONE, filters=LZMA_FILTERS
    )
    (folder / "segmentation.lzma").write_bytes(packed)
    return sum(path.stat().st_size for path in folder.rglob("*.*"))


def read_bytes(folder: Path) -> None:
    """Read the raw files once, and do nothing with them."""
    for path in (*(folder / "jpg").iterdir(), folder / "segmentation.lzma"):
        path.read_bytes()


def apart(work: Callable[[Path, int], Measured], folder: Path, size: int) -> Measured:
    """Call ``work`` in a fresh process."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        return pool.submit(work, folder, size).result()


def print_table(old: Measured, new: Measured, reading: float, job: float) -> None:
    """Print both ways, part by part."""
    print(
        "| part | published, s | here, s | times faster |\n|---|---|---|---|\n"
        f"| read the raw files, no more | | {reading:.4f} | |"
    )
    for part in (JPEGS, UNPACKED, FULL, MEAN, VOTE, BOXES, WRITTEN):
        before, after = old.parts.get(part), new.parts.get(part)
        cells = [f"{value:.4f}" if value else "-" for value in (before, after)]
        ratio = f"{before / after:.0f}" if before and after else ""
        print(f"| {part} | {cells[0]} | {cells[1]} | {ratio} |")
    print(
        f"| the whole | {old.whole:.2f} | {new.whole:.3f} "
        f"| {old.whole / new.whole:.0f} |"
    )
    rest = old.whole - old.parts[FULL]
    print(
        f"| the same, without the image at full size | {rest:.2f} | {new.whole:.3f} "
        f"| {rest / new.whole:.0f} |\n"
        f"| peak memory beyond imports, MB | {old.megabytes:.0f} "
        f"| {new.megabytes:.0f} | |\n"
        f"| peak memory of a job with its imports, MB | | {job:.0f} | |"
    )


def print_presets(arrays: dict[str, NDArray[Any]]) -> None:
    """Print what xz presets cost in size, and in time."""
    print("\n| xz preset | array | bytes | seconds |\n|---|---|---|---|")
    for (name, array), preset in product(arrays.items(), PRESETS):
        content, note = array.tobytes(), " (used)" if preset == XZ_PRESET else ""
        seconds = best(lambda: lzma.compress(content, preset=preset))  # noqa: B023
        size = len(lzma.compress(content, preset=preset))
        print(f"| {preset}{note} | {name} | {size:,} | {seconds:.3f} |")


def main() -> None:
    """Print two small Markdown tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("segmentation", nargs="?", help="FILE.npz or FILE.npz::key")
    name = parser.parse_args().segmentation
    segmentation = read_segmentation(name) if name else made_up_segmentation()
    size = len(segmentation)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        raw_bytes = write_raw(folder, segmentation)
        reading = best(lambda: read_bytes(folder))
        old, new = apart(published, folder, size), apart(here, folder, size)
        job = megabytes_of_job(folder, size)
    np.testing.assert_array_equal(new.image, old.image)
    np.testing.assert_array_equal(new.segmentation, old.segmentation)
    source, ids = Path(name).name if name else "made-up bricks", np.unique(segmentation)
    print(
        f"A volume of {source}, shape {segmentation.shape}, {len(ids)} ids, "
        f"factor {FACTOR}, {raw_bytes / 1e6:.1f} MB of raw files; one run of "
        f"the published way, best of {RUNS} here, one thread; "
        f"{os.cpu_count()} cores ({platform.machine()}), Python "
        f"{platform.python_version()}, numpy {np.__version__}, numba "
        f"{numba.__version__}. Coarse arrays bit-identical.\n"
    )
    print_table(old, new, reading, job)
    print_presets({"image": new.image, "segmentation": new.segmentation})


if __name__ == "__main__":
    main()
