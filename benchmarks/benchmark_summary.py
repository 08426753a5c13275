"""Measure a summary of made-up tables: CPU time, peak memory, and what it wrote.

    python benchmarks/benchmark_summary.py FOLDER TASKS [SOURCES ...]

Makes tables of 1,000 segments a task in a folder, and runs workflow/scripts/
summarize_model.py of each of these sources (this repository unless told otherwise) in a
process of its own. The hash is that of all that it wrote: it must be the same.
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
SEGMENTS, CELLS, VALIDATION = 1_000, 100, 500
METADATA = {"leaked": "false", "standing": "result", "settings": "made up"}

# What Snakemake does before a script, and what is measured after it.
JOB = """
import resource, sys, time
from pathlib import Path
from types import SimpleNamespace

class Files(dict):
    __getattr__ = dict.__getitem__
    __iter__ = lambda self: iter(self.values())

script, validation, split, out = sys.argv[1:]
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
        bootstrap={"resamples": 2000, "random_seed": 0},
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


def write_tables(folder: Path, tasks: int) -> Path:
    """Write the tables of an evaluation; three tenths of the segments have 0."""
    folder.mkdir(parents=True, exist_ok=True)
    generator = np.random.default_rng(tasks)
    ids, cells = np.arange(tasks), generator.integers(0, CELLS, tasks)
    about = {"task": ids, "cell": cells, "seed_full_voxels": np.full(tasks, 9)}
    pq.write_table(columns_of(TASK_METRICS, tasks, about), folder / "tasks.parquet")
    schema = SEGMENT_SCORES.with_metadata(METADATA)
    with pq.ParquetWriter(folder / "segments.parquet", schema) as writer:
        for some in np.array_split(ids, -(-tasks // 1000)):
            size = len(some) * SEGMENTS
            truth = generator.random(size) < 0.01
            logits = generator.normal(-6, 3, size) + 8 * truth
            answered = generator.random(size) < 0.7
            given = {
                "task": some.repeat(SEGMENTS),
                "cell": cells[some].repeat(SEGMENTS),
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
    options = parser.parse_args()
    validation = write_tables(options.folder / "validation", VALIDATION)
    split = write_tables(options.folder / "split", options.tasks)
    print("| sources | CPU s | peak, MB | SHA-256 |\n|---|---|---|---|")
    for sources in map(Path.resolve, options.sources):
        script = sources / "workflow/scripts/summarize_model.py"
        command = [sys.executable, "-c", JOB, script, validation, split, options.folder]
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
