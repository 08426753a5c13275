"""Commands of Snakemake that need no cores."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TINY = ROOT / "tests" / "workflow" / "tiny.yaml"


@pytest.mark.parametrize(
    "command",
    ["--unlock", "--summary", "--dag", "--delete-temp-output", "--list-input-changes"],
)
def test_what_needs_no_cores_asks_for_none(tmp_path, command):
    done = subprocess.run(
        [
            *(sys.executable, "-m", "snakemake", command),
            *("--snakefile", ROOT / "Snakefile", "--configfile", TINY),
        ],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
