"""Measure how a network's answers are evaluated, against doing it plainly.

    python benchmarks/benchmark_evaluation.py [SEGMENTATION.npz::labels] [--device cuda]

The plain way is what the published evaluation does, a task at a time: unpack its volume
and its ancestors', make float masks with `numpy.isin`, let a network of contiguous
weights answer a batch of one, and count in floats. It evaluates each number of loops on
its own. Segment scores, which the published code does not have, are there a loop over
the segments, each with a mask over the rows of the coverage table, which is in memory.

Both ways answer the same tasks, by turns in one process; the best of a few rounds
counts. Their tables must agree: probabilities and sigmas to `TOLERANCE`, counts but for
voxels whose probability is that near to the threshold.
"""

import argparse
import cProfile
import lzma
import os
import platform
import tempfile
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from types import CodeType
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import torch
from benchmark_volume import (
    FACTOR,
    clock,
    made_up_segmentation,
    read_segmentation,
    write_raw,
)
from numpy.typing import NDArray

from eyewire_validator.config.families import (
    UNCERTAINTIES,
    ModelSettings,
)
from eyewire_validator.evaluation.evaluate import (
    Evaluation,
    EvaluationSettings,
    evaluate,
)
from eyewire_validator.learning.devices import resolve_device, torch_threads
from eyewire_validator.storage.schemas.volumes import COVERAGE
from eyewire_validator.storage.tables import read_table
from eyewire_validator.tasks.lineage import Lineage, Task
from eyewire_validator.volumes.coarse import downsample_volume, write_volume
from eyewire_validator.volumes.geometry import VolumeGeometry
from eyewire_validator.volumes.raw import RawVolume
from eyewire_validator.volumes.store import VolumeStore
from eyewire_validator.voxel_network.answerer import NetworkAnswerer, samples_of
from eyewire_validator.voxel_network.lwunet import LWUNet
from eyewire_validator.voxel_network.samples import OTHER_CONFIDENCE, SEED_CONFIDENCE

CONTEXT_CHANNELS = 2
LOOPS = ([1], [4], [1, 2, 3, 4])
SETTINGS = EvaluationSettings(
    threshold=0.5, batch_size=4, dust_voxels=100, dust_thickness=1
)
TOLERANCE = 1e-5
# Parts, as the table names them.
SAMPLES, NETWORK = "samples", "network: answer, loss, probability"
VOXELS, SEGMENTS = "voxel counts", "segment scores"
# The functions that do it here; that of the network stacks the samples, too.
STACKS = ("SampleLoader.stack", "GpuSamples.stack")
PARTS = {
    SAMPLES: dict.fromkeys(("samples_of", *STACKS), 1),
    NETWORK: {"NetworkAnswerer.__call__": 1, **dict.fromkeys(STACKS, -1)},
    VOXELS: dict.fromkeys(("TaskVoxels.of", "TaskVoxels.measure"), 1),
    SEGMENTS: dict.fromkeys(
        ("VolumeStore.coverage", "Candidates.of", "Candidates.score"), 1
    ),
}


class Found(NamedTuple):
    """Seconds of each part and of all, and the tables by number of loops."""

    parts: dict[str, float]
    whole: float
    tasks: dict[int, pd.DataFrame]
    segments: dict[int, pd.DataFrame]


class Case(NamedTuple):
    """What is to be evaluated."""

    model: LWUNet
    settings: ModelSettings
    index: pd.DataFrame
    store: VolumeStore
    device: torch.device

    @property
    def tasks(self) -> list[int]:
        """Ids of the tasks to answer."""
        return self.index["task"].tolist()


