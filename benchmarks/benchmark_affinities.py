"""Measure the U-Net of affinities against a plain way, by turns in one process.

    python benchmarks/benchmark_affinities.py [--device cuda] [--seconds 3]

The plain way is written here: layers one after the other, patches cut and changed on
the CPU, a volume's turns answered one by one on one thread, each turn's contacts found
anew. What it works on is made up: cubes of Voronoi cells. By the clock, and by the
processor's time of all threads and of the main one: on a machine where other jobs run,
threads wait for those, and by the clock a second one may then be worth nothing. They
wait asleep, as in the workflow (rules/common.smk): where cores are busy, threads that
spin make a batch take up to twenty times as long. The defaults take less than two
minutes, also on busy cores.
"""

import argparse
import os
import sys
import time
from collections.abc import Callable
from importlib import import_module
from itertools import cycle
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from benchmark_training import DATA_SHEET, BytesMoved
from numpy.typing import NDArray
from scipy.spatial import KDTree
from torch import Tensor
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from eyewire_validator.agglomeration.affinities import contact_affinities
from eyewire_validator.agglomeration.affinity_patches import (
    BRIGHTNESS,
    CONTRAST,
    NOISE,
    LabelledVolume,
    Patches,
)
from eyewire_validator.agglomeration.affinity_training import (
    APART_WEIGHT,
    affinity_loss,
)
from eyewire_validator.agglomeration.affinity_unet import (
    DISTANCES,
    OFFSETS,
    AffinityUNet,
)
from eyewire_validator.agglomeration.contact_classifier import MEMBERS
from eyewire_validator.agglomeration.contacts import close_gaps
from eyewire_validator.agglomeration.volume_normalisation import normalise_by
from eyewire_validator.learning.devices import (
    keep_memory,
    repeatable,
    resolve_device,
    torch_threads,
)
from eyewire_validator.learning.residual_trunk import ResidualBlock
from eyewire_validator.learning.symmetry import SYMMETRIES, apply, choose
from eyewire_validator.volumes.grey import standardize_image
from eyewire_validator.volumes.store import CoarseVolume

sys.path.append(str(Path(__file__).resolve().parents[1] / "tests/plain"))
plain_contacts = import_module("plain_contacts")

# All volumes of Eyewire's data set.
ALL = 56_326
SEGMENTS = 300

# Does a piece of work, and says how many items it was.
Work = Callable[[], int]


class Measured(NamedTuple):
    """Seconds an item: by the clock, of all threads, and of the main thread."""

    clock: float
    processor: float
    main_thread: float


def made_up_volume(size: int, number: int) -> CoarseVolume:
    """Return a cube of Voronoi cells, dark where two of them meet."""
    generator = np.random.default_rng(number)
    grid = np.indices((size,) * 3).reshape(3, -1).T
    centres = generator.uniform(0, size, (SEGMENTS, 3))
    distances, nearest = KDTree(centres).query(grid, 2)
    grey = generator.normal(170, 18, len(grid)) - 90 * (np.ptp(distances, axis=1) < 1)
    return CoarseVolume(
        np.clip(grey, 0, 255).astype(np.uint8).reshape((size,) * 3),
        np.uint16(1 + nearest[:, 0]).reshape((size,) * 3),
    )


# The plain way.


class PlainUNet(AffinityUNet):
    """The same network, layer after layer."""

    def forward(self, image: Tensor) -> Tensor:
        """Predict affinities, as `AffinityUNet` does."""
        trunk = self.trunk
        features, passed = convolve(trunk.enter, image), []
        for level, encode in enumerate(trunk.encode):
            if level:
                features = trunk.down[level - 1](features)
            features = plain_block(encode, features)
            passed.append(features)
        for level in reversed(range(len(trunk.up))):
            features = passed[level] + trunk.up[level](features)
            features = plain_block(trunk.decode[level], features)
        return self.affinities(F.relu(trunk.leave(features)))


def plain_block(block: ResidualBlock, features: Tensor) -> Tensor:
    """Return what a residual block makes of features."""
    inner = convolve(block.c1, F.relu(block.n1(features)))
    return features + convolve(block.c2, F.relu(block.n2(inner)))


def convolve(layer: torch.nn.Conv3d, features: Tensor) -> Tensor:
    """Convolve, and let torch pad."""
    return F.conv3d(features, layer.weight, layer.bias, padding=1)


