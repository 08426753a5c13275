"""The download rules against a real server on a loopback port."""

import re
import shutil
import subprocess
import sys

import pandas as pd
import pytest


@pytest.fixture
def address(finished):
    """Serve the finished run's sandbox as a user would, in a process of its own."""
    command = [sys.executable, "-m", "eyewire_validator.sandbox", "serve"]
    with subprocess.Popen(
        [*command, str(finished / "results/sandbox")],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as server:
        (found,) = re.findall(r"http://[\d.]+:\d+", server.stdout.readline())
        yield found
        server.terminate()
        server.stdout.read()


def service(address: str) -> dict:
    """Configure the workflow to take the server for the real service."""
    return {
        "source": "eyewire",
        "registry": {"csvs": ["cells.csv"]},
        "api": {
            "base_url": address,
            "storage_hosts": ["127.0.0.1"],
            "requests_per_second": 100,
            "storage_requests_per_second": 400,
        },
    }


def test_the_same_tables_come_over_a_real_port(run, finished, address, tmp_path):
    shutil.copy(finished / "results/sandbox/registry.csv", tmp_path / "cells.csv")
    index = "results/tasks/index.parquet"
    done = run(tmp_path, index, config=service(address), token="sandbox")
    assert done.returncode == 0, done.stdout
    pd.testing.assert_frame_equal(
        pd.read_parquet(tmp_path / index), pd.read_parquet(finished / index)
    )
    assert not (tmp_path / "results/sandbox").exists()


def test_cells_grow_from_the_service_as_they_do_from_its_files(
    run, finished_copy, address, tmp_path
):
    folder, grown = tmp_path / "over_http", "results/growth/grown.parquet"
    folder.mkdir()
    shutil.copy(finished_copy / "results/sandbox/registry.csv", folder / "cells.csv")
    for done in (
        run(finished_copy, grown),
        run(folder, grown, config=service(address), token="sandbox"),
    ):
        assert done.returncode == 0, done.stdout
    found = pd.read_parquet(folder / grown)
    assert found["cube"].max() > 0
    pd.testing.assert_frame_equal(found, pd.read_parquet(finished_copy / grown))


def test_a_wrong_token_is_refused_in_one_line(run, finished, address, tmp_path):
    shutil.copy(finished / "results/sandbox/registry.csv", tmp_path / "cells.csv")
    secret = "not-the-token"
    done = run(tmp_path, config=service(address), token=secret)
    assert done.returncode != 0
    assert "error: cell" in done.stdout
    assert "EW_OAUTH2" in done.stdout
    assert secret not in done.stdout
    for log in (tmp_path / "results/logs").rglob("*.log"):
        assert secret not in log.read_text()
