"""Measure what summarizes made-up tables: CPU time, peak memory, and what it wrote.

    python benchmarks/benchmark_summary.py FOLDER TASKS [SOURCES ...]

Makes tables in a folder, of 1,000 segments a task and 100 cells unless told otherwise,
and runs summarize_model, compare_models and plot_segments of each of these sources
(this repository unless told otherwise), each script in a process of its own. The hash
is that of all that it wrote, but for pictures: it must be the same.
"""

import argparse
import hashlib
import json
import os
import subprocess
import sys
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from eyewire_validator.storage.schemas.evaluation import SEGMENT_SCORES, TASK_METRICS

ROOT = Path(__file__).resolve().parents[1]
VALIDATION = 500
# Rows that are made and written at a time.
ROWS = 2**20
VOXELS = 256**3
METADATA = {"leaked": "false", "standing": "result", "settings": "made up"}

# What Snakemake does before a script, and what is measured after it.
JOB = """
import json, resource, sys, time
from pathlib import Path
from types import SimpleNamespace

class Files(dict):
    __getattr__ = dict.__getitem__
    def __iter__(self):
        for files in self.values():
            yield from [files] if isinstance(files, str) else files

script, job = Path(sys.argv[1]), json.loads(sys.argv[2])
files = {kind: Files(job[kind]) for kind in ("input", "output")}
snakemake = SimpleNamespace(params=SimpleNamespace(**job["params"]), log=job["log"])
vars(snakemake).update(files)
exec(compile(script.read_text(), script, "exec"))
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
print(f"{time.process_time():.1f} | {peak:.0f}")
"""
HEADING = {"title": "made up", "details": "", "leaked": False}
ABOUT = {
    "model": "m",
    "title": "made up",
    "standing": "result",
    "split": "test",
    "loops": None,
    "settings": METADATA["settings"],
    "replicate": 0,
}

Job = dict[str, dict[str, Any]]


def summarize_model(folder: Path, bootstrap: dict[str, int]) -> Job:
    """Return what the script of that name is given: files and parameters."""
    split, validation = folder / "split", folder / "validation"
    kinds = {"decisions": "json", "answers": "parquet", "summary": "json"}
    return {
        "input": {
            "tasks": f"{split}/tasks.parquet",
            "segments": f"{split}/segments.parquet",
            "validation_tasks": f"{validation}/tasks.parquet",
            "validation_segments": f"{validation}/segments.parquet",
        },
        "output": {name: f"{folder}/{name}.{kind}" for name, kind in kinds.items()},
        "params": {
            "answers": {"settings": METADATA["settings"]},
            "volume_voxels": VOXELS,
            "decisions": {
                "risk": {"false_merge": 0.01, "confidence": 0.95},
                "reject_recall": 0.99,
            },
            "metadata": METADATA,
            "bootstrap": bootstrap,
        },
    }


def compare_models(folder: Path, bootstrap: dict[str, int]) -> Job:
    """Return what the script of that name is given: files and parameters."""
    names = ("text", "csv", "neurons", "decisions", "differences", "png")
    return {
        "input": {
            "summaries": [f"{folder}/summary.json"],
            "answers": [f"{folder}/answers.parquet"],
            "segments": [f"{folder}/split/segments.parquet"],
        },
        "output": {name: f"{folder}/compared.{name}" for name in names},
        "params": {
            "entries": [ABOUT],
            "volume_voxels": VOXELS,
            "bootstrap": bootstrap,
            "split_rule": "cell",
            "shown": {"model": "m", "split": "test"},
        },
    }


def plot_segments(folder: Path, _: dict[str, int]) -> Job:
    """Return what the script of that name is given: files and parameters."""
    names = ("reliability", "risk_coverage", "votes")
    return {
        "input": {
            "segments": f"{folder}/split/segments.parquet",
            "answers": f"{folder}/answers.parquet",
            "decisions": f"{folder}/decisions.json",
        },
        "output": {"csv": [f"{folder}/{name}.csv" for name in names]},
        "params": {"heading": HEADING},
    }


