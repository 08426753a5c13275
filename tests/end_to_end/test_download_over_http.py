"""The sandbox on a real loopback port, and the client that downloads from it."""

import asyncio
import io
import json
import lzma
import os
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from eyewire_validator.acquire.api.client import ApiSettings, open_client
from eyewire_validator.acquire.catalog import catalog_volumes
from eyewire_validator.acquire.cells import download_cell
from eyewire_validator.acquire.volumes import download_volume
from eyewire_validator.errors import ApiError, AuthError, TransientError
from eyewire_validator.sandbox.service.application import create_application
from eyewire_validator.volumes.geometry import VolumeGeometry
from eyewire_validator.volumes.raw import RawVolume

GEOMETRY = VolumeGeometry(size=16, overlap=4, factor=4)
TOKEN = "right"
# Where failures are forgotten at once.
NO_RECORD = Path(os.devnull)
TASKS = range(30, 42)
FOLDER_NAME = "e2198_compressed/Volume-40-41/"


def draw_volume():
    """A bright ball of segment 9 in the dark of segment 2; both (z, y, x)."""
    z, y, x = np.indices(GEOMETRY.size) - 8
    ball = z**2 + y**2 + x**2 < 36
    return np.where(ball, 200, 40).astype(np.uint8), np.where(ball, 9, 2).astype("<u2")


def write_volume_as_eyewire_does(folder):
    image, segmentation = draw_volume()
    (folder / "jpg").mkdir(parents=True)
    for z, plane in enumerate(image):
        Image.fromarray(plane).save(folder / "jpg" / f"{z}.jpg", quality=90)
    packed = lzma.compress(segmentation.tobytes(), lzma.FORMAT_ALONE)
    (folder / "segmentation.lzma").write_bytes(packed)


