"""Say what the download of the real size takes, from a finished download of some cells.

    python benchmarks/plan_full_scale.py [results]

Counts files and bytes of the download, and reads the CPU time of its jobs from
results/benchmarks: what a job takes once (imports, mostly), and what each of its
volumes adds, by least squares over jobs of different sizes. For a cell's job the same
is taken once, and two requests a task that cost as much as one for a slice of a volume.

On the sandbox, the service answers inside the job, and its CPU time is counted, too;
the bytes that come down are those of the synthetic retina.
"""

import argparse
import lzma
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import yaml
from full_scale import CELLS, TASKS_OF_A_CELL, VOLUMES, made_up_volumes

from eyewire_validator.storage.schemas.cells import CATALOG, CELL_TASKS
from eyewire_validator.storage.tables import read_table

ROOT = Path(__file__).resolve().parents[1]
TASKS = CELLS * TASKS_OF_A_CELL
# Slices, segmentation and graph.
REQUESTS_OF_A_VOLUME = 256 + 2
FETCHED = (".jpg", ".lzma", ".graph")


def once_and_each(results: Path, rule: str, volumes: pd.Series) -> tuple[float, float]:
    """Return the CPU seconds of a rule's jobs: once, and for each of its volumes."""
    files = [results / f"benchmarks/{rule}/{group}.tsv" for group in volumes.index]
    seconds = [pd.read_csv(file, sep="\t")["cpu_time"].iloc[-1] for file in files]
    fit = np.polynomial.Polynomial.fit(volumes, seconds, 1)
    once, each = fit.convert().coef
    return float(once), float(each)


def size_of(files: Iterable[Path]) -> int:
    """Return the bytes of files."""
    return sum(file.stat().st_size for file in files)


def files_below(*folders: Path) -> list[Path]:
    """Return all files below folders."""
    return [file for folder in folders for file in folder.rglob("*") if file.is_file()]


def print_row(name: str, values: Sequence[float], form: str) -> None:
    """Print a row of the table, a value for the API and one for the bucket."""
    print(f"| {name} |", " | ".join(format(value, form) for value in values), "|")


def main() -> None:
    """Print one Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("results", type=Path, nargs="?", default=Path("results"))
    results = parser.parse_args().results
    api = yaml.safe_load((ROOT / "config/defaults.yaml").read_text())["api"]

    tables = sorted((results / "downloads/cells").glob("*/tasks.parquet"))
    of_tasks = pd.concat(read_table(table, CELL_TASKS) for table in tables)
    cells, tasks = of_tasks["cell"].nunique(), len(of_tasks)
    replies = [table.with_name("replies.json.xz") for table in tables]
    catalog = read_table(results / "volumes/catalog.parquet", CATALOG)
    kept = files_below(
        *(
            results / f"volumes/groups/{group}/{volume}"
            for group, volume in zip(catalog["group"], catalog["volume"], strict=True)
        )
    )
    bucket = files_below(results / "sandbox/bucket")
    raw = [file for file in bucket if file.suffix in FETCHED]
    raw_volumes = sum(file.name == "segmentation.lzma" for file in raw)

    volumes = catalog.groupby("group").size()
    once, fetch = once_and_each(results, "download_volumes", volumes)
    once_more, downsample = once_and_each(results, "downsample_volumes", volumes)
    request = fetch / REQUESTS_OF_A_VOLUME

    scale = np.array([TASKS / tasks, VOLUMES / len(catalog)])
    requests = np.array([CELLS + 2 * TASKS, VOLUMES * REQUESTS_OF_A_VOLUME])
    rates = [api["requests_per_second"], api["storage_requests_per_second"]]
    down = [
        sum(len(lzma.decompress(file.read_bytes())) for file in replies) * scale[0],
        size_of(raw) / raw_volumes * VOLUMES,
    ]
    jobs = np.array([CELLS, made_up_volumes()["group"].nunique()])
    seconds = [
        jobs[0] * once + requests[0] * request,
        jobs[1] * (once + once_more) + VOLUMES * (fetch + downsample),
    ]
    print(
        f"From {cells} cells, {tasks} tasks and {len(catalog)} volumes to "
        f"{CELLS:,} cells, {TASKS:,} tasks and {VOLUMES:,} volumes.\n\n"
        "| | API | bucket |\n|---|---|---|"
    )
    print_row("requests", requests, ",")
    print_row("hours at the default rate", requests / rates / 3600, ".0f")
    print_row("GB down", np.array(down) / 1e9, ".1f")
    print_row(
        "GB kept",
        np.array([size_of(tables + replies), size_of(kept)]) * scale / 1e9,
        ".1f",
    )
    print_row("files kept", [2 * CELLS, len(kept) * scale[1] + jobs[1]], ",.0f")
    print_row("CPU hours", np.array(seconds) / 3600, ".1f")
    print_row("Slurm jobs", jobs, ",")
    print(
        f"\nCPU seconds: {once:.2f} and {once_more:.2f} once a job, {fetch:.3f} to "
        f"fetch and {downsample:.3f} to downsample a volume, {request:.4f} a request"
    )


if __name__ == "__main__":
    main()
