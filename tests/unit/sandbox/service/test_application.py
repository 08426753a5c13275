"""The application over a folder of three tasks, asked in process."""

import asyncio
import json
import subprocess
import sys
from types import SimpleNamespace

import httpx
import pytest

from eyewire_validator.errors import FileError, SandboxError
from eyewire_validator.sandbox.service.application import create_application

CELL = {"id": 7, "name": "Ganglion", "tags": {}, "dataset_id": 1, "completed": None}
FOLDER_NAME = "e2198_compressed/Volume-40-41/"


def task(id_, parent, status=0):
    return {
        "id": id_,
        "cell": 7,
        "parent": parent,
        "status": status,
        "prior": {"segments": {"5": 1}},
        "data": {"channel": {"id": 40}, "segmentation": {"id": 41}},
        "full_path": FOLDER_NAME,
        "users": "ann,ben",
    }


def aggregate(weight, votes):
    segments = {"5": 1.0, "6": 0.4}
    return {"segments": segments, "weight": weight, "votes": {"total": votes, "max": 2}}


@pytest.fixture
def folder(tmp_path):
    """A cell of the tasks 31 -> 32 -> 33; one slice in the bucket."""
    records = {
        "cells": {"7": CELL, "8": CELL | {"id": 8, "dataset_id": 11}},
        "cell_tasks": {"7": {"tasks": [{"id": 31}, {"id": 32}, {"id": 33}]}},
        "tasks": {"31": task(31, None), "32": task(32, 31, 11), "33": task(33, 32, 10)},
        "aggregates": {
            "31": aggregate(1_000_003.5, 1_000_000),
            "32": aggregate(2.5, 1),
            "33": aggregate(0, 0),
        },
    }
    (tmp_path / "api").mkdir()
    for name, content in records.items():
        (tmp_path / "api" / f"{name}.json").write_text(json.dumps(content))
    (tmp_path / "registry.csv").write_text("secret\n")
    jpg = tmp_path / "bucket" / FOLDER_NAME / "jpg"
    jpg.mkdir(parents=True)
    (jpg / "0.jpg").write_bytes(b"slice")
    return tmp_path


@pytest.fixture
def ask(folder):
    """Return a function that sends one request to the application."""
    transport = httpx.ASGITransport(create_application(folder, "right"))

    def send(path, token="right", method="GET", **query):
        async def request():
            async with httpx.AsyncClient(
                transport=transport, base_url="http://host:81"
            ) as client:
                query_with_token = query | ({"access_token": token} if token else {})
                return await client.request(method, path, params=query_with_token)

        return asyncio.run(request())

    return send


@pytest.mark.parametrize(
    ("path", "reply"),
    [
        ("/1.0/cell/7", CELL),
        ("/1.0/cell/7/tasks", {"tasks": [{"id": 31}, {"id": 32}, {"id": 33}]}),
        ("/1.0/task/32/aggregate", aggregate(2.5, 1)),
        ("/1.0/task/32/hierarchy", {"ancestors": [31], "descendants": [33]}),
        ("/1.0/task/33/ancestors", [31, 32]),
        ("/1.0/task/31/descendants", [32, 33]),
        ("/1.0/task/31/volumes", {"channel_id": 40, "segmentation_id": 41}),
        (
            "/1.0/cell/7/heatmap/scythe",
            {
                "complete": [
                    {"id": 31, "votes": 1_000_000},
                    {"id": 32, "votes": 1},
                ],
                "scythed": [32],
                "reaped": [31],
                "review": [],
                "frozen": [33],
                "duplicate": [32],
            },
        ),
        (
            "/1.0/cell/7/heatmap/low-weight",
            {"0": [{"task_id": 33}], "1": [], "2": [{"task_id": 32}]},
        ),
        (
            "/1.0/cell/7/tasks/complete/player",
            {"scythe": {"2": [32]}, "admin": {"1": [31]}},
        ),
    ],
)
def test_replies(ask, path, reply):
    response = ask(path)
    assert response.status_code == 200
    assert response.headers["Content-Type"] == "application/json"
    assert response.json() == reply


def test_the_full_path_leads_to_the_bucket(ask):
    reply = ask("/1.0/task/31").json()
    assert reply == task(31, None) | {
        "full_path": f"http://host:81/storage/{FOLDER_NAME}"
    }
    image = ask(reply["full_path"] + "jpg/0.jpg", token=None)
    assert image.content == b"slice"
    assert image.headers["Content-Type"] == "image/jpeg"


@pytest.mark.parametrize(
    "path", ["", "/aggregate", "/hierarchy", "/volumes", "/ancestors", "/descendants"]
)
def test_unknown_tasks_give_an_empty_reply(ask, path):
    response = ask(f"/1.0/task/99{path}")
    assert (response.status_code, len(response.json())) == (200, 0)


