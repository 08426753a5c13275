"""Measure a summary of made-up tables: CPU time, peak memory, and what it wrote.

    python benchmarks/benchmark_summary.py FOLDER TASKS [SOURCES ...]

Makes tables in a folder, of 1,000 segments a task and 100 cells unless told otherwise,
and runs workflow/scripts/summarize_model.py of each of these sources (this repository
unless told otherwise) in a process of its own. The hash is that of all that it wrote:
it must be the same.
"""

import argparse
import hashlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from eyewire_validator.storage.schemas.evaluation import SEGMENT_SCORES, TASK_METRICS

ROOT = Path(__file__).resolve().parents[1]
VALIDATION = 500
# Rows that are made and written at a time.
ROWS = 2**20
METADATA = {"leaked": "false", "standing": "result", "settings": "made up"}

# What Snakemake does before a script, and what is measured after it.
JOB = """
import resource, sys, time
from pathlib import Path
from types import SimpleNamespace

class Files(dict):
    __getattr__ = dict.__getitem__
    __iter__ = lambda self: iter(self.values())

script, validation, split, out, resamples = sys.argv[1:]
snakemake = SimpleNamespace(
    log=[f"{out}/job.log"],
    input=Files(
        tasks=f"{split}/tasks.parquet", segments=f"{split}/segments.parquet",
        validation_tasks=f"{validation}/tasks.parquet",
        validation_segments=f"{validation}/segments.parquet",
    ),
    output=Files(
        decisions=f"{out}/decisions.json", answers=f"{out}/answers.parquet",
        summary=f"{out}/summary.json",
    ),
    params=SimpleNamespace(
        answers={"settings": "made up"}, volume_voxels=256**3,
        decisions={
            "risk": {"false_merge": 0.01, "confidence": 0.95}, "reject_recall": 0.99,
        },
        metadata={"leaked": "false", "standing": "result", "settings": "made up"},
        bootstrap={"resamples": int(resamples), "random_seed": 0},
    ),
)
exec(compile(Path(script).read_text(), script, "exec"))
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
print(f"{time.process_time():.1f} | {peak:.0f}")
"""


def columns_of(schema: pa.Schema, rows: int, given: dict[str, object]) -> pa.Table:
    """Return a table; what is not given is 0."""
    zeros = {f.name: np.zeros(rows, f.type.to_pandas_dtype()) for f in schema}
    nothing = {f.name: pa.nulls(rows, f.type) for f in schema if f.type == pa.string()}
    columns = zeros | nothing | given
    arrays = [pa.array(columns[name]) for name in schema.names]
    return pa.Table.from_arrays(arrays, schema=schema.with_metadata(METADATA))


def write_tables(folder: Path, tasks: int, segments: int, cells: int) -> Path:
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
    return folder


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
    validation = write_tables(options.folder / "validation", VALIDATION, *of_task)
    split = write_tables(options.folder / "split", options.tasks, *of_task)
    print("| sources | CPU s | peak, MB | SHA-256 |\n|---|---|---|---|")
    for sources in map(Path.resolve, options.sources):
        script = sources / "workflow/scripts/summarize_model.py"
        given = [script, validation, split, options.folder, str(options.resamples)]
        command = [sys.executable, "-c", JOB, *given]
        paths = {"PYTHONPATH": str(sources / "src"), "OMP_NUM_THREADS": "1"}
        done = subprocess.run(
            command,
            env=os.environ | paths,
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        )
        written = b"".join(
            (options.folder / name).read_bytes()
            for name in ("decisions.json", "answers.parquet", "summary.json")
        )
        digest = hashlib.sha256(written).hexdigest()[:12]
        print(f"| {sources.name} | {done.stdout.strip()} | {digest} |")


if __name__ == "__main__":
    main()
