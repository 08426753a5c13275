"""Time `make demo` in fresh clones, from the clone to the report, and its memory.

Run with the project's environment, as it needs psutil:

    .venv/bin/python benchmarks/benchmark_demo.py FOLDER [--runs 3] [--tests]

FOLDER, which must not exist, becomes the last clone and stays.

Prints a Markdown table: minimum and median of the runs. Memory is the largest sum of
resident sizes over the process tree, sampled five times a second; pages that processes
share count more than once.
"""

import argparse
import os
import platform
import shutil
import statistics
import subprocess
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parents[1]
FIRST_PICTURE = "results/first_answer/task.png"


@dataclass(frozen=True)
class Measured:
    """What a command took.

    Attributes:
        seconds: until it ended.
        peak: memory, GiB.
        first_picture: seconds until the first picture was there; none if it was before.
    """

    seconds: float
    peak: float
    first_picture: float | None


def resident_bytes(process: psutil.Process) -> int:
    """Sum the resident memory of a process and all its descendants."""
    total = 0
    for each in [process, *process.children(recursive=True)]:
        try:
            total += each.memory_info().rss
        except psutil.NoSuchProcess:
            continue
    return total


def measure(command: list[str], folder: Path) -> Measured:
    """Run a command, and watch its memory and whether the first picture is there."""
    start = time.monotonic()
    peak, picture = 0, folder / FIRST_PICTURE
    was_there, first = picture.exists(), None
    with subprocess.Popen(
        command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        lines: list[str] = []
        reader = threading.Thread(target=lambda: lines.extend(process.stdout or []))
        reader.start()
        watched = psutil.Process(process.pid)
        while process.poll() is None:
            try:
                peak = max(peak, resident_bytes(watched))
            except psutil.NoSuchProcess:
                break
            if first is None and not was_there and picture.exists():
                first = time.monotonic() - start
            time.sleep(0.2)
        reader.join()
    if process.returncode:
        raise SystemExit("".join(lines[-50:]))
    return Measured(time.monotonic() - start, peak / 2**30, first)


def clone_to(folder: Path) -> None:
    """Clone the repository afresh."""
    shutil.rmtree(folder, ignore_errors=True)
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(folder)], check=True)


def row(name: str, seconds: list[float], peaks: list[float]) -> str:
    """Format a row of the table."""
    best, median = min(seconds), statistics.median(seconds)
    peak = f"{max(peaks):.2f}" if peaks else ""
    return f"| {name} | {best:.0f} | {median:.0f} | {peak} |"


def main() -> None:
    """Clone, run and run again, as often as is asked; with ``--tests``, test."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="becomes the last clone and stays")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--tests", action="store_true", help="time make test, too")
    arguments = parser.parse_args()
    clone = arguments.folder
    if clone.exists():
        parser.error(f"{clone} is there already; name a folder that is not")
    machine = platform.processor() or platform.machine()
    print(f"{machine}, {os.cpu_count()} cores, Python {platform.python_version()}\n")
    runs = []
    for _ in range(arguments.runs):
        clone_to(clone)
        runs.append([measure(["make", "demo"], clone) for _ in range(2)])
        print(f"run {len(runs)}: {runs[-1]}", flush=True)
    print(
        "\n| step | seconds, minimum | median | peak memory, GiB |\n|---|---|---|---|"
    )
    first = [fresh.first_picture for fresh, _ in runs if fresh.first_picture]
    print(row("until the first answer and its picture", first, []))
    for name, steps in zip(("`make demo`, with its install", "the second `make demo`"),
                           zip(*runs, strict=True), strict=True):  # fmt: skip
        print(row(name, [s.seconds for s in steps], [s.peak for s in steps]))
    if arguments.tests:
        tested = measure(["make", "test"], clone)
        print(row("`make test`", [tested.seconds], [tested.peak]))


if __name__ == "__main__":
    main()