@pytest.mark.parametrize(
    "path",
    ["", "/tasks", "/heatmap/scythe", "/heatmap/low-weight", "/tasks/complete/player"],
)
def test_unknown_cells_give_an_empty_reply(ask, path):
    response = ask(f"/1.0/cell/99{path}")
    assert (response.status_code, response.json()) == (200, {})


@pytest.mark.parametrize("path", ["/1.0/cell", "/1.0/cell/"])
def test_cell_list(ask, path):
    assert [cell["id"] for cell in ask(path).json()] == [7, 8]
    (cell,) = ask(path, dataset=1).json()
    assert (cell["name"], cell["count"], cell["weight"]) == ("Ganglion", 3, 1_000_006)


def test_task_list_is_a_nested_set(ask):
    root, child, grandchild = ask("/1.0/task", cell=7).json()
    assert [t["depth"] for t in (root, child, grandchild)] == [0, 1, 2]
    assert root["left_edge"] < child["left_edge"] < grandchild["left_edge"]
    assert grandchild["right_edge"] < child["right_edge"] < root["right_edge"]
    assert (root["users"], root["allSize"], root["agreedSize"]) == ("ann,ben", 2, 1)


@pytest.mark.parametrize(
    ("query", "tasks"),
    [
        ({"max_weight": 3}, [32, 33]),
        ({"min_weight": 2.5}, [31, 32]),
        ({"cell": 8}, []),
        ({"dataset": 1}, [31, 32, 33]),
        ({"dataset": 11}, []),
    ],
)
def test_task_list_by_weight_cell_and_dataset(ask, query, tasks):
    assert [summary["id"] for summary in ask("/1.0/task", **query).json()] == tasks


def test_queries_that_are_no_numbers_are_refused(ask):
    assert ask("/1.0/task", cell="seven").status_code == 422


@pytest.mark.parametrize("token", [None, "", "wrong", "rïght"])
def test_the_api_wants_the_token(ask, token):
    response = ask("/1.0/task/31", token=token)
    assert response.status_code == 401
    assert "access_token" in response.json()["error"]


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "HEAD"])
@pytest.mark.parametrize("path", ["/1.0/task/31", f"/storage/{FOLDER_NAME}jpg/0.jpg"])
def test_nothing_can_be_written(ask, method, path):
    assert ask(path, method=method).status_code == 405


@pytest.mark.parametrize(
    "path",
    [
        "e2198_compressed/Volume-40-41/jpg/1.jpg",
        "e2198_compressed/Volume-40-41/jpg",
        "%2e%2e/registry.csv",
        "e2198_compressed/..%2f..%2fregistry.csv",
        "%2fetc/passwd",
        "%00",
        "",
    ],
)
def test_what_is_not_in_the_bucket_is_a_404_in_xml(ask, path):
    response = ask(f"/storage/{path}", token=None)
    assert response.status_code == 404
    assert "<Code>NoSuchKey</Code>" in response.text


def test_a_link_out_of_the_bucket_is_not_followed(ask, folder):
    (folder / "bucket" / "link.csv").symlink_to(folder / "registry.csv")
    assert ask("/storage/link.csv", token=None).status_code == 404


def test_a_folder_that_is_no_sandbox_is_named(tmp_path):
    with pytest.raises(SandboxError, match=r"nowhere is no sandbox.*source: sandbox"):
        create_application(tmp_path / "nowhere", None)


def test_a_damaged_record_is_named(folder):
    (folder / "api" / "tasks.json").write_text("{")
    with pytest.raises(FileError, match=r"tasks\.json"):
        create_application(folder, None)


def serve(*arguments):
    command = [sys.executable, "-m", "eyewire_validator.sandbox", "serve", *arguments]
    return SimpleNamespace(
        args=command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def test_serve_prints_the_address_of_a_free_port(folder):
    with subprocess.Popen(**vars(serve(str(folder), "--token", "mine"))) as server:
        try:
            address = server.stdout.readline().strip()
            reply = httpx.get(f"{address}/1.0/cell/7?access_token=mine", timeout=30)
        finally:
            server.terminate()
        assert reply.json() == CELL
        assert "mine" not in server.stdout.read() + server.stderr.read()


def test_serve_plays_the_faults_of_a_file(folder, tmp_path):
    file = tmp_path / "faults.json"
    file.write_text(json.dumps([{"name": "502 with HTML", "path": "/cell/7$"}]))
    command = serve(str(folder), "--faults", str(file))
    with subprocess.Popen(**vars(command)) as server:
        try:
            address = server.stdout.readline().strip()
            url = f"{address}/1.0/cell/7?access_token=sandbox"
            assert httpx.get(url, timeout=30).status_code == 502
        finally:
            server.terminate()

    file.write_text("[{}]")
    done = subprocess.run(**vars(command), check=False)
    assert done.returncode == 1
    assert done.stderr.startswith(f"error: {file}: expected objects with name")


def test_serve_without_a_folder_is_one_line():
    done = subprocess.run(**vars(serve("nowhere")), check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("error: nowhere is no sandbox")
    assert done.stderr.count("\n") == 1
