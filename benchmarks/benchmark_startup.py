"""Measure what each script of the workflow imports before it starts to work.

    python benchmarks/benchmark_startup.py [RUNS]

Every script's imports run in fresh interpreters, the best of a few runs counts; an
interpreter that imports nothing is listed beside them. The heaviest packages of a
script are taken from one more run under `python -X importtime`: what a package costs
with all that it is the first to import.
"""

import ast
import platform
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SCRIPTS = sorted((ROOT / "workflow" / "scripts").glob("*.py"))
RUNS = 3
# Packages named a script, and the milliseconds below which none is.
NAMED, LEAST_MILLISECONDS = 3, 50


def imports_of(script: Path) -> str:
    """Return the import statements at the top of a script."""
    nodes = ast.parse(script.read_text()).body
    return "\n".join(
        ast.unparse(node)
        for node in nodes
        if isinstance(node, (ast.Import, ast.ImportFrom))
    )


def run(code: str, *options: str) -> tuple[float, str]:
    """Run code in a fresh interpreter; return the seconds and what it said."""
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, *options, "-c", code],
        check=True,
        capture_output=True,
        text=True,
    )
    return time.perf_counter() - start, done.stderr


def best_seconds(code: str, runs: int) -> float:
    """Return the seconds of the fastest of some runs."""
    return min(run(code)[0] for _ in range(runs))


def heaviest(code: str) -> str:
    """Name the packages that take longest, each with all that it is first to import."""
    _, report = run(code, "-X", "importtime")
    # Lines are "import time: self [us] | cumulative | name", behind a heading.
    lines = [line.split("|") for line in report.splitlines()[1:] if "|" in line]
    milliseconds = {
        name.strip(): int(cumulative) / 1000
        for _, cumulative, name in lines
        if "." not in name and not name.strip().startswith(("eyewire", "_"))
    }
    heavy = sorted(milliseconds, key=milliseconds.__getitem__, reverse=True)[:NAMED]
    return ", ".join(
        f"{name} {milliseconds[name]:.0f}"
        for name in heavy
        if milliseconds[name] >= LEAST_MILLISECONDS
    )


def main() -> None:
    """Print a Markdown table."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else RUNS
    print(
        f"Imports of the workflow's scripts, best of {runs} fresh interpreters, "
        f"Python {platform.python_version()}, {platform.machine()}.\n\n"
        "| script | seconds | heaviest, ms |\n|---|---|---|\n"
        f"| (nothing) | {best_seconds('', runs):.2f} | |"
    )
    for script in SCRIPTS:
        code = imports_of(script)
        print(
            f"| {script.stem} | {best_seconds(code, runs):.2f} | {heaviest(code)} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
