"""Measure what it takes to answer by agglomeration, and what an evaluation holds.

    python benchmarks/benchmark_agglomeration.py [SEGMENTATION.npz::labels]

CPU time on one core, the better of two rounds. First each part by turns with its plain
twin of tests/plain, which it must equal: contacts with the means of values on their
faces, gaps, the features of contacts, and linkage, of graphs of several sizes and of
further seeds in a volume whose contacts are scored; and linkage beside the extra
`peers`. Peak memory is that of a process of its own, with its imports, the segmentation
and the values. Compiling is not counted.

Then what it takes to score the contacts of a volume, which all of its tasks share, and
to answer and measure a task of a volume whose contacts are scored; the same by the
model alone, seed after seed. And the bytes of `SEGMENT_SCORES` a candidate, in memory
and on disk.
"""

import argparse
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from benchmark_evaluation import SETTINGS, made_up_tasks, write_volumes
from benchmark_volume import made_up_segmentation, read_segmentation
from bioimage_cpp.graph import UndirectedGraph
from numpy.typing import NDArray

from eyewire_validator.agglomeration.answerer import agglomerate
from eyewire_validator.agglomeration.contact_model import ContactModel
from eyewire_validator.agglomeration.contacts import close_gaps, describe_contacts
from eyewire_validator.agglomeration.linkage import HIGHEST, Linkage
from eyewire_validator.agglomeration.membership import LINKAGE_ALONE
from eyewire_validator.agglomeration.scoring import (
    Linked,
    ScoredContacts,
    score_contacts,
)
from eyewire_validator.baselines.peers import PEERS, RegionGraph
from eyewire_validator.evaluation.evaluate import evaluate, save_evaluation
from eyewire_validator.learning.devices import torch_threads
from eyewire_validator.models.checkpoint import load_checkpoint
from eyewire_validator.models.segment_validator import SegmentValidator
from eyewire_validator.tasks.answering import answer_in_lineage
from eyewire_validator.tasks.lineage import Lineage
from eyewire_validator.volumes.appearance import Appearance
from eyewire_validator.volumes.contacts import mean_over_faces
from eyewire_validator.volumes.downsampling import count_blocks, vote
from eyewire_validator.volumes.store import CoarseVolume

PLAIN = Path(__file__).resolve().parents[1] / "tests/plain"
sys.path.append(str(PLAIN))
plain_contacts, plain_linkage = map(import_module, ("plain_contacts", "plain_linkage"))

# Of volumes that are made up: no membership depends on it.
LOOKS = Appearance(*[0.0] * 7)
CHECKPOINT = Path(__file__).resolve().parents[1] / "models/agglomeration.pt"


# Contacts of the graphs that are linked; the plain twin, which is quadratic, takes part
# up to so many.
GRAPHS, PLAIN_GRAPHS = (1_000, 10_000, 30_000, 100_000, 1_000_000), 30_000
PEER_GRAPH = 100_000
MEMBERS = 8

# Averages values over faces in a process of its own.
JOB = """
import sys
from importlib import import_module
from pathlib import Path

import numpy as np

sys.path.append(sys.argv[1])
folder = Path(sys.argv[3])
arrays = np.load(folder / "segmentation.npy"), np.load(folder / "values.npy")
import_module(sys.argv[2]).mean_over_faces(*arrays)
print(Path("/proc/self/status").read_text())
"""

Array = NDArray[Any]


def best_of_two(work: Callable[[], object]) -> float:
    """Return the CPU seconds of the quicker of two times."""
    return by_turns(work)[0]


def by_turns(*works: Callable[[], object]) -> list[float]:
    """Return the CPU seconds of the quicker of two rounds of each."""
    seconds: list[list[float]] = [[] for _ in works]
    for _ in range(2):
        for work, taken in zip(works, seconds, strict=True):
            start = time.process_time()
            work()
            taken.append(time.process_time() - start)
    return [min(taken) for taken in seconds]


def print_pair(part: str, unit: str, plain: float | None, here: float) -> None:
    """Print a row: what the plain twin reaches, what the code reaches, and the ratio.

    Both are rates if the unit is one (per second), otherwise what is taken.
    """
    if plain is None:
        print(f"| {part}, {unit} | | {here:,.3g} | |")
        return
    ratio = here / plain if unit.endswith("/s") else plain / here
    print(f"| {part}, {unit} | {plain:,.3g} | {here:,.3g} | {ratio:,.1f} |")


def drawn_values(segmentation: Array) -> Array:
    """Draw (3, z, y, x) float32, as affinities are."""
    shape = (3, *segmentation.shape)
    return np.random.default_rng(0).standard_normal(shape, np.float32)


