"""Time the README's commands on a fresh clone, and the memory that they take.

Run with the project's environment, as it needs psutil:

    .venv/bin/python benchmarks/benchmark_demo.py FOLDER [--tests]

FOLDER, which must not exist, becomes the clone and stays.

Prints a Markdown table. Memory is the largest sum of resident sizes over the process
tree, sampled five times a second; pages that processes share count more than once.
"""

import argparse
import os
import platform
import subprocess
import threading
import time
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parents[1]


def resident_bytes(process: psutil.Process) -> int:
    """Sum the resident memory of a process and all its descendants."""
    total = 0
    for each in [process, *process.children(recursive=True)]:
        try:
            total += each.memory_info().rss
        except psutil.NoSuchProcess:
            continue
    return total


def measure(command: list[str], folder: Path) -> tuple[float, float]:
    """Run a command; return its seconds and its peak memory in GiB."""
    start = time.monotonic()
    peak = 0
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
            time.sleep(0.2)
        reader.join()
    if process.returncode:
        raise SystemExit("".join(lines[-50:]))
    return time.monotonic() - start, peak / 2**30


def main() -> None:
    """Clone, install, run, run again; with ``--tests``, test."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="becomes the clone and stays")
    parser.add_argument("--tests", action="store_true", help="time make test, too")
    arguments = parser.parse_args()
    clone = arguments.folder
    steps = {
        "install (`make .venv/ready`)": ["make", ".venv/ready"],
        "workflow (`make demo`)": ["make", "demo"],
        "second `make demo`": ["make", "demo"],
        **({"`make test`": ["make", "test"]} if arguments.tests else {}),
    }
    machine = platform.processor() or platform.machine()
    print(f"{machine}, {os.cpu_count()} cores, Python {platform.python_version()}\n")
    print("| step | seconds | peak memory, GiB |\n|---|---|---|")
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
    for name, command in steps.items():
        seconds, peak = measure(command, clone)
        print(f"| {name} | {seconds:.0f} | {peak:.2f} |", flush=True)


if __name__ == "__main__":
    main()
