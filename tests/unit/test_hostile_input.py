"""Attacks by a service, a file or a config: refused by name, at bounded cost."""

import asyncio
import gzip
import json
import os
from pathlib import Path

import httpx
import pytest

from eyewire_validator.api import client as client_module
from eyewire_validator.api.breaker import Breaker
from eyewire_validator.api.client import ApiSettings, EyewireClient
from eyewire_validator.api.limiter import Limiter
from eyewire_validator.errors import ApiError, AuthError, MalformedReplyError

MIB = 1 << 20
TOKEN = "s3cret-t0ken"
SETTINGS = ApiSettings(
    base_url="https://eyewire.org",
    storage_hosts=["storage.googleapis.com"],
    requests_per_second=10,
    jobs=4,
    storage_requests_per_second=100,
    storage_jobs=2,
    concurrent_requests=3,
    tries=4,
    max_wait=60,
    connect_timeout=5,
    read_timeout=30,
    reply_timeout=300,
    failures_in_a_row=10,
)
BUCKET = "https://storage.googleapis.com/e2198_compressed/Volume-1-2/"


class Service:
    """Gives one answer to everybody, and remembers who asked for what."""

    def __init__(self, **answer):
        self.answer = answer
        self.requests = []

    def respond(self, request):
        self.requests.append(request)
        return httpx.Response(**{"status_code": 200, **self.answer})

    def ask(self, ask):
        async def run():
            transport = httpx.MockTransport(self.respond)
            base_url = SETTINGS.base_url
            async with httpx.AsyncClient(
                base_url=base_url, transport=transport
            ) as http:
                limiter = Limiter(float("inf"))
                breaker = Breaker(Path(os.devnull), 1)
                return await ask(EyewireClient(SETTINGS, http, TOKEN, limiter, breaker))

        return asyncio.run(run())

    def task(self):
        return self.ask(lambda client: client.task(31))

    def fetch(self, url):
        return self.ask(lambda client: client.fetch(url, "volume 2"))


def json_answer(content, **headers):
    return {
        "content": content,
        "headers": {"Content-Type": "application/json", **headers},
    }


@pytest.mark.parametrize(
    "full_path",
    [
        "https://evil.example/Volume-1-2/",
        "https://storage.googleapis.com.evil.example/Volume-1-2/",
        "https://storage.googleapis.com@evil.example/Volume-1-2/",
        "https://evil.example/storage.googleapis.com/",
        "https://evil.example\\@storage.googleapis.com/",
        "https://127.0.0.1/",
        "https://[::1]/",
        "https://eyewire.org/1.0/task/31/",
        "http://storage.googleapis.com/Volume-1-2/",
        "https://storage.googleapis.com:8443/Volume-1-2/",
        "ftp://storage.googleapis.com/Volume-1-2/",
        "file:///etc/",
        "gopher://storage.googleapis.com/",
        "//evil.example/",
        "/1.0/task/31/",
        "../../../1.0/",
        "javascript:alert(1)",
        "https://storage.googleapis.com\r\nHost: evil.example/",
        "https://[",
    ],
)
def test_full_path_on_another_host_or_scheme_is_never_asked(full_path):
    service = Service(content=b"x")
    with pytest.raises(ApiError, match=r"^volume 2: "):
        service.fetch(f"{full_path}jpg/0.jpg")
    assert service.requests == []


@pytest.mark.parametrize("status_code", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("location", ["https://evil.example/", "//evil.example/", "/"])
def test_redirects_are_followed_by_neither_token_nor_request(status_code, location):
    service = Service(status_code=status_code, headers={"Location": location})
    with pytest.raises(AuthError, match=f"HTTP {status_code}"):
        service.task()
    with pytest.raises(ApiError, match=f"HTTP {status_code}, expected 200"):
        service.fetch(BUCKET)
    hosts = [request.url.host for request in service.requests]
    assert hosts == ["eyewire.org", "storage.googleapis.com"]
    assert TOKEN not in str(service.requests[1].url)


class Endless(httpx.AsyncByteStream):
    """A body that goes on for a gigabyte, and counts what was read of it."""

    def __init__(self):
        self.read = 0

    async def __aiter__(self):
        while self.read < 1 << 30:
            self.read += MIB
            yield b" " * MIB


@pytest.mark.parametrize(
    ("ask", "limit"),
    [
        (Service.task, client_module.MAX_JSON),
        (lambda service: service.fetch(BUCKET), client_module.MAX_FILE),
    ],
)
def test_a_reply_of_a_gigabyte_is_not_read_to_its_end(ask, limit):
    body = Endless()
    json_type = {"Content-Type": "application/json"}
    with pytest.raises(MalformedReplyError, match=f"longer than {limit // MIB} MiB"):
        ask(Service(stream=body, headers=json_type))
    assert body.read == limit + MIB


def test_a_small_reply_that_unpacks_to_a_long_one_is_refused():
    packed = gzip.compress(bytes(client_module.MAX_JSON + 1))
    assert len(packed) < MIB
    with pytest.raises(MalformedReplyError, match="longer than 16 MiB"):
        Service(**json_answer(packed, **{"Content-Encoding": "gzip"})).task()


def test_a_reply_that_is_packed_more_than_once_is_refused():
    twice = {"Content-Encoding": "gzip, gzip"}
    with pytest.raises(MalformedReplyError, match="packed as gzip, gzip"):
        Service(**json_answer(gzip.compress(gzip.compress(b"{}")), **twice)).task()


@pytest.mark.parametrize("opening", [b"[", b'{"a":'])
def test_json_nested_100_000_deep_is_refused(opening):
    with pytest.raises(MalformedReplyError, match="task 31: the reply is not JSON"):
        Service(**json_answer(opening * 100_000)).task()


def test_a_number_of_a_million_digits_is_refused():
    reply = b'{"id": ' + b"9" * MIB + b"}"
    with pytest.raises(MalformedReplyError, match="task 31: the reply is not JSON"):
        Service(**json_answer(reply)).task()


def test_numbers_that_json_does_not_know_reach_nobody():
    reply = json.dumps({"id": float("nan")}).encode()
    assert str(Service(**json_answer(reply)).task()["id"]) == "nan"
