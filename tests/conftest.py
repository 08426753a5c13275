"""Running the workflow itself, and the tiny run that tests share.

`finished` is the folder of a run of the whole workflow on tiny.yaml: all tests read
the same one, in whatever worker of pytest-xdist they are. `finished_copy` is a copy of
it for one test, to be changed, damaged, or run once more.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from filelock import FileLock
from warm_snakemake import WarmSnakemake

# Workers of pytest-xdist share the cores: torch computes in one thread here, and in the
# runs that tests start, threads that wait leave their core to others.
os.environ |= {"OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "passive"}

ROOT = Path(__file__).resolve().parents[1]
TINY = ROOT / "tests" / "workflow" / "tiny.yaml"

Done = subprocess.CompletedProcess[str]


@pytest.fixture(scope="session")
def warm() -> Iterator[WarmSnakemake]:
    """Snakemake of this repository, imported and ready to run."""
    snakemake = WarmSnakemake()
    yield snakemake
    snakemake.close()


@pytest.fixture(scope="session")
def run(warm) -> Callable[..., Done]:
    """Run Snakemake in a folder; output and errors come together as text.

    ``sources`` may be a copy of this repository, ``program`` what starts Snakemake.
    """

    def run_snakemake(
        folder: Path,
        *targets: str,
        config: dict[str, object] | None = None,
        token: str | None = None,
        cores: int = 2,
        program: Sequence[str] | None = None,
        sources: Path = ROOT,
    ) -> Done:
        changes = folder / "changes.json"
        changes.write_text(json.dumps(config or {}))
        arguments = [*targets, f"--cores={cores}"]
        arguments += ["--snakefile", str(sources / "Snakefile")]
        arguments += ["--directory", str(folder)]
        arguments += ["--configfile", str(TINY), str(changes)]
        environment = {k: v for k, v in os.environ.items() if k != "EW_OAUTH2"}
        if token is not None:
            environment["EW_OAUTH2"] = token
        if program is None:
            return warm.run(arguments, Path.cwd(), environment, sources)
        return subprocess.run(
            [sys.executable, *program, *arguments],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )

    return run_snakemake


@pytest.fixture(scope="session")
def token() -> str:
    """A token that must turn up in no file, output or command line."""
    return "c4n4ry7c3a1f0b9d2e8c4n4ry"


@pytest.fixture(scope="session")
def make_once(tmp_path_factory) -> Callable[[str, Callable[[Path], None]], Path]:
    """Return a function that makes a folder once for all workers of pytest-xdist.

    The first worker that asks for it makes it, while the others that ask wait.
    """
    common = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        common = common.parent

    def make_once(name: str, make: Callable[[Path], None]) -> Path:
        folder, complete = common / name, common / f"{name}.complete"
        with FileLock(common / f"{name}.lock"):
            if not folder.exists():
                folder.mkdir()
                make(folder)
                complete.touch()
        assert complete.exists(), f"{name} could not be made, as another test says"
        return folder

    return make_once


def times_of_files(folder: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*")}


@pytest.fixture(scope="session")
def finished(run, token, make_once) -> Iterator[Path]:
    """A folder in which the whole workflow has run. Read it, do not change it."""

    def make(folder: Path) -> None:
        done = run(folder, "all", "first_answer", "--verbose", token=token)
        assert done.returncode == 0, done.stdout
        (folder / "terminal.txt").write_text(done.stdout)

    folder = make_once("finished", make)
    before = times_of_files(folder)
    yield folder
    assert times_of_files(folder) == before, "a test changed the run that all share"


@pytest.fixture
def finished_copy(finished, tmp_path) -> Path:
    """The same, to be changed. Times of files are kept, as Snakemake looks at them."""
    return Path(shutil.copytree(finished, tmp_path / "copy"))
