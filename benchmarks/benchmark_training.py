"""Measure training and answering against the published way, in turns in one run.

    python benchmarks/benchmark_training.py [--device cuda] [--volumes 2000]

The published way is written here plainly: a DataLoader whose workers unpack the arrays
of each task and make float masks by `numpy.isin`; contiguous float32 tensors; the loss
of the last loop. The other rows are this project's own functions, at the same shape and
at that of config/defaults.yaml. Each row has a process of its own; all of a kind wait
side by side, each with its volumes, .8 MB apiece. What they train on is made up: a few
volumes of Voronoi cells under as many names as are wanted.

On a GPU all volumes lie on the device: with the defaults, 0.4 GB each row, and it takes
less than four minutes. `--gpu-samples` runs the same code on a CPU,
where it is no faster.
"""

import argparse
import lzma
import multiprocessing
import os
import platform
import re
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from itertools import cycle
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import torch
import yaml
from numpy.typing import NDArray
from scipy.spatial import KDTree
from torch import Tensor
from torch.nn import functional as F
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.data import DataLoader, Dataset
from torch.utils.flop_counter import FlopCounterMode

from eyewire_validator.config.families import NetworkSettings, NetworkTraining
from eyewire_validator.learning.devices import (
    keep_memory,
    repeatable,
    resolve_device,
    torch_threads,
)
from eyewire_validator.storage.files import write_array
from eyewire_validator.volumes.geometry import VolumeGeometry
from eyewire_validator.volumes.store import VolumeStore
from eyewire_validator.voxel_network.gpu_samples import GpuSamples
from eyewire_validator.voxel_network.lwunet import LWUNet
from eyewire_validator.voxel_network.patches import draw_patches
from eyewire_validator.voxel_network.samples import SampleLoader, network_inputs
from eyewire_validator.voxel_network.state import TrainingRun

CONFIG = Path(__file__).resolve().parents[1] / "config" / "defaults.yaml"
GEOMETRY = VolumeGeometry(size=256, overlap=32, factor=4)
SIZE, STRIDE = GEOMETRY.coarse_shape[0], 224
# Volumes that differ; the others are hard links. Segments of each, tasks in each.
DIFFERENT, SEGMENTS, TASKS_OF_A_VOLUME = 16, 300, 4
# Edges of the cubes that work is counted on.
COUNTED = (16, 24)

PUBLISHED_MODEL = {
    "title": "as published", "kind": "lwunet", "context": "published",
    "context_channels": 2, "loops": 4, "image": "raw", "replicates": 1,
    "uncertainty": "scaled_logit",
}  # fmt: skip
PUBLISHED_TRAINING = {
    "patch_size": SIZE, "symmetries": False, "loss_on": "last_loop",
    "learning_rate": 0.001,
}  # fmt: skip


class DataSheet(NamedTuple):
    """What a GPU does a second: bf16 operations, not sparse, and bytes of memory."""

    name: str
    operations: float
    bytes: float


DATA_SHEET = DataSheet("an H200", 989e12, 4.8e12)


@dataclass(frozen=True)
class Options:
    """What the command line says."""

    device: str
    threads: int
    volumes: int
    batch: int
    workers: int
    seconds: float
    rounds: int
    gpu_samples: bool
    processor_time: bool


class Measured(NamedTuple):
    """Tasks and seconds of a round, and the most memory so far, in GB."""

    tasks: int
    seconds: float
    memory: float


def write_volumes(folder: Path, volumes: int) -> None:
    """Write a few volumes of Voronoi cells, and links to them."""
    grid = np.indices((SIZE,) * 3).reshape(3, -1).T
    for volume in range(volumes):
        target, source = folder / str(volume), folder / str(volume % DIFFERENT)
        if volume < DIFFERENT:
            generator = np.random.default_rng(volume)
            centres = generator.uniform(0, SIZE, (SEGMENTS, 3))
            distances, nearest = KDTree(centres).query(grid, 2)
            membrane = np.diff(distances)[:, 0] < 1
            ids = 1 + generator.choice(3000, SEGMENTS, replace=False)[nearest[:, 0]]
            grey = generator.normal(170, 18, len(grid)) - 90 * membrane
            cube = (SIZE,) * 3
            write_array(target / "image.lzma", _bytes(grey).reshape(cube))
            write_array(target / "segmentation.lzma", np.uint16(ids).reshape(cube))
            continue
        target.mkdir()
        for name in ("image.lzma", "segmentation.lzma"):
            os.link(source / name, target / name)


