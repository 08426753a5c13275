"""Measure Snakemake's plan for the real number of cells and volumes.

    python benchmarks/benchmark_dag.py

Makes up what is on disk once all cells are downloaded (3,300 tables, the registry and
the catalog of 56,326 volumes; the files of cells and volumes are empty, as Snakemake
looks only at their times) and measures `snakemake -n` of the whole workflow:

* from scratch: all volumes are still to be fetched, everything after them to be made;
* nothing to do: all of that is there. `snakemake --touch --forceall` has recorded each
  job as if it had run, so that code, params and inputs are compared with its records.
  The 0.1 seconds that it waits before each job are left out;
* one more cell in the registry's CSV, and the same when the registry has been read.

With one volume a job, only the first: recording 112,652 jobs would take hours.
"""

import argparse
import csv
import os
import platform
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import snakemake
import yaml
from full_scale import CELLS, VOLUMES, cell_ids, made_up_volumes

from eyewire_validator.storage.schemas.cells import CATALOG
from eyewire_validator.storage.tables import write_table

ROOT = Path(__file__).resolve().parents[1]
REGISTRY = "results/cells/registry.parquet"
TOUCH_WITHOUT_WAITING = (
    "from snakemake.executors.touch import Executor; Executor.SLEEPING_TIME = 0; "
    "from snakemake.cli import main; main()"
)


class Workflow:
    """A folder with made-up results, and Snakemake in it."""

    def __init__(self, folder: Path, cells: int, volumes: int, group_span: int) -> None:
        """Make everything that is on disk before the first volume is fetched."""
        self.folder, self.group_span = folder, group_span
        config = {
            "source": "eyewire",
            "registry": {"csvs": ["cells.csv"]},
            "volumes": {"group_span": group_span},
        }
        (folder / "changes.yaml").write_text(yaml.safe_dump(config))
        with (folder / "cells.csv").open("w") as file:
            csv.writer(file).writerow(["Cell ID", "Name", "Status", "Size", "Tags"])
        for cell in cell_ids(cells):
            self.register(cell)
        self.snakemake(REGISTRY)
        for cell in cell_ids(cells):
            for name in ("tasks.parquet", "replies.json.xz"):
                self.make_empty(f"results/downloads/cells/{cell}/{name}")
        catalog = made_up_volumes(volumes).assign(tasks=35)
        catalog["group"] = catalog["volume"] // group_span
        file = folder / "results/volumes/catalog.parquet"
        write_table(file, catalog[CATALOG.names], CATALOG)

    def register(self, cell: int) -> None:
        """Add a cell to the registry's CSV."""
        with (self.folder / "cells.csv").open("a") as file:
            csv.writer(file).writerow([cell, f"cell {cell}", "Completed", 1, "[]"])

    def make_empty(self, name: str) -> None:
        """Make an empty file."""
        file = self.folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()

    def make_outputs(self, plan: str) -> None:
        """Make all that a dry run says is to be made, and let Snakemake record it."""
        for line in re.findall(r"^    output: (.*)$", plan, re.MULTILINE):
            for name in line.split(", "):
                if re.fullmatch("results/volumes/groups/[0-9]+", name):
                    (self.folder / name).mkdir(parents=True)
                elif not name.startswith("results/downloads/volumes/"):
                    self.make_empty(name.removesuffix(" (temporary)"))
        self.snakemake("--touch", "--forceall", python=("-c", TOUCH_WITHOUT_WAITING))

    def snakemake(
        self, *options: str, python: tuple[str, ...] = ("-m", "snakemake")
    ) -> tuple[str, float, float, float]:
        """Run Snakemake; return what it says, seconds, CPU seconds, and peak GiB."""
        command = [sys.executable, *python, *options, "--cores", "2"]
        command += ["--snakefile", str(ROOT / "Snakefile"), "--directory"]
        command += [str(self.folder), "--configfile", str(self.folder / "changes.yaml")]
        start = time.perf_counter()
        with (self.folder / "output.txt").open("w+") as output:
            process = subprocess.Popen(command, stdout=output, stderr=output)
            _, status, usage = os.wait4(process.pid, 0)
            seconds = time.perf_counter() - start
            output.seek(0)
            said = output.read()
        if status:
            raise SystemExit(f"{' '.join(command)}\n{said[-3000:]}")
        cpu = usage.ru_utime + usage.ru_stime
        return said, seconds, cpu, usage.ru_maxrss / 2**20

    def plan(self, what: str) -> str:
        """Measure a dry run and print a row; return what it said."""
        said, seconds, cpu, memory = self.snakemake("-n")
        jobs = Counter(
            re.findall(r"^(?:local)?(?:rule|checkpoint) (\w+):", said, re.MULTILINE)
        )
        upstream = ("download_cells", "download_volumes")
        counts = ", ".join(
            f"{jobs[rule]:,} `{rule}`" for rule in upstream if jobs[rule]
        )
        of_which = f" ({counts})" if counts else ""
        print(
            f"| {self.group_span} | {what} | {jobs.total():,}{of_which} "
            f"| {seconds:.0f} | {cpu:.0f} | {memory:.2f} |",
            flush=True,
        )
        return said


def main() -> None:
    """Print one Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cells", type=int, default=CELLS)
    parser.add_argument("--volumes", type=int, default=VOLUMES)
    parser.add_argument("--group-span", type=int, default=128)
    given = parser.parse_args()
    print(
        f"{given.cells:,} cells, {given.volumes:,} volumes; {os.cpu_count()} cores "
        f"({platform.machine()}), Python {platform.python_version()}, Snakemake "
        f"{snakemake.__version__}.\n\n"
        "| group_span | plan | jobs | seconds | CPU seconds | peak memory, GiB |\n"
        "|---|---|---|---|---|---|"
    )
    with tempfile.TemporaryDirectory() as folder:
        workflow = Workflow(Path(folder), given.cells, given.volumes, given.group_span)
        workflow.make_outputs(workflow.plan("from scratch"))
        workflow.plan("nothing to do")
        workflow.register(int(cell_ids(given.cells)[-1]) + 1)
        workflow.plan("one more cell")
        workflow.snakemake(REGISTRY)
        workflow.plan("one more cell, registry read")
    with tempfile.TemporaryDirectory() as folder:
        Workflow(Path(folder), given.cells, given.volumes, 1).plan("from scratch")


if __name__ == "__main__":
    main()