def plain_loss(logits: Tensor, objects: Tensor) -> Tensor:
    """Return the loss, as `affinity_loss` does."""
    total, weight = logits.new_zeros(()), logits.new_zeros(())
    for channel, offset in enumerate(OFFSETS):
        z, y, x = (n - by for n, by in zip(objects.shape[1:], offset, strict=True))
        here = objects[:, :z, :y, :x]
        there = objects[:, offset[0] :, offset[1] :, offset[2] :]
        together = (here == there).float()
        labelled = (here > 0) | (there > 0)
        weights = labelled * (APART_WEIGHT + (1 - APART_WEIGHT) * together)
        losses = F.binary_cross_entropy_with_logits(
            logits[:, channel, :z, :y, :x], together, reduction="none"
        )
        total = total + (losses * weights).sum()
        weight = weight + weights.sum()
    return total / weight.clamp(min=1)


def plain_patch(
    volume: LabelledVolume, size: int, draw: np.random.Generator
) -> tuple[Tensor, Tensor]:
    """Cut a patch on the CPU, turn it, and change how it looks."""
    start = draw.integers(len(volume.image) - size + 1, size=3)
    cut = tuple(slice(low, low + size) for low in start.tolist())
    symmetry = SYMMETRIES[draw.integers(len(SYMMETRIES))]
    image, objects = (apply(a[cut], symmetry) for a in (volume.image, volume.objects))
    contrast, brightness, noise = draw.uniform(-1, 1, 3)
    grain = torch.from_numpy(draw.standard_normal(image.shape, np.float32))
    image = image * (1 + CONTRAST * contrast) + BRIGHTNESS * brightness
    return image + NOISE * abs(noise) * grain, objects


def plain_training(
    volumes: list[LabelledVolume], options: argparse.Namespace, device: torch.device
) -> Work:
    """Return what trains plainly on a batch."""
    draw, numbers = np.random.default_rng(0), cycle(range(len(volumes)))
    step = stepping(PlainUNet().to(device), plain_loss)

    def work() -> int:
        batch = [volumes[next(numbers)] for _ in range(options.batch)]
        patches = [plain_patch(volume, options.patch, draw) for volume in batch]
        image, objects = (
            torch.stack(part).to(device) for part in zip(*patches, strict=True)
        )
        step(image[:, None], objects)
        return options.batch

    return work


@torch.inference_mode()
def plain_affinities(model: AffinityUNet, volume: CoarseVolume) -> NDArray[np.float64]:
    """Answer a volume turn by turn on one thread, and find its contacts in each."""
    torch.set_num_threads(1)
    image = torch.from_numpy(standardize_image(volume.image))
    segmentation = torch.from_numpy(close_gaps(volume.segmentation))
    device = next(model.parameters()).device
    adapted = normalise_by(model, image.to(device))
    evidence = []
    for symmetry in choose(MEMBERS):
        turned = apply(image, symmetry)[None, None].to(device)
        logits = adapted(turned)[0].cpu().numpy()
        turned_ids = apply(segmentation, symmetry).numpy()
        evidence.append(plain_means(turned_ids, logits))
    return np.stack(evidence)


def plain_means(
    ids: NDArray[np.int32], logits: NDArray[np.float32]
) -> NDArray[np.float64]:
    """Average (9, z, y, x) logits over the contacts of (z, y, x) ids."""
    pairs, _, near = plain_contacts.mean_over_faces(ids, logits[:3])
    of_distances = [near] + [
        plain_contacts.mean_at_distance(ids, logits[3 * n : 3 * n + 3], distance, pairs)
        for n, distance in enumerate(DISTANCES[1:], 1)
    ]
    return np.asarray(np.nanmean(of_distances, axis=0))


# This project's way.


def training_here(
    volumes: list[LabelledVolume], options: argparse.Namespace, device: torch.device
) -> Work:
    """Return what trains on a batch."""
    patches = Patches(volumes, options.patch, device)
    noise = torch.Generator(device).manual_seed(0)
    step = stepping(AffinityUNet().to(device), affinity_loss)
    numbers = torch.arange(options.batch, device=device) % len(volumes)

    def work() -> int:
        step(*patches.draw(numbers, noise))
        return options.batch

    return work


def stepping(
    model: AffinityUNet, loss_of: Callable[[Tensor, Tensor], Tensor]
) -> Callable[[Tensor, Tensor], None]:
    """Return what takes a step of the optimizer."""
    optimizer = torch.optim.Adam(model.train().parameters(), 0.002)

    def step(image: Tensor, objects: Tensor) -> None:
        loss = loss_of(model(image), objects)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    return step


# By turns.


def ways(options: argparse.Namespace, device: torch.device) -> dict[str, Work]:
    """Return what is measured, by its name."""
    cubes = [made_up_volume(options.size, number) for number in range(options.volumes)]
    answers = [np.arange(1 + cell, SEGMENTS + 1, 20) for cell in range(20)]
    labelled = [LabelledVolume.of(cube, answers, cube.voxel_nm) for cube in cubes]
    model, plain = AffinityUNet().eval().to(device), PlainUNet().eval().to(device)
    plain.load_state_dict(model.state_dict())
    expected, found = plain_affinities(plain, cubes[0]), answered(model, cubes[0])
    print(f"Answers differ by {np.abs(found - expected).max():.1e} logits at most.\n")
    return {
        "training, plain, patches": plain_training(labelled, options, device),
        "training, here, patches": training_here(labelled, options, device),
        "answers, plain, cubes": lambda: len(plain_affinities(plain, cubes[0])[:1]),
        "answers, here, cubes": lambda: len(answered(model, cubes[0])[:1]),
    }


