"""Measure what it takes to answer by agglomeration, and what an evaluation holds.

    python benchmarks/benchmark_agglomeration.py [SEGMENTATION.npz::labels]

CPU time on one core, the better of two rounds: to score the contacts of a volume, which
all of its tasks share, and to answer and measure a task of a volume whose contacts are
scored; the same by the model alone, seed after seed. And the bytes of `SEGMENT_SCORES`
a candidate, in memory and on disk.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from benchmark_evaluation import SETTINGS, made_up_tasks, write_volumes
from benchmark_volume import made_up_segmentation, read_segmentation

from eyewire_validator.agglomeration.answerer import agglomerate
from eyewire_validator.agglomeration.contact_model import ContactModel
from eyewire_validator.agglomeration.scoring import score_contacts
from eyewire_validator.evaluation.evaluate import evaluate, save_evaluation
from eyewire_validator.learning.devices import torch_threads
from eyewire_validator.models.checkpoint import load_checkpoint
from eyewire_validator.models.segment_validator import SegmentValidator
from eyewire_validator.tasks.answering import answer_in_lineage
from eyewire_validator.tasks.lineage import Lineage

CHECKPOINT = Path(__file__).resolve().parents[1] / "models/agglomeration.pt"


def best_of_two(work: Callable[[], object]) -> float:
    """Return the CPU seconds of the quicker of two times."""
    seconds = []
    for _ in range(2):
        start = time.process_time()
        work()
        seconds.append(time.process_time() - start)
    return min(seconds)


def seconds_alone(validator: SegmentValidator) -> tuple[float, float]:
    """Return the seconds of a seed among 512 blocks: scored for it, and kept scored."""
    image = np.random.default_rng(0).integers(100, 200, (64, 64, 64))
    blocks = np.arange(1, 513).reshape(8, 8, 8)
    volume = image, np.kron(blocks, np.ones((8, 8, 8), np.uint16))
    return (
        best_of_two(lambda: validator.score(*volume).answer([222])),
        best_of_two(lambda: validator.answer(*volume, [222])),
    )


def main() -> None:
    """Print one Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("segmentation", nargs="?", help="FILE.npz or FILE.npz::key")
    parser.add_argument("--tasks", type=int, default=20)
    options = parser.parse_args()
    name = options.segmentation
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