def _bytes(grey: NDArray[np.float64]) -> NDArray[np.uint8]:
    return np.clip(grey, 0, 255).astype(np.uint8)


def made_up_index(store: VolumeStore, volumes: int) -> pd.DataFrame:
    """Put tasks into the volumes, which lie in a row; a parent lies one further."""
    generator = np.random.default_rng(0)
    different = min(volumes, DIFFERENT)
    ids = [np.unique(store.read(v).segmentation) for v in range(different)]
    tasks = np.arange(volumes * TASKS_OF_A_VOLUME)
    places = tasks // TASKS_OF_A_VOLUME
    lists = [generator.choice(ids[place % DIFFERENT], 12, False) for place in places]
    index = pd.DataFrame({"task": tasks, "cell": 0, "volume": places})
    index["parent"] = pd.array(tasks - TASKS_OF_A_VOLUME, "Int64")
    index.loc[index["parent"] < 0, "parent"] = None
    index["min_z"], index["min_y"], index["min_x"] = 0, 0, -STRIDE * places
    index["seed"] = [ids[:2] for ids in lists]
    index["aggregate"] = lists
    index["aggregate_weights"] = [np.ones(12)] * len(tasks)
    return index.assign(excluded=None)


# The published way.


class PublishedTasks(Dataset[tuple[Tensor, Tensor]]):
    """Tasks whose arrays are unpacked every time, as the published code does."""

    def __init__(self, folder: Path, index: pd.DataFrame) -> None:
        """Read nothing yet."""
        self.folder, self.rows = folder, index.to_dict("records")

    def __len__(self) -> int:
        """Return the number of tasks."""
        return len(self.rows)

    def __getitem__(self, number: int) -> tuple[Tensor, Tensor]:
        """Return image, two context channels, seed and confidence; and the truth."""
        row = self.rows[number]
        folder = self.folder / str(row["volume"])
        image = self.unpack(folder / "image.lzma", np.uint8)
        ids = self.unpack(folder / "segmentation.lzma", np.uint16)
        seed = np.isin(ids, row["seed"])
        truth = np.isin(ids, row["aggregate"])
        confidence = np.where(seed, 1, 10)
        channels = [image, np.zeros_like(image), truth, seed, confidence]
        return (
            torch.from_numpy(np.stack(channels).astype(np.float32)),
            torch.from_numpy(truth[None].astype(np.float32)),
        )

    @staticmethod
    def unpack(path: Path, dtype: type) -> NDArray[Any]:
        """Unpack one array."""
        with lzma.open(path) as file:
            return np.frombuffer(file.read(), dtype).reshape((SIZE,) * 3)


class PublishedNetwork(LWUNet):
    """The network with contiguous tensors and heads that are two convolutions."""

    def _heads(self, full: Tensor, up_full: Tensor) -> tuple[Tensor, ...]:
        features = torch.cat([full, up_full], 1)
        return self.logits(features), self.variance(features)


