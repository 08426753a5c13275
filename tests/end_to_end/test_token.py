"""The token reaches the API's host, and nothing else on earth."""

import lzma
import threading
from pathlib import Path

import pandas as pd
import pytest

from eyewire_validator.sandbox.service.faults import Fault

CATALOG = "results/volumes/catalog.parquet"
MANIFEST = "results/volumes/groups/11.json"


class CommandLines(threading.Thread):
    """Looks at the command lines of all processes, over and over, until told to end."""

    def __init__(self, token):
        super().__init__(daemon=True)
        self.token = token.encode()
        self.done = threading.Event()
        self.with_token = set()
        self.seen = set()

    def run(self):
        while not self.done.wait(0.05):
            for file in Path("/proc").glob("[0-9]*/cmdline"):
                try:
                    line = file.read_bytes()
                except OSError:
                    continue
                if self.token in line:
                    self.with_token.add(line)
                self.seen.add(line)


def readable(file):
    """The content of a file, unpacked if it is packed."""
    if file.suffix == ".parquet":
        return file.read_bytes() + pd.read_parquet(file).to_csv().encode()
    if file.suffix in (".xz", ".lzma"):
        return lzma.decompress(file.read_bytes())
    return file.read_bytes()


def files_with(token, folder):
    """Files below a folder whose name or content holds the token."""
    return [
        file
        for file in folder.rglob("*")
        if token in file.name or (file.is_file() and token.encode() in readable(file))
    ]


@pytest.fixture
def service(service_of, token):
    return service_of(token)


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="needs /proc")
def test_a_run_leaves_the_token_nowhere(
    run, service, token, tmp_path, take_cells, configure
):
    """Failures of several kinds, then what is left to do, all of it verbose."""
    take_cells(tmp_path, 1020)
    watch = CommandLines(token)
    watch.start()
    with service.serve() as address:
        config = configure(address, tries=1, max_wait=0.01)
        config["volumes"] = {"group_span": 1000}

        def download(target):
            # Started as a user does: jobs forked from a run have no command lines.
            started = {"program": ["-m", "snakemake"], "token": token}
            return run(tmp_path, target, "--verbose", config=config, **started)

        outputs = []
        for fault in ("401", "reset in the middle", None):
            service.application.faults[:] = [Fault(fault)] if fault else []
            outputs.append(download(CATALOG))
        outputs.append(download(MANIFEST))
    outputs.append(download("--forceall"))
    watch.done.set()
    watch.join()

    assert [done.returncode for done in outputs] == [1, 1, 0, 0, 1]
    assert "ConnectError" in outputs[-1].stdout
    assert not any(token in done.stdout for done in outputs)
    assert files_with(token, tmp_path) == []
    assert list((tmp_path / ".snakemake/metadata").iterdir())
    assert list((tmp_path / ".snakemake/log").iterdir())
    assert list((tmp_path / "results/benchmarks").rglob("*.tsv"))
    assert any(b"download_cells.py" in line for line in watch.seen)
    assert watch.with_token == set()
    asked = {arrival.path.split("/")[1]: arrival for arrival in service.arrivals}
    assert set(asked) == {"1.0", "storage"}
    for arrival in service.arrivals:
        assert (token.encode() in arrival.query) == arrival.path.startswith("/1.0")
        assert token not in arrival.path
        assert token.encode() not in arrival.headers


def test_a_token_would_be_found(token, tmp_path):
    (tmp_path / f"{token}.txt").touch()
    (tmp_path / ".hidden").write_text(f"x{token}x")
    pd.DataFrame({"url": [f"?{token}"]}).to_parquet(tmp_path / "table.parquet")
    (tmp_path / "replies.json.xz").write_bytes(lzma.compress(token.encode()))
    assert len(files_with(token, tmp_path)) == 4


def test_a_whole_run_leaves_the_token_nowhere(finished, token):
    """Figures, reports and checkpoints, too; every job had it in its environment."""
    assert (finished / "results/report/index.html").exists()
    assert files_with(token, finished) == []
