"""Start Snakemake and its jobs from a process that has imported what they import.

Most of what a tiny job takes is to import. Each run is a process of its own, forked
from one that has done nothing but import what the workflow and its scripts import, and
hash the code of these scripts, which may not change meanwhile. Jobs that are scripts
are such processes as well, forked from their run. A run of other sources forgets this
package, and imports theirs.
"""

import ast
import atexit
import gc
import json
import os
import runpy
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from threading import Lock
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = sorted((ROOT / "workflow" / "scripts").glob("*.py"))
PACKAGE = "eyewire_validator"
# What rules and scripts import when they use it, and what that takes.
WHEN_USED = (
    *("eyewire_validator.config.check", "eyewire_validator.plan.figures"),
    *("eyewire_validator.plan.models", "eyewire_validator.sandbox.seeds"),
    *("eyewire_validator.sandbox.service.application", "sklearn.linear_model"),
    *("scipy.optimize", "matplotlib.backends.backend_agg", "nbformat", "smart_open"),
)


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
            status = status_of(become, *json.loads(line))
            atexit._run_exitfuncs()
            # To take down a process, module by module, takes longer than most runs.
            os._exit(status)
        _, status = os.waitpid(process, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def become(
    arguments: list[str], folder: str, environment: dict[str, str], output: str
) -> None:
    """Run Snakemake in this process, as if it had been started for that."""
    from snakemake.cli import main
    from snakemake.script import PythonScript

    PythonScript.execute_script = fork_job
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
    main()


def fork_job(script: Any, path: str, edit: bool = False) -> None:
    """Run a job's script in a fork of this process, in place of a new Python."""
    from threadpoolctl import threadpool_limits

    begin = time.monotonic()
    sys.stdout.flush()
    sys.stderr.flush()
    if (job := os.fork()) == 0:
        status = 1
        try:
            # What Snakemake says to a new Python by OMP_NUM_THREADS and its like.
            threadpool_limits(script.threads)
            status = status_of(runpy.run_path, path, None, "__main__")
        finally:
            # Nothing of the run may come after it, such as waiting for its threads.
            os._exit(status)
    _, status = os.waitpid(job, 0)
    if script.bench_record:
        script.bench_record.running_time = time.monotonic() - begin
        # As if it had ended at once: looking at a fork's memory takes longer than it.
        script.bench_record.process_gone = True
    if status:
        raise subprocess.CalledProcessError(os.waitstatus_to_exitcode(status), path)


def status_of(program: Callable[..., object], *arguments: object) -> int:
    """Run a program to its end; return its exit status."""
    try:
        program(*arguments)
    except SystemExit as end:
        return int(end.code or 0)
    except BaseException:
        traceback.print_exc()
        return 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
    return 0


def import_from(folder: str) -> None:
    """Import this package from a folder, even if it was imported from another."""
    if Path(folder) != ROOT / "src":
        for name in [name for name in sys.modules if name.split(".")[0] == PACKAGE]:
            del sys.modules[name]
    sys.path.insert(0, folder)


def warm_up() -> None:
    """Import what rules and scripts import, and hash the code of all scripts."""
    import snakemake.cli
    import snakemake.report.html_reporter  # noqa: F401

    from eyewire_validator.config.kinds import KINDS
    from eyewire_validator.jobs.code_hash import code_hash

    for kind in KINDS.values():
        for module in kind.modules("module", "trainer", "answerer"):
            import_module(f"{PACKAGE}.{module}")
    for module in WHEN_USED:
        import_module(module)
    for script in SCRIPTS:
        import_what_it_imports(script)
        code_hash(script)
    # No fork shall look for garbage among all that, which would copy its memory, too.
    gc.collect()
    gc.freeze()


def import_what_it_imports(script: Path) -> None:
    """Run the imports of a script, and nothing else of it."""
    statements = ast.parse(script.read_text()).body
    imports = [s for s in statements if isinstance(s, ast.Import | ast.ImportFrom)]
    exec(compile(ast.Module(imports, []), script, "exec"), {})


if __name__ == "__main__":
    warm_up()
    serve()