def published_batches(
    folder: Path, index: pd.DataFrame, options: Options, device: torch.device
) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield batches in random order, without end."""
    loader = DataLoader(
        PublishedTasks(folder, index),
        options.batch,
        shuffle=True,
        num_workers=options.workers,
        drop_last=True,
    )
    while True:
        for inputs, truth in loader:
            yield inputs.to(device), truth.to(device)


def published_training(
    folder: Path, index: pd.DataFrame, options: Options, device: torch.device
) -> Callable[[], int]:
    """Return a function that takes a step, and says with how many tasks."""
    model = PublishedNetwork().to(device, memory_format=torch.contiguous_format)
    optimizer = torch.optim.Adam(model.parameters(), 0.001, weight_decay=0.0005)
    batches = published_batches(folder, index, options, device)

    def step() -> int:
        inputs, truth = next(batches)
        logits, sigma = model(*inputs.split([1, 2, 1, 1], 1))
        entropy = F.binary_cross_entropy_with_logits(
            logits / sigma, truth, reduction="none"
        )
        optimizer.zero_grad()
        (entropy + torch.log(sigma)).mean().backward()
        optimizer.step()
        return len(truth)

    return step


def published_answering(
    folder: Path, index: pd.DataFrame, options: Options, device: torch.device
) -> Callable[[], int]:
    """Return a function that answers a batch, and says of how many tasks."""
    model = PublishedNetwork().to(device, memory_format=torch.contiguous_format)
    batches = published_batches(folder, index, options, device)

    @torch.inference_mode()
    def answer() -> int:
        inputs, _ = next(batches)
        logits, sigma = model(*inputs.split([1, 2, 1, 1], 1))
        return len(torch.sigmoid(logits / sigma))

    return answer


# This project's way.


def settings_of(
    options: Options, shape: str, precision: str
) -> tuple[NetworkSettings, NetworkTraining]:
    """Return the settings at the ``published`` shape, or as ``configured``."""
    config = yaml.safe_load(CONFIG.read_text())
    model = {"title": "lwunet", "kind": "lwunet", **config["kinds"]["lwunet"]}
    training = {**config["training"], **model.pop("training")}
    if shape == "published":
        model = PUBLISHED_MODEL
        training |= PUBLISHED_TRAINING | {"batch_size": options.batch}
    return (
        NetworkSettings.from_mapping(model, "model"),
        NetworkTraining.from_mapping(training | {"precision": precision}, "training"),
    )


def drawing(
    store: VolumeStore,
    index: pd.DataFrame,
    options: Options,
    device: torch.device,
    model: NetworkSettings,
    training: NetworkTraining,
) -> Callable[[], Tensor]:
    """Return a function that draws the samples of the next batch."""
    noise = torch.Generator(device).manual_seed(0)
    generator = np.random.default_rng(0)
    order = generator.permutation(index["task"].to_numpy())
    order = order[: max(1, len(order) // training.batch_size) * training.batch_size]
    batches = cycle(order.reshape(-1, training.batch_size).tolist())
    if options.gpu_samples:
        samples = GpuSamples(index, store, model, order.tolist(), device)
        return lambda: samples.draw(next(batches), training, noise)
    loader = SampleLoader(index, store, model)
    return lambda: draw_patches(next(batches), loader, training, generator)


def training_here(
    folder: Path, index: pd.DataFrame, options: Options, device: torch.device, *way: str
) -> Callable[[], int]:
    """Return a function that takes a step, and says with how many tasks."""
    store = VolumeStore([folder], GEOMETRY)
    model, training = settings_of(options, *way)
    draw = drawing(store, index, options, device, model, training)
    noise = torch.Generator(device).manual_seed(0)
    run = TrainingRun.start(model, training, 0, device)
    run.check_precision(draw())
    return lambda: len(run.step(draw(), noise))


def answering_here(
    folder: Path, index: pd.DataFrame, options: Options, device: torch.device, *way: str
) -> Callable[[], int]:
    """Return a function that answers a batch of whole volumes."""
    store = VolumeStore([folder], GEOMETRY)
    settings, training = settings_of(options, *way)
    draw = drawing(store, index, options, device, settings, training)
    model = LWUNet.from_settings(settings).to(device)
    lower = training.precision == "bf16"

    @torch.inference_mode()
    def answer() -> int:
        inputs = network_inputs(draw()[:, :-1], settings.image)
        with torch.autocast(device.type, torch.bfloat16, enabled=lower):
            logits, sigma = model(*inputs)
        return len(model.uncertainty.probability(logits, sigma))

    return answer


# In turns, each in its own process.

WAYS: dict[str, tuple[Callable[..., Callable[[], int]], str, str]] = {
    "training, published way, float32": (published_training, "", ""),
    "training, here, float32": (training_here, "published", "float32"),
    "training, here, bf16": (training_here, "published", "bf16"),
    "training, here, as configured": (training_here, "configured", "float32"),
    "training, here, as configured, bf16": (training_here, "configured", "bf16"),
    "answering, published way, float32": (published_answering, "", ""),
    "answering, here, float32": (answering_here, "published", "float32"),
    "answering, here, bf16": (answering_here, "published", "bf16"),
}
# What `measure` works with, in the process of a way.
_ready: dict[str, Any] = {}


def get_ready(way: str, folder: Path, index: pd.DataFrame, options: Options) -> None:
    """Make a way's work, in the process that will do it."""
    device = torch.device(options.device)
    make, shape, precision = WAYS[way]
    if shape:
        keep_memory()
    blocks = ExitStack()
    blocks.enter_context(torch_threads(options.threads))
    blocks.enter_context(repeatable(device))
    named = [shape, precision] if shape else []
    work = make(folder, index, options, device, *named)
    _ready.update(work=work, options=options, device=device, blocks=blocks)