class Plain:
    """The plain way."""

    def __init__(self, case: Case) -> None:
        """Read the tables; volumes are read again for each task."""
        self.case, self.lineage = case, Lineage(case.index)
        self.model = LWUNet.from_settings(case.settings)
        self.model.load_state_dict(case.model.state_dict())
        self.model.to(case.device, memory_format=torch.contiguous_format)
        self.coverage = {
            volume: read_table(
                case.store.folders[volume] / "coverage.parquet", COVERAGE
            )
            for volume in case.index["volume"].unique()
        }

    def evaluate(self, loops: Sequence[int]) -> Found:
        """Evaluate each number of loops on its own, task by task."""
        parts: dict[str, float] = {}
        start = time.perf_counter()
        tasks, segments = {}, {}
        for count in loops:
            done = [self.evaluate_task(task, count, parts) for task in self.case.tasks]
            tasks[count] = pd.DataFrame([row for row, _ in done])
            scores = [score for _, scores in done for score in scores]
            segments[count] = pd.DataFrame(scores)
        return Found(parts, time.perf_counter() - start, tasks, segments)

    @torch.inference_mode()
    def evaluate_task(
        self, task: int, loops: int, parts: dict[str, float]
    ) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        """Return a task's row, and one for each of its candidates."""
        row = self.lineage.task(task)
        with clock(parts, SAMPLES):
            image, context, seed, truth = self.read_sample(row)
        with clock(parts, NETWORK):
            method = self.model.uncertainty
            confidence = np.where(seed > 0, SEED_CONFIDENCE, OTHER_CONFIDENCE)
            inputs = [
                torch.from_numpy(channels[None].astype(np.float32))
                for channels in (image / 255, context, seed, confidence, truth)
            ]
            *inputs, label = (tensor.to(self.case.device) for tensor in inputs)
            logits, sigma = self.model(*inputs, loops=loops)
            loss = method.loss(logits, sigma, label).item()
            probability, sigma = (
                tensor[0, 0].cpu().numpy()
                for tensor in (method.probability(logits, sigma), sigma)
            )
        with clock(parts, VOXELS):
            counts = count_in_floats(probability, seed[0], truth[0])
            about = {"task": task, **counts, "loss": loss, "sigma_mean": sigma.mean()}
        with clock(parts, SEGMENTS):
            scores = self.score_segments(row, probability, sigma)
        return about, scores

    def read_sample(self, task: Task) -> tuple[NDArray[Any], ...]:
        """Return image, context, seed and truth, (channels, z, y, x) each."""
        image = self.read(task.volume_id, "image", np.uint8)
        segmentation = self.read(task.volume_id, "segmentation", np.uint16)
        context = np.zeros((CONTEXT_CHANNELS, *image.shape), np.float32)
        ancestors = self.lineage.ancestors(task, CONTEXT_CHANNELS)
        for back, ancestor in enumerate(ancestors, start=1):
            theirs = self.read(ancestor.volume_id, "segmentation", np.uint16)
            context[-back] = np.isin(theirs, ancestor.aggregate)
        masks = (
            np.isin(segmentation, ids)[None].astype(np.float32)
            for ids in (task.seed, task.aggregate)
        )
        return image[None], context, *masks

    def read(self, volume: int, name: str, dtype: type) -> NDArray[Any]:
        """Unpack an array of a volume."""
        file = self.case.store.folders[volume] / f"{name}.lzma"
        content = lzma.decompress(file.read_bytes())
        return np.frombuffer(content, dtype).reshape(
            self.case.store.geometry.coarse_shape
        )

    def score_segments(
        self, task: Task, probability: NDArray[Any], sigma: NDArray[Any]
    ) -> list[dict[str, Any]]:
        """Average over each candidate, one after the other."""
        segments = self.case.store.coverage(task.volume_id)
        table = self.coverage[task.volume_id]
        rows, voxels, weights = (table[name].to_numpy() for name in COVERAGE.names)
        chosen = segments.candidates(task.seed, SETTINGS.dust)
        scores = []
        for segment in segments.segments["segment"].to_numpy()[chosen]:
            mask = rows == segment
            where, weight = voxels[mask], weights[mask]
            score = {"task": task.task, "segment": segment}
            for name, values in (("probability", probability), ("sigma", sigma)):
                score[name] = (values.flat[where] * weight).sum() / weight.sum()
            scores.append({**score, "truth": segment in task.aggregate})
        return scores


def count_in_floats(
    probability: NDArray[Any], seed: NDArray[Any], truth: NDArray[Any]
) -> dict[str, Any]:
    """Multiply masks and add them up, with and without the seed."""
    guess = (probability > SETTINGS.threshold).astype(np.float32)
    near = np.abs(probability - SETTINGS.threshold) < TOLERANCE
    counts = {"near": near.sum()}
    for suffix, kept in (("", np.ones_like(seed)), ("_seedless", 1 - seed)):
        g, t = guess * kept, truth * kept
        counts[f"guess{suffix}"] = g.sum()
        counts[f"truth{suffix}"] = t.sum()
        counts[f"intersection{suffix}"] = (g * t).sum()
        counts[f"union{suffix}"] = (g + t - g * t).sum()
    return counts


def evaluate_here(case: Case, loops: Sequence[int]) -> dict[int, Evaluation]:
    """Do as workflow/scripts/evaluate_model.py does: nothing has been read yet."""
    folders = {folder.parent for folder in case.store.folders.values()}
    store = VolumeStore(folders, case.store.geometry)
    asked = (case.tasks, case.index, store, case.settings, case.device)
    answerer = NetworkAnswerer(case.model, samples_of(*asked), case.settings, loops)
    return evaluate(case.tasks, Lineage(case.index), store, answerer, loops, SETTINGS)


def measure_here(case: Case, loops: Sequence[int]) -> Found:
    """Go this project's way, all numbers of loops at once, under a profiler."""
    profile = cProfile.Profile()
    start = time.perf_counter()
    found = profile.runcall(evaluate_here, case, loops)
    whole = time.perf_counter() - start
    tasks = {count: tables.tasks for count, tables in found.items()}
    segments = {count: tables.segments for count, tables in found.items()}
    return Found(parts_of(profile), whole, tasks, segments)


def parts_of(profile: cProfile.Profile) -> dict[str, float]:
    """Add up the seconds of each part's functions."""
    seconds = {
        entry.code.co_qualname: entry.totaltime
        for entry in profile.getstats()
        if isinstance(entry.code, CodeType)
    }
    return {
        part: sum(sign * seconds.get(name, 0) for name, sign in functions.items())
        for part, functions in PARTS.items()
    }


