"""Measure catalog, index, split and export of two million tasks.

    python benchmarks/benchmark_index.py

Makes tables of the real size up (see full_scale.py; 2 GB of disk, about a minute), then
runs the workflow's own three scripts on them, each in a process of its own, and says
what their parts take. Memory is the most that the process has had so far. What has just
been written is still in the page cache; reading from a cold disk is not measured.
"""

import argparse
import importlib
import os
import platform
import resource
import runpy
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pyarrow as pa
from full_scale import (
    CELLS,
    GROUP_SPAN,
    STRIDE,
    TASKS_OF_A_CELL,
    VOLUMES,
    cell_ids,
    made_up_volumes,
    write_cells,
    write_manifests,
    write_segments,
)
from snakemake.iocontainers import Namedlist

SCRIPTS = Path(__file__).resolve().parents[1] / "workflow" / "scripts"
SPLIT = {
    "rule": "blocks",
    "test_share": 0.2,
    "validation_share": 0.2,
    "buffer": 1,
    "published_first_test_cell": 77960,
}
# What the scripts call, and what the table calls it.
PARTS = {
    "catalog_volumes": {
        "tables.read_tables": "read the cells' tables",
        "tasks.catalog_volumes": "find the distinct volumes",
        "tables.write_table": "write the catalog",
    },
    "index_tasks": {
        "tables.read_tables": "read the cells' tables",
        "index.cut_aggregates": "cut the aggregates",
        "index.build_index": "build, reading all segments",
        "split.assign_splits": "split",
        "tables.write_table": "write the index",
        "split.count_splits": "count",
    },
    "export_published_formats": {
        "tables.read_columns": "read the index",
        "files.write_text": "write a JSON file",
    },
}


def arguments_of(script: str, results: Path, cells: int) -> SimpleNamespace:
    """Return what Snakemake would tell the script."""
    folder = f"{results}/downloads/cells"
    tables = [f"{folder}/{cell}/tasks.parquet" for cell in cell_ids(cells)]
    manifests = sorted(map(str, results.glob("volumes/groups/*.json")))
    folders = [manifest.removesuffix(".json") for manifest in manifests]
    index = f"{results}/index.parquet"
    arguments: dict[str, dict[str, Any]] = {
        "catalog_volumes": {
            "input": SimpleNamespace(tables=tables),
            "output": [f"{results}/catalog.parquet"],
        },
        "index_tasks": {
            "input": SimpleNamespace(
                tables=tables, manifests=manifests, volumes=folders
            ),
            "output": named(index=index, counts=f"{results}/split.json"),
        },
        "export_published_formats": {
            "input": [index],
            "output": named(
                task_vol=f"{results}/task_vol.json",
                task_data=f"{results}/task_data.json",
            ),
        },
    }
    params = {
        "aggregate": {"threshold": 0, "crowd_rule": True},
        "split": SPLIT,
        "stride": STRIDE,
        "group_span": GROUP_SPAN,
    }
    return SimpleNamespace(
        **arguments[script],
        params=SimpleNamespace(**params),
        log=[f"{results}/{script}.log"],
    )


def named(**files: str) -> Namedlist:
    """Return files as Snakemake does: a list whose items have names."""
    return Namedlist(fromdict=files)


def run_script(script: str, results: Path, cells: int) -> None:
    """Run one script in this process and print a row for each of its parts."""
    rows: list[tuple[str, float, float]] = []

    def timed(function: Callable[..., Any], label: str) -> Callable[..., Any]:
        def run(*args: Any, **kwargs: Any) -> Any:
            start = time.perf_counter()
            value = function(*args, **kwargs)
            rows.append((label, time.perf_counter() - start, peak_memory()))
            return value

        return run

    start = time.perf_counter()
    for name, label in PARTS[script].items():
        module_name, function = name.split(".")
        module = importlib.import_module(f"eyewire_validator.{module_name}")
        setattr(module, function, timed(getattr(module, function), label))
    arguments = arguments_of(script, results, cells)
    runpy.run_path(str(SCRIPTS / f"{script}.py"), {"snakemake": arguments})
    rows.append(
        ("**in all, imports included**", time.perf_counter() - start, peak_memory())
    )
    for label, seconds, memory in rows:
        print(f"| `{script}` | {label} | {seconds:.1f} | {memory:.2f} |")


def peak_memory() -> float:
    """Return the most memory that this process has had so far, in GiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def make_tables(results: Path, cells: int, volumes: int) -> None:
    """Write what the three scripts read."""
    places = made_up_volumes(volumes)
    write_manifests(results, places)
    write_cells(results, places, write_segments(results, places), cells)


def main() -> None:
    """Make the tables, run each script in a process, and print one Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cells", type=int, default=CELLS)
    parser.add_argument("--volumes", type=int, default=VOLUMES)
    parser.add_argument("--results", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--script", choices=PARTS, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.script:
        run_script(given.script, given.results, given.cells)
        return
    print(
        f"{given.cells * TASKS_OF_A_CELL:,} tasks of {given.cells:,} cells in "
        f"{given.volumes:,} volumes; {os.cpu_count()} cores ({platform.machine()}), "
        f"Python {platform.python_version()}, pandas {pd.__version__}, "
        f"pyarrow {pa.__version__}.\n\n"
        "| script | part | seconds | peak memory so far, GiB |\n|---|---|---|---|"
    )
    with tempfile.TemporaryDirectory() as folder:
        make_tables(Path(folder), given.cells, given.volumes)
        for script in PARTS:
            options = ["--results", folder, "--cells", str(given.cells)]
            command = [sys.executable, __file__, "--script", script, *options]
            print(subprocess.check_output(command, text=True), end="", flush=True)


if __name__ == "__main__":
    main()