def peak_of(module: str, folder: Path) -> float:
    """Return the peak memory in MB of a job that averages values over faces."""
    arguments = [sys.executable, "-c", JOB, str(PLAIN), module, str(folder)]
    done = subprocess.run(arguments, check=True, capture_output=True, text=True)
    return int(re.search(r"VmHWM:\s*(\d+)", done.stdout)[1]) * 1024 / 1e6


def compare_contacts(name: str | None) -> None:
    """Print the rows of contacts at full size, and of closing gaps."""
    segmentation = read_segmentation(name) if name else made_up_segmentation()
    values, voxels = drawn_values(segmentation), segmentation.size / 1e6
    works = plain_contacts.mean_over_faces, mean_over_faces
    mean_over_faces(segmentation, values)
    plain, here = by_turns(*(lambda w=w: w(segmentation, values) for w in works))
    part = "contacts and means over their faces"
    print_pair(part, "Mvoxel/s", voxels / plain, voxels / here)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        np.save(folder / "segmentation.npy", segmentation)
        np.save(folder / "values.npy", values)
        peaks = [peak_of(work.__module__, folder) for work in works]
    print_pair("the same, peak memory", "MB", *peaks)
    close_gaps(segmentation)
    works = plain_contacts.close_gaps, close_gaps
    plain, here = by_turns(*(lambda w=w: w(segmentation) for w in works))
    print_pair("close gaps", "Mvoxel/s", voxels / plain, voxels / here)
    np.testing.assert_array_equal(*(work(segmentation) for work in works))


def compare_features(title: str, segmentation: Array) -> None:
    """Print the row of describing the contacts of a volume."""
    grey = np.random.default_rng(0).integers(100, 200, segmentation.shape)
    volume = CoarseVolume(grey.astype(np.uint8), segmentation)
    describe_contacts(volume, "unit")
    plain, here = by_turns(
        lambda: plain_contacts.describe_contacts(volume),
        lambda: describe_contacts(volume, "unit"),
    )
    print_pair(f"describe contacts, {title}", "s", plain, here)


def drawn_graph(contacts: int) -> tuple[Array, Array, Array]:
    """Draw a graph whose nodes touch some near by: pairs, faces and evidence."""
    generator, nodes = np.random.default_rng(0), contacts // 6
    one = generator.integers(1, nodes + 1, contacts)
    other = (one + generator.integers(1, 40, contacts)).clip(1, nodes)
    pairs = np.unique(np.stack([one, other], axis=1)[one < other], axis=0)
    evidence = generator.normal(0, 3, (1, len(pairs))).clip(-HIGHEST, HIGHEST)
    faces = generator.integers(1, 60, len(pairs))
    return pairs, faces, evidence.astype(np.float32)


def compare_linkage() -> None:
    """Print the rows of linking graphs of several sizes, from scratch."""
    seed = np.array([40, 41, 120])
    for size in GRAPHS:
        pairs, faces, evidence = drawn_graph(size)
        here = best_of_two(
            lambda: Linkage.prepare(pairs, faces, evidence).levels(seed)  # noqa: B023
        )
        plain = None
        if size <= PLAIN_GRAPHS:
            plain = best_of_two(
                lambda: plain_linkage.link(pairs, faces, evidence[0], seed)  # noqa: B023
            )
        rates = [len(pairs) / taken / 1e6 if taken else None for taken in (plain, here)]
        print_pair(f"link {len(pairs):,} contacts", "M contacts/s", *rates)


def compare_with_gasp() -> None:
    """Print the row of joining all of a graph, in place of the twin GASP, with no seed.

    That is bioimage-cpp's, by the mean over all faces; its graph is made beforehand.
    """
    pairs, faces, evidence = drawn_graph(PEER_GRAPH)
    area, level = faces.astype(np.float64), evidence[0].astype(np.float64)
    contacts = RegionGraph.of(pairs, area, level)
    graph = UndirectedGraph.from_unique_edges(len(contacts.segments), contacts.nodes)
    seed = np.array([40, 41, 120])
    taken = by_turns(
        # So low that all contacts join, as here.
        lambda: PEERS["gasp"](graph, contacts, -HIGHEST - 1),
        lambda: Linkage.prepare(pairs, faces, evidence).levels(seed),
    )
    rates = [len(pairs) / seconds / 1e6 for seconds in taken]
    print_pair(f"GASP: link {len(pairs):,} contacts", "M contacts/s", *rates)


