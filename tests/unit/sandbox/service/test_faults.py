"""Which requests a fault hits; what each does is in tests/end_to_end/test_faults.py."""

import asyncio
import json

import httpx
import pytest
from starlette.responses import JSONResponse

from eyewire_validator.errors import SandboxError
from eyewire_validator.sandbox.service.faults import (
    Fault,
    FaultyApplication,
    read_faults,
)


def statuses(faults, paths):
    """Ask for ``paths`` one after the other; return the replies' status codes."""
    application = FaultyApplication(JSONResponse({"id": 31}), faults)
    transport = httpx.ASGITransport(application)

    async def ask():
        async with httpx.AsyncClient(transport=transport, base_url="http://x") as http:
            return [(await http.get(path)).status_code for path in paths]

    return asyncio.run(ask())


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (Fault("500"), [500] * 6),
        (Fault("500", first=2), [500, 500, 200, 200, 200, 200]),
        (Fault("500", every=3), [500, 200, 200, 500, 200, 200]),
        (Fault("500", first=4, every=3), [500, 200, 200, 500, 200, 200]),
        (Fault("500", first=3, every=2), [500, 200, 500, 200, 200, 200]),
    ],
)
def test_schedules(fault, expected):
    assert statuses([fault], ["/a"] * 6) == expected


def test_each_fault_counts_the_requests_for_each_path():
    faults = [Fault("500", "/a", first=1), Fault("404", "^/(a|b)$", first=2)]
    assert statuses(faults, ["/a", "/b", "/b", "/a", "/c"]) == [500, 404, 404, 404, 200]


def test_faults_are_read_from_a_file(tmp_path):
    file = tmp_path / "faults.json"
    file.write_text(json.dumps([{"name": "500", "path": "/task/", "first": 3}]))
    assert read_faults(file) == [Fault("500", "/task/", first=3)]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([{"name": "teapot"}], "no fault teapot; known: 401; "),
        ([{"name": "500", "path": "("}], "fault 500: .* no regular expression"),
        ([{"name": "500", "when": "now"}], "expected objects with name"),
        (3, "expected objects with name"),
    ],
)
def test_what_is_no_fault_is_refused(tmp_path, content, message):
    file = tmp_path / "faults.json"
    file.write_text(json.dumps(content))
    with pytest.raises(SandboxError, match=message):
        read_faults(file)
