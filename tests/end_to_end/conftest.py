"""A tiny sandbox, served on a loopback port to runs that take it for the service."""

import asyncio
import csv
import socket
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import uvicorn
import yaml

from eyewire_validator.sandbox.service.application import create_application
from eyewire_validator.sandbox.service.faults import FaultyApplication, WireProtocol

TOKEN = "sandbox"
ROOT = Path(__file__).resolve().parents[2]
# Whole runs take few models, of one training.
MODELS = {"lwunet", "seed_only"}


@contextmanager
def serving(application):
    """Serve on a free loopback port, in a thread; yield the address."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = uvicorn.Config(
            application, http=WireProtocol, log_level="critical", lifespan="off"
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


@pytest.fixture(scope="session", name="serving")
def _serving():
    return serving


@dataclass(frozen=True)
class Arrival:
    """A request, as the server saw it."""

    time: float
    path: str
    query: bytes
    headers: bytes


class Service:
    """An application that notes who asks, takes its time, and may have faults."""

    def __init__(self, folder, token):
        self.application = FaultyApplication(create_application(folder, token))
        self.seconds = 0
        self.reset()

    def reset(self):
        self.application.faults.clear()
        self.arrivals = []
        self.under_way = self.most_under_way = 0

    async def __call__(self, scope, receive, send):
        headers = b"\n".join(name + b": " + value for name, value in scope["headers"])
        self.arrivals.append(
            Arrival(time.monotonic(), scope["path"], scope["query_string"], headers)
        )
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        try:
            await asyncio.sleep(self.seconds)
            await self.application(scope, receive, send)
        finally:
            self.under_way -= 1

    def serve(self):
        """Serve on a free loopback port; a context of the address."""
        return serving(self)


@pytest.fixture(scope="session")
def sandbox(finished):
    """The folder of a sandbox that the workflow has made. Read it, do not change it."""
    return finished / "results/sandbox"


@pytest.fixture(scope="session")
def service_of(sandbox):
    """Return a function that makes the service, with its token."""
    return lambda token=TOKEN: Service(sandbox, token)


@pytest.fixture(scope="session")
def take_cells(sandbox):
    """Return a function that writes a registry of some cells of the sandbox."""

    def take(folder, *cells):
        with (sandbox / "registry.csv").open(newline="") as file:
            rows = list(csv.DictReader(file))
        with (folder / "cells.csv").open("w", newline="") as file:
            writer = csv.DictWriter(file, rows[0])
            writer.writeheader()
            writer.writerows(row for row in rows if int(row["Cell ID"]) in cells)

    return take


@pytest.fixture(scope="session")
def configure():
    """Return a function that makes the config of a run against an address."""

    def configure(address, **api):
        api = {"base_url": address, "storage_hosts": ["127.0.0.1"], **api}
        return {"source": "eyewire", "registry": {"csvs": ["cells.csv"]}, "api": api}

    return configure


@pytest.fixture(scope="session")
def few():
    """Return a function that makes the config of a whole run with few models."""
    config = yaml.safe_load((ROOT / "config/config.yaml").read_text())

    def few(**more):
        models = {name: None for name in config["models"] if name not in MODELS}
        models["lwunet"] = {"replicates": 1, "dropout_samples": 1}
        return {
            "models": models | more,
            "volumes": {"group_span": 1000},
            "evaluation": {"loops": [2]},
            "report": {"model": "lwunet"},
        }

    return few


@pytest.fixture(scope="session")
def run_few(run, few):
    """Return a function that runs all of it in a folder."""

    def run_few(folder, *options, **more):
        done = run(folder, *options, config=few(**more))
        assert done.returncode == 0, done.stdout
        return done.stdout

    return run_few


@pytest.fixture(scope="session")
def local_run(run_few, make_once, finished):
    """The folder of a plain run of it. Read it, do not change it.

    It comes after `finished`, so that both do not compile the same at the same time.
    """
    return make_once("local", run_few)


@pytest.fixture(scope="session")
def made():
    """Return a function that reads what a run made, by name.

    Logs and benchmarks tell times, and may differ.
    """

    def made(folder):
        return {
            str(file.relative_to(folder)): file.read_bytes()
            for file in (folder / "results").rglob("*")
            if file.is_file() and not {"logs", "benchmarks"} & set(file.parts)
        }

    return made
