"""No job computes with more threads than Snakemake gave it."""

import json
import os
import subprocess
import sys

import pytest

SNAKEFILE = """
rule compute:
    output: "seconds.json"
    log: "compute.log"
    threads: 1
    script: "compute.py"
"""
# All libraries that have threads of their own, as a job uses them.
SCRIPT = """
import json
import os
from pathlib import Path

import numpy as np
import pyarrow as pa
import torch
from sklearn.ensemble import HistGradientBoostingClassifier

from eyewire_validator.jobs.log import job_log
from eyewire_validator.volumes.compiled import compiled

TICKS = os.sysconf("SC_CLK_TCK")


def seconds_of(thread):
    fields = (thread / "stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:13])) / TICKS


@compiled()
def sum_of_roots(numbers):
    return np.sqrt(numbers).sum()


with job_log(snakemake.log[0]):
    numbers = np.random.default_rng(0).random((800, 800))
    np.linalg.svd(numbers[:300, :300])
    numbers @ numbers
    trees = HistGradientBoostingClassifier(max_iter=10)
    trees.fit(numbers[:, :50], numbers[:, 50] > 0.5)
    for _ in range(300):
        sum_of_roots(numbers)
    torch.from_numpy(numbers) @ torch.from_numpy(numbers)
    torch.nn.functional.conv3d(torch.rand(1, 8, 32, 32, 32), torch.rand(8, 8, 3, 3, 3))
    threads = Path("/proc/self/task").iterdir()
    # While Arrow's threads compute, the main one waits.
    found = {"seconds": sorted(map(seconds_of, threads)), "arrow": pa.cpu_count()}
    Path(snakemake.output[0]).write_text(json.dumps(found))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="threads are counted by /proc")
def test_a_job_of_one_thread_computes_in_one(tmp_path):
    (tmp_path / "Snakefile").write_text(SNAKEFILE)
    (tmp_path / "compute.py").write_text(SCRIPT)
    own = {name: os.environ[name] for name in os.environ if "NUM_THREADS" not in name}
    command = [sys.executable, "-m", "snakemake", "--cores=2", "--directory", "."]
    done = subprocess.run(
        command, cwd=tmp_path, env=own, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    found = json.loads((tmp_path / "seconds.json").read_text())
    *others, busiest = found["seconds"]
    # Threads of a pool that wait take no time of any core.
    assert sum(others) <= 0.02 * busiest
    assert found["arrow"] == 1
