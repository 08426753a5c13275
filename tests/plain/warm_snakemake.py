"""Start Snakemake from a process that has imported it, which halves what a start costs.

Each run is a process of its own, forked from one that has done nothing but import what
the workflow imports, and hash the code of its scripts, which may not change meanwhile.
A run of other sources forgets this package, and imports theirs.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from threading import Lock
from typing import NoReturn

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = "eyewire_validator"


class WarmSnakemake:
    """The process from which runs are forked; it ends with the one that made it."""

    def __init__(self) -> None:
        """Start it; the first run waits until it is ready."""
        self._process = subprocess.Popen(
            [sys.executable, __file__],
            env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._lock = Lock()

    def run(
        self,
        arguments: Sequence[str],
        folder: Path,
        environment: Mapping[str, str],
        sources: Path = ROOT,
    ) -> subprocess.CompletedProcess[str]:
        """Run ``snakemake`` in a folder; output and errors come together as text.

        ``sources`` may be a copy of this repository, of which jobs import the package.
        """
        environment = {**environment, "PYTHONPATH": str(sources / "src")}
        with tempfile.NamedTemporaryFile() as output, self._lock:
            asked = [list(arguments), str(folder), environment, output.name]
            self._process.stdin.write(f"{json.dumps(asked)}\n")
            self._process.stdin.flush()
            status = int(self._process.stdout.readline())
            said = output.read().decode()
        return subprocess.CompletedProcess(arguments, status, said)

    def close(self) -> None:
        """End the process."""
        self._process.communicate()


def serve() -> None:
    """Fork a run for each line of the input, and answer with its exit status."""
    for line in sys.stdin:
        if (process := os.fork()) == 0:
            become(*json.loads(line))
        _, status = os.waitpid(process, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def become(
    arguments: list[str], folder: str, environment: dict[str, str], output: str
) -> NoReturn:
    """Run Snakemake in this process, as if it had been started for that."""
    from snakemake.cli import main

    for descriptor, file, mode in (
        (0, os.devnull, os.O_RDONLY),
        (1, output, os.O_WRONLY | os.O_APPEND),
        (2, output, os.O_WRONLY | os.O_APPEND),
    ):
        os.dup2(os.open(file, mode), descriptor)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    import_from(environment["PYTHONPATH"])
    sys.argv = ["snakemake", *arguments]
    sys.exit(main())


def import_from(folder: str) -> None:
    """Import this package from a folder, even if it was imported from another."""
    if Path(folder) != ROOT / "src":
        for name in [name for name in sys.modules if name.split(".")[0] == PACKAGE]:
            del sys.modules[name]
    sys.path.insert(0, folder)


def warm_up() -> None:
    """Import what reading the rules imports, and hash the code of all scripts."""
    import snakemake.cli
    import snakemake.report.html_reporter  # noqa: F401

    from eyewire_validator.config import check  # noqa: F401
    from eyewire_validator.jobs.code_hash import code_hash
    from eyewire_validator.plan import figures, models  # noqa: F401
    from eyewire_validator.sandbox import seeds  # noqa: F401
    from eyewire_validator.storage import array_files  # noqa: F401

    for script in (ROOT / "workflow" / "scripts").glob("*.py"):
        code_hash(script)


if __name__ == "__main__":
    warm_up()
    serve()