# Each reads what those before it wrote.
SCRIPTS = (summarize_model, compare_models, plot_segments)


def columns_of(schema: pa.Schema, rows: int, given: dict[str, object]) -> pa.Table:
    """Return a table; what is not given is 0."""
    zeros = {f.name: np.zeros(rows, f.type.to_pandas_dtype()) for f in schema}
    nothing = {f.name: pa.nulls(rows, f.type) for f in schema if f.type == pa.string()}
    columns = zeros | nothing | given
    arrays = [pa.array(columns[name]) for name in schema.names]
    return pa.Table.from_arrays(arrays, schema=schema.with_metadata(METADATA))


def write_tables(folder: Path, tasks: int, segments: int, cells: int) -> None:
    """Write the tables of an evaluation; three tenths of the segments have 0."""
    folder.mkdir(parents=True, exist_ok=True)
    generator = np.random.default_rng(tasks)
    ids, cell = np.arange(tasks), generator.integers(0, cells, tasks)
    about = {"task": ids, "cell": cell, "seed_full_voxels": np.full(tasks, 9)}
    pq.write_table(columns_of(TASK_METRICS, tasks, about), folder / "tasks.parquet")
    schema = SEGMENT_SCORES.with_metadata(METADATA)
    with pq.ParquetWriter(folder / "segments.parquet", schema) as writer:
        for some in np.array_split(ids, -(-tasks * segments // ROWS)):
            size = len(some) * segments
            truth = generator.random(size) < 0.01
            logits = generator.normal(-6, 3, size) + 8 * truth
            answered = generator.random(size) < 0.7
            given = {
                "task": some.repeat(segments),
                "cell": cell[some].repeat(segments),
                "voxels": generator.geometric(1e-3, size),
                "probability": (answered / (1 + np.exp(-logits))).astype(np.float32),
                "truth": truth,
                "neuron": truth,
            }
            writer.write_table(columns_of(SEGMENT_SCORES, size, given))


def main() -> None:
    """Print one Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("tasks", type=int)
    parser.add_argument("sources", type=Path, nargs="*", default=[ROOT])
    parser.add_argument("--segments", type=int, default=1_000, help="of a task")
    parser.add_argument("--cells", type=int, default=100)
    parser.add_argument("--resamples", type=int, default=2_000)
    options = parser.parse_args()
    of_task = options.segments, options.cells
    write_tables(options.folder / "validation", VALIDATION, *of_task)
    write_tables(options.folder / "split", options.tasks, *of_task)
    bootstrap = {"resamples": options.resamples, "random_seed": 0}
    print("| script | sources | CPU s | peak, MB | SHA-256 |\n|---|---|---|---|---|")
    for script, sources in product(SCRIPTS, map(Path.resolve, options.sources)):
        name, job = script.__name__, script(options.folder, bootstrap)
        taken = run_job(sources, name, {**job, "log": [f"{options.folder}/job.log"]})
        digest = digest_of(job["output"])
        print(f"| {name} | {sources.name} | {taken} | {digest} |", flush=True)


def run_job(sources: Path, name: str, job: Job) -> str:
    """Run a script of some sources in a process of its own; return what it took."""
    script = sources / f"workflow/scripts/{name}.py"
    paths = {"PYTHONPATH": str(sources / "src"), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", JOB, script, json.dumps(job)],
        env=os.environ | paths,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return done.stdout.strip()


def digest_of(outputs: dict[str, Any]) -> str:
    """Hash the files that a script wrote, but for pictures."""
    digest = hashlib.sha256()
    for files in outputs.values():
        for file in [files] if isinstance(files, str) else files:
            if not file.endswith("png"):
                digest.update(Path(file).read_bytes())
    return digest.hexdigest()[:12]


if __name__ == "__main__":
    main()