def compare_seeds(coarse: Array) -> None:
    """Print the row of a further seed in a volume whose contacts are scored."""
    pairs, faces, _ = mean_over_faces(coarse, np.zeros((3, *coarse.shape), np.float32))
    evidence = np.random.default_rng(0).normal(0, 3, (MEMBERS, len(pairs)))
    evidence = evidence.clip(-HIGHEST, HIGHEST).astype(np.float32)
    scored = ScoredContacts(pairs, faces, evidence, LOOKS, None)
    seed = pairs[[7, 900, 1800], 0]
    preparing = by_turns(lambda: Linkage.prepare(pairs, faces, evidence))[0]
    plain, here = by_turns(
        lambda: [plain_linkage.link(pairs, faces, one, seed) for one in evidence],
        lambda: Linked.make(scored, seed).members(LINKAGE_ALONE),
    )
    part = f"a further seed: {MEMBERS} members, {len(pairs):,} contacts"
    print_pair(part, "ms", 1000 * plain, 1000 * here)
    print_pair("what is prepared once for all seeds", "ms", None, 1000 * preparing)


def blocks() -> Array:
    """Return 512 blocks in 64 x 64 x 64 voxels."""
    ids = np.arange(1, 513, dtype=np.uint16).reshape(8, 8, 8)
    return np.kron(ids, np.ones((8, 8, 8), np.uint16))


def compare(name: str | None) -> None:
    """Print one Markdown table of each part and its plain twin."""
    print("| part | plain twin | here | times better |\n|---|---|---|---|")
    compare_contacts(name)
    segmentation = read_segmentation(name) if name else made_up_segmentation()
    coarse = vote(count_blocks(segmentation, 4))
    segments = len(np.unique(coarse[coarse > 0]))
    compare_features("64³ of 512 blocks", blocks())
    compare_features(f"64³ of {segments:,} segments", coarse)
    compare_linkage()
    compare_with_gasp()
    compare_seeds(coarse)
    print()


def seconds_alone(validator: SegmentValidator) -> tuple[float, float]:
    """Return the seconds of a seed among 512 blocks: scored for it, and kept scored."""
    image = np.random.default_rng(0).integers(100, 200, (64, 64, 64))
    volume = image, blocks()
    return (
        best_of_two(lambda: validator.score(*volume).answer([222])),
        best_of_two(lambda: validator.answer(*volume, [222])),
    )


def main() -> None:
    """Print two Markdown tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("segmentation", nargs="?", help="FILE.npz or FILE.npz::key")
    parser.add_argument("--tasks", type=int, default=20)
    options = parser.parse_args()
    name = options.segmentation
    compare(name)
    model, info = load_checkpoint(CHECKPOINT)
    assert isinstance(model, ContactModel)
    settings = info.model_settings
    with tempfile.TemporaryDirectory() as temporary, torch_threads(1):
        folder = Path(temporary)
        store = write_volumes(
            folder, read_segmentation(name) if name else made_up_segmentation()
        )
        index = made_up_tasks(store, options.tasks)
        lineage, tasks = Lineage(index), index["task"].tolist()
        answerer = answer_in_lineage(agglomerate(model, store, settings), index)
        scored = best_of_two(
            lambda: score_contacts(model, store.get(0), settings.image)
        )
        answerer(tasks[:2])  # both volumes are scored
        answered = best_of_two(
            lambda: evaluate(tasks, lineage, store, answerer, [1], SETTINGS)
        )
        found = evaluate(tasks, lineage, store, answerer, [1], SETTINGS)[1]
        save_evaluation(found, folder / "tasks", folder / "segments", {})
        candidates = len(found.segments)
        in_memory = found.segments.memory_usage(deep=True).sum() / candidates
        on_disk = (folder / "segments").stat().st_size / candidates
        scoring, kept = seconds_alone(SegmentValidator(model, info))
    print(
        "| | |\n|---|---|\n"
        f"| score the contacts of a volume | {scored:.2f} s |\n"
        f"| answer a task of a scored volume | {answered / options.tasks:.2f} s |\n"
        f"| alone, 512 segments: score and answer | {scoring:.2f} s |\n"
        f"| alone, 512 segments: answer again | {kept:.3f} s |\n"
        f"| times faster | {scoring / kept:.0f} |\n"
        f"| candidate segments a task | {candidates / options.tasks:,.0f} |\n"
        f"| bytes a candidate, in memory | {in_memory:.0f} |\n"
        f"| bytes a candidate, on disk | {on_disk:.0f} |"
    )


if __name__ == "__main__":
    main()