def task(id_):
    return {
        "id": id_,
        "cell": 7,
        "parent": None if id_ == TASKS[0] else id_ - 1,
        "status": 0,
        "prior": {"segments": {"9": 1}},
        "data": {"channel": {"id": 40}, "segmentation": {"id": 41}},
        "full_path": FOLDER_NAME,
    }


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A sandbox folder: one cell of twelve tasks in one volume of 16 voxels an edge."""
    folder = tmp_path_factory.mktemp("sandbox")
    corner = {"x": 0, "y": 0, "z": 0}
    bounds = {"min": corner, "max": dict.fromkeys(corner, 16)}
    records = {
        "cells": {"7": {"id": 7}},
        "cell_tasks": {"7": {"tasks": [{"id": t, "bounds": bounds} for t in TASKS]}},
        "tasks": {str(t): task(t) for t in TASKS},
        "aggregates": {str(t): {"segments": {"9": 0.75}, "weight": 3} for t in TASKS},
    }
    (folder / "api").mkdir()
    for name, content in records.items():
        (folder / "api" / f"{name}.json").write_text(json.dumps(content))
    write_volume_as_eyewire_does(folder / "bucket" / FOLDER_NAME)
    return folder


class Recorder:
    """Passes requests on and notes when each came, with its query."""

    def __init__(self, application):
        self.application = application
        self.arrivals = []
        self.queries = {}

    async def __call__(self, scope, receive, send):
        self.arrivals.append(time.monotonic())
        self.queries[scope["path"]] = scope["query_string"]
        await self.application(scope, receive, send)


@pytest.fixture
def service(folder):
    return Recorder(create_application(folder, TOKEN))


@pytest.fixture
def address(serving, service):
    with serving(service) as address:
        yield address


def call(address, ask, token=TOKEN, rate=float("inf")):
    """Call ``ask`` with a client of the service at ``address``."""
    settings = ApiSettings(
        base_url=address,
        storage_hosts=["127.0.0.1"],
        requests_per_second=10,
        jobs=1,
        storage_requests_per_second=10,
        storage_jobs=1,
        concurrent_requests=4,
        tries=2,
        max_wait=0.01,
        connect_timeout=20,
        read_timeout=20,
        reply_timeout=20,
        failures_in_a_row=10,
    )

    async def run():
        async with open_client(
            settings,
            token=token,
            requests_per_second=rate,
            failures=NO_RECORD,
            sandbox=None,
        ) as client:
            return await ask(client)

    return asyncio.run(run())


def test_a_cell_and_its_volume_arrive_as_the_folder_holds_them(
    service, address, tmp_path, folder
):
    table = call(address, lambda client: download_cell(client, 7)).table
    assert table["task"].tolist() == list(TASKS)
    assert table["parent"].tolist()[1:] == list(TASKS)[:-1]
    assert table["aggregate"].map(list).tolist() == [[9]] * len(TASKS)
    assert table["problem"].isna().all()

    (volume,) = catalog_volumes(table, 1).to_dict("records")
    assert volume["full_path"] == f"{address}/storage/{FOLDER_NAME}"
    assert (volume["volume"], volume["max_x"]) == (41, 16)

    def fetch(client):
        return download_volume(client, 41, volume["full_path"], tmp_path, GEOMETRY)

    call(address, fetch)
    raw = RawVolume(tmp_path, 41, GEOMETRY)
    drawn_image, drawn_segmentation = draw_volume()
    np.testing.assert_array_equal(raw.segmentation(), drawn_segmentation)
    assert not len(raw.edges())
    # JPEG is lossy, at the edge of the ball most of all.
    assert np.abs(raw.image().astype(int) - drawn_image).mean() < 5

    for path, query in service.queries.items():
        assert (TOKEN.encode() in query) == path.startswith("/1.0")


def test_the_sandbox_in_process_gives_the_same_table(address, folder):
    over_http = call(address, lambda client: download_cell(client, 7)).table
    settings = ApiSettings("", [], 10, 1, 10, 1, 4, 1, 1, 1, 1, 1, 1)

    async def run():
        async with open_client(
            settings,
            token=None,
            requests_per_second=float("inf"),
            failures=NO_RECORD,
            sandbox=folder,
        ) as client:
            cell = await download_cell(client, 7)
            url = cell.table["full_path"].iloc[0]
            return cell.table, await client.fetch(url + "jpg/3.jpg")

    in_process, content = asyncio.run(run())
    assert (in_process["full_path"] != over_http["full_path"]).all()
    columns = in_process.columns.drop("full_path")
    assert in_process[columns].equals(over_http[columns])
    assert content == (folder / "bucket" / FOLDER_NAME / "jpg/3.jpg").read_bytes()
    assert Image.open(io.BytesIO(content)).size == (16, 16)


def test_a_wrong_token_is_refused(address):
    with pytest.raises(AuthError, match=r"cell 7: HTTP 401.*EW_OAUTH2"):
        call(address, lambda client: download_cell(client, 7), token="wrong")


def test_no_second_at_the_server_holds_more_requests_than_the_rate(service, address):
    call(address, lambda client: download_cell(client, 7), rate=10)
    assert len(service.arrivals) == 1 + 2 * len(TASKS)
    busiest = max(
        sum(start <= other < start + 1 for other in service.arrivals)
        for start in service.arrivals
    )
    # One more than the rate: a busy machine may note an arrival late.
    assert busiest <= 10 + 1


def test_without_tls_no_proxy_gets_the_token(address, monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert len(call(address, lambda client: download_cell(client, 7)).table) == 12


def test_a_service_that_is_gone_is_named(serving, service):
    with serving(service) as address:
        pass
    with pytest.raises(TransientError, match=r"cell 7: ConnectError.* after 2 tries"):
        call(address, lambda client: download_cell(client, 7))


def test_another_host_in_a_reply_is_never_asked(address):
    with pytest.raises(ApiError, match=r"host localhost is none of 127"):
        call(address, lambda client: client.fetch("http://localhost/storage/x"))