def write_volumes(folder: Path, segmentation: NDArray[np.uint16]) -> VolumeStore:
    """Write a volume and its mirror image, downsampled; their ids are 0 and 1."""
    geometry = VolumeGeometry(len(segmentation), FACTOR, FACTOR)
    for volume, labels in enumerate((segmentation, segmentation[::-1].copy())):
        raw = folder / f"raw-{volume}"
        raw.mkdir()
        write_raw(raw, labels)
        coarse = downsample_volume(RawVolume(raw, 0, geometry))
        write_volume(folder / str(volume), coarse)
    return VolumeStore([folder], geometry)


def made_up_tasks(store: VolumeStore, tasks: int) -> pd.DataFrame:
    """Draw tasks, each the child of the one before; volumes take turns."""
    generator = np.random.default_rng(0)
    rows = []
    for task in range(tasks):
        ids = store.coverage(task % 2).segments["segment"].to_numpy()
        aggregate = np.sort(generator.choice(ids, 10, replace=False))
        rows.append(
            {
                **dict.fromkeys(Lineage.COLUMNS),
                "task": task,
                "cell": 0,
                "parent": task - 1 if task else None,
                "volume": task % 2,
                "seed": aggregate[:3],
                "aggregate": aggregate,
                "aggregate_weights": np.ones(10),
            }
        )
    return pd.DataFrame(rows).astype({"parent": "Int64", "volume": "Int64"})


def make_case(folder: Path, options: argparse.Namespace) -> Case:
    """Make volumes, tasks and an untrained network."""
    name = options.segmentation
    segmentation = read_segmentation(name) if name else made_up_segmentation()
    store = write_volumes(folder, segmentation)
    settings = ModelSettings(
        "benchmark",
        "lwunet",
        "ancestors",
        CONTEXT_CHANNELS,
        max(map(max, LOOPS)),
        uncertainty=options.uncertainty,
    )
    torch.manual_seed(0)
    device = resolve_device(options.device)
    model = LWUNet.from_settings(settings).to(device)
    return Case(model, settings, made_up_tasks(store, options.tasks), store, device)


def check_same(plain: Found, here: Found) -> None:
    """Refuse tables that do not agree."""
    for loops, theirs in plain.tasks.items():
        ours, near = here.tasks[loops], theirs["near"]
        for name in theirs.columns.drop("near"):
            if name in ("loss", "sigma_mean"):
                np.testing.assert_allclose(ours[name], theirs[name], rtol=TOLERANCE)
            else:
                assert (abs(ours[name] - theirs[name]) <= near).all(), name
        ours, theirs = here.segments[loops], plain.segments[loops]
        for name in ("task", "segment", "truth"):
            np.testing.assert_array_equal(ours[name], theirs[name])
        for name in ("probability", "sigma"):
            np.testing.assert_allclose(ours[name], theirs[name], rtol=TOLERANCE)


def print_rows(loops: list[int], plain: Found, here: Found, tasks: int) -> None:
    """Print each part's milliseconds a task, and tasks a second."""
    what = f"loops {', '.join(map(str, loops))}"
    for part in PARTS:
        old, new = (1000 * found.parts[part] / tasks for found in (plain, here))
        print(
            f"| {what} | {part}, ms a task | {old:.1f} | {new:.1f} | {old / new:.1f} |"
        )
    scoreless = [found.whole - found.parts[SEGMENTS] for found in (plain, here)]
    for title, (old, new) in (
        ("without segment scores", scoreless),
        ("**the whole**", (plain.whole, here.whole)),
    ):
        rates = f"{tasks / old:.2f} | {tasks / new:.2f}"
        print(f"| {what} | {title}, tasks/s | {rates} | {old / new:.1f} |")


def main() -> None:
    """Print one Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("segmentation", nargs="?", help="FILE.npz or FILE.npz::key")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--tasks", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--uncertainty", choices=UNCERTAINTIES, default="scaled_logit")
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as temporary,
        torch_threads(options.threads),
    ):
        case = make_case(Path(temporary), options)
        candidates = len(case.store.coverage(0).segments)
        size = case.store.geometry.coarse_shape[0]
        print(
            f"{options.tasks} tasks in 2 volumes of {size}³ "
            f"coarse voxels and {candidates:,} segments, {options.uncertainty}, "
            f"batches of {SETTINGS.batch_size} here; best of {options.rounds} rounds; "
            f"{case.device}, {options.threads} threads, {os.cpu_count()} cores "
            f"({platform.machine()}), Python {platform.python_version()}, torch "
            f"{torch.__version__}, numpy {np.__version__}. Same tables.\n\n"
            "| | | plainly | here | times faster |\n|---|---|---|---|---|"
        )
        ways = Plain(case).evaluate, partial(measure_here, case)
        for loops in LOOPS:
            rounds = [[way(loops) for way in ways] for _ in range(options.rounds)]
            check_same(*rounds[0])
            plain, here = (
                min(found, key=lambda f: f.whole) for found in zip(*rounds, strict=True)
            )
            print_rows(loops, plain, here, options.tasks)


if __name__ == "__main__":
    main()