def answered(model: AffinityUNet, cube: CoarseVolume) -> NDArray[np.float32]:
    """Answer a volume with as many threads as torch has."""
    threads = torch.get_num_threads()
    with torch_threads(1):
        return contact_affinities(model, cube, threads)[2]


def measure(work: Work, seconds: float, device: torch.device) -> Measured:
    """Work for some seconds."""
    clocks = (time.perf_counter, time.process_time, time.thread_time)
    starts, items = [clock() for clock in clocks], 0
    while clocks[0]() - starts[0] < seconds:
        items += work()
    wait(device)
    spent = [clock() - start for clock, start in zip(clocks, starts, strict=True)]
    return Measured(*(each / items for each in spent))


def wait(device: torch.device) -> None:
    """Wait for the device."""
    if device.type == "cuda":
        torch.cuda.synchronize()


def by_turns(
    works: dict[str, Work], options: argparse.Namespace, device: torch.device
) -> dict[tuple[str, int], Measured]:
    """Measure all ways with each number of threads; keep the least of each clock."""
    least: dict[tuple[str, int], Measured] = {}
    for _ in range(options.rounds):
        for threads in options.threads:
            for way, work in works.items():
                with torch_threads(threads):
                    found = measure(work, options.seconds, device)
                known = least.get((way, threads), found)
                least[way, threads] = Measured(*map(min, known, found))
    return least


def roofline(options: argparse.Namespace) -> str:
    """Tell how much a GPU could do at most, in bf16."""
    model, limits = AffinityUNet(), []
    for name, size in (("patches/s", options.patch), ("cubes/s", options.size)):
        image = torch.zeros(1, 1, size, size, size)
        objects = torch.zeros(1, size, size, size, dtype=torch.int32)
        counters = FlopCounterMode(display=False), BytesMoved()
        with counters[0] as flops, counters[1] as moved:
            if name == "patches/s":
                affinity_loss(model(image), objects).backward()
            else:
                with torch.inference_mode():
                    model.eval()(image)
        items = 1 if name == "patches/s" else 1 / MEMBERS
        arithmetic = items * DATA_SHEET.operations / flops.get_total_flops()
        memory = items * DATA_SHEET.bytes / (moved.total / 2)
        limits.append(
            f"{arithmetic:,.0f} {name} by arithmetic, {memory:,.0f} by memory"
        )
    return f"{DATA_SHEET.name} does at most {'; '.join(limits)}, in bf16."


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--volumes", type=int, default=4, help="to learn from")
    parser.add_argument("--size", type=int, default=64, help="edge of a volume, voxels")
    parser.add_argument("--patch", type=int, default=32, help="edge of a patch, voxels")
    parser.add_argument("--batch", type=int, default=2, help="patches a step")
    parser.add_argument("--seconds", type=float, default=1.5, help="of a round")
    parser.add_argument("--rounds", type=int, default=4)
    return parser.parse_args()


def let_threads_sleep() -> None:
    """Start this script anew with threads that wait asleep: torch read the setting."""
    if "OMP_WAIT_POLICY" not in os.environ:
        asleep = os.environ | {"OMP_WAIT_POLICY": "passive"}
        os.execve(sys.executable, [sys.executable, *sys.argv], asleep)


def main() -> None:
    """Print a Markdown table."""
    options = parse()
    let_threads_sleep()
    device = resolve_device(options.device)
    keep_memory()
    torch.manual_seed(0)
    with repeatable(device):
        found = by_turns(ways(options, device), options, device)
    print(f"{options}, torch {torch.__version__}; least of {options.rounds} rounds.")
    print(f"{roofline(options)}\n")
    print(
        "| | threads | a second | processor, s | its main thread, s | times plain, "
        f"clock (processor) | {ALL:,} cubes, h |\n|---|---|---|---|---|---|---|"
    )
    for (way, threads), measured in found.items():
        plain = found[way.replace("here", "plain"), threads]
        hours = f"{measured.clock * ALL / 3600:.1f}" if "cubes" in way else ""
        print(
            f"| {way} | {threads} | {1 / measured.clock:.2f} | "
            f"{measured.processor:.3f} | {measured.main_thread:.3f} | "
            f"{plain.clock / measured.clock:.2f} "
            f"({plain.processor / measured.processor:.2f}) | {hours} |"
        )


if __name__ == "__main__":
    main()