def measure() -> Measured:
    """Work for some time; what the workers had ready before is not counted."""
    work, options, device = (_ready[name] for name in ("work", "options", "device"))
    for _ in range(2 + 2 * options.workers):
        work()
    _wait(device)
    clock = time.process_time if options.processor_time else time.perf_counter
    tasks, start = 0, clock()
    while clock() - start < options.seconds:
        tasks += work()
    _wait(device)
    return Measured(tasks, clock() - start, _memory(device))


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize()


def _memory(device: torch.device) -> float:
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated() / 1e9
    status = Path("/proc/self/status").read_text()
    return int(re.search(r"VmHWM:\s*(\d+)", status)[1]) * 1024 / 1e9


def in_turns(
    ways: list[str], folder: Path, index: pd.DataFrame, options: Options
) -> dict[str, Measured]:
    """Measure some ways in turns; return the best round of each."""
    context = multiprocessing.get_context("spawn")
    found: dict[str, list[Measured]] = {way: [] for way in ways}
    with ExitStack() as stack:
        pools = {
            way: stack.enter_context(
                ProcessPoolExecutor(
                    1, context, get_ready, (way, folder, index, options)
                )
            )
            for way in ways
        }
        for _ in range(options.rounds):
            for way, pool in pools.items():
                found[way].append(pool.submit(measure).result())
    return {
        way: max(rounds, key=lambda m: m.tasks / m.seconds)
        for way, rounds in found.items()
    }


# What the hardware could do.


class BytesMoved(TorchDispatchMode):
    """Counts the bytes of all that operations read and write, once each."""

    def __init__(self) -> None:
        """Start from nothing."""
        super().__init__()
        self.total = 0

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        """Call the operation, and count unless it only looks at memory otherwise."""
        out = func(*args, **(kwargs or {}))
        if not func.is_view and "empty" not in func.__name__:
            tensors = [t for t in tree_leaves((args, out)) if isinstance(t, Tensor)]
            self.total += sum(t.nbytes for t in tensors)
        return out


def count_work(options: Options, way: str) -> tuple[float, float]:
    """Return arithmetic operations and bytes of a task of 64 voxels, in bf16.

    From two small cubes, as what the weights take does not grow with the volume.
    """
    model, training = settings_of(replace(options, batch=1), "published", "bf16")
    counts = []
    for size in COUNTED:
        run = TrainingRun.start(model, training, 0, torch.device("cpu"))
        run.precision = torch.bfloat16
        noise = torch.Generator().manual_seed(0)
        sample = torch.randint(0, 2, (1, 5, size, size, size), generator=noise).byte()
        inputs = network_inputs(sample[:, :-1], model.image)
        with FlopCounterMode(display=False) as flops, BytesMoved() as moved:
            if way == "training":
                run.step(sample, noise)
            else:
                with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
                    run.model(*inputs)
        counts.append((flops.get_total_flops(), moved.total))
    small, large = COUNTED
    grow = (SIZE**3 - small**3) / (large**3 - small**3)
    first, second = zip(*counts, strict=True)
    return (
        first[0] + (first[1] - first[0]) * grow,
        second[0] + (second[1] - second[0]) * grow,
    )


