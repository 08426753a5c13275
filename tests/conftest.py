"""Running the workflow itself, in a folder of the test's own."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
TINY = ROOT / "tests" / "workflow" / "tiny.yaml"

Done = subprocess.CompletedProcess[str]


@pytest.fixture(scope="session")
def run() -> Callable[..., Done]:
    """Run Snakemake in a folder; output and errors come together as text."""

    def run_snakemake(
        folder: Path,
        *targets: str,
        config: dict[str, object] | None = None,
        token: str | None = None,
        cores: int = 2,
        program: Sequence[str] = ("-m", "snakemake"),
    ) -> Done:
        changes = folder / "changes.json"
        changes.write_text(json.dumps(config or {}))
        command = [sys.executable, *program, *targets, f"--cores={cores}"]
        command += ["--snakefile", str(ROOT / "Snakefile"), "--directory", str(folder)]
        command += ["--configfile", str(TINY), str(changes)]
        environment = {k: v for k, v in os.environ.items() if k != "EW_OAUTH2"}
        if token is not None:
            environment["EW_OAUTH2"] = token
        return subprocess.run(
            command,
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
def finished(run, token, tmp_path_factory) -> Path:
    """A folder in which the whole workflow has run. Read it, do not change it."""
    folder = tmp_path_factory.mktemp("finished")
    done = run(folder, "--verbose", token=token)
    assert done.returncode == 0, done.stdout
    (folder / "terminal.txt").write_text(done.stdout)
    return folder


@pytest.fixture
def finished_copy(finished, tmp_path) -> Path:
    """The same, to be changed. Times of files are kept, as Snakemake looks at them."""
    return Path(shutil.copytree(finished, tmp_path / "copy"))