def print_roofline(options: Options) -> None:
    """Print how many tasks a second a GPU could do at most."""
    for way in ("training", "answering"):
        flops, moved = count_work(options, way)
        print(
            f"{way.capitalize()} a task of {SIZE}³: {flops / 1e9:.1f} GFLOP, and "
            f"{moved / 1e9:.2f} GB in bf16 if each operation reads and writes its "
            f"tensors once: on {DATA_SHEET.name} at most "
            f"{DATA_SHEET.operations / flops:,.0f} tasks/s by arithmetic, "
            f"{DATA_SHEET.bytes / moved:,.0f} by memory."
        )


def print_table(found: dict[str, Measured]) -> None:
    """Print every way, and its ratio to the published one."""
    print(
        "| | tasks/s | Mvoxel/s | memory, GB | times the published way |\n"
        "|---|---|---|---|---|"
    )
    patch = yaml.safe_load(CONFIG.read_text())["kinds"]["lwunet"]["training"][
        "patch_size"
    ]
    for way, measured in found.items():
        kind = way.partition(",")[0]
        base = found.get(f"{kind}, published way, float32")
        rate = measured.tasks / measured.seconds
        edge = patch if "configured" in way else SIZE
        ratio = f"{rate * base.seconds / base.tasks:.1f}" if base else ""
        print(
            f"| {way} | {rate:.2f} | {rate * edge**3 / 1e6:.2f} | "
            f"{measured.memory:.2f} | {ratio} |"
        )


def parse() -> tuple[Options, list[str]]:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--volumes", type=int, help="16; 500 on a GPU")
    parser.add_argument("--batch", type=int, help="2; 16 on a GPU, as published")
    parser.add_argument("--workers", type=int, help="of the DataLoader; 0, on a GPU 8")
    parser.add_argument("--seconds", type=float, help="of a round; 10, on a GPU 4")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--gpu-samples", action="store_true", help="always on a GPU")
    parser.add_argument(
        "--processor-time",
        action="store_true",
        help="count the processor's seconds: on a busy machine, with one thread",
    )
    parser.add_argument("--only", default="", help="ways whose names hold this")
    values = vars(parser.parse_args())
    values["device"] = resolve_device(values["device"]).type
    cuda = values["device"] == "cuda"
    defaults = {
        "volumes": (16, 500),
        "batch": (2, 16),
        "workers": (0, 8),
        "seconds": (10.0, 4.0),
    }
    for name, (on_cpu, on_cuda) in defaults.items():
        if values[name] is None:
            values[name] = on_cuda if cuda else on_cpu
    values["gpu_samples"] |= cuda
    only = values.pop("only")
    return Options(**values), [way for way in WAYS if only in way]


def main() -> None:
    """Print what the hardware could do, then a Markdown table."""
    options, ways = parse()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        write_volumes(folder, options.volumes)
        index = made_up_index(VolumeStore([folder], GEOMETRY), options.volumes)
        found: dict[str, Measured] = {}
        for kind in ("training", "answering"):
            chosen = [way for way in ways if way.startswith(kind)]
            found |= in_turns(chosen, folder, index, options)
    gpu = torch.cuda.get_device_name() if options.device == "cuda" else "no GPU"
    print(
        f"{options}; {os.cpu_count()} cores ({platform.machine()}), {gpu}, Python "
        f"{platform.python_version()}, numpy {np.__version__}, torch "
        f"{torch.__version__}; best of {options.rounds} rounds.\n"
    )
    print_roofline(options)
    print()
    print_table(found)


if __name__ == "__main__":
    main()
