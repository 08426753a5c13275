"""The client against answers of all kinds, without a network and without waiting."""

import asyncio
import logging
import os
from dataclasses import replace
from email.utils import formatdate
from pathlib import Path
from time import time

import httpx
import pytest
import yaml

from eyewire_validator import __version__
from eyewire_validator.acquire.api.breaker import Breaker
from eyewire_validator.acquire.api.client import (
    ApiSettings,
    EyewireClient,
    open_client,
    seconds_to_wait,
)
from eyewire_validator.acquire.api.concurrency import ask_for_all
from eyewire_validator.acquire.api.limiter import Limiter
from eyewire_validator.errors import (
    ApiError,
    AuthError,
    ConfigError,
    CutShortError,
    MalformedReplyError,
    NotFoundError,
    SandboxError,
    StoppedError,
    ThrottledError,
    TransientError,
    VolumeError,
)

TOKEN = "s3cret-t0ken"
FILE = "https://storage.googleapis.com/e2198_compressed/Volume-1-2/jpg/0.jpg"
CONFIG = Path(__file__).resolve().parents[4] / "config/defaults.yaml"
# What tests count.
SETTINGS = replace(
    ApiSettings(**yaml.safe_load(CONFIG.read_text())["api"]),
    concurrent_requests=3,
    tries=4,
    max_wait=60,
    failures_in_a_row=2,
)

# Where failures are forgotten at once.
NO_RECORD = Path(os.devnull)


class Service:
    """Answers from a list, then with the last one; remembers requests and waits."""

    def __init__(self, *answers, failures=NO_RECORD):
        self.failures = failures
        self.answers = list(answers)
        self.requests = []
        self.times = []
        self.waits = []
        self.now = 0.0

    def answer(self, request):
        self.requests.append(request)
        self.times.append(self.now)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def sleep(self, seconds):
        self.waits.append(seconds)
        self.now += seconds

    def client(self, **changes):
        http = httpx.AsyncClient(
            base_url=SETTINGS.base_url, transport=httpx.MockTransport(self.answer)
        )
        limiter = Limiter(float("inf"), lambda: self.now, self.sleep)
        settings = replace(SETTINGS, **changes)
        breaker = Breaker(self.failures, settings.failures_in_a_row)
        return EyewireClient(settings, http, TOKEN, limiter, breaker, self.sleep)

    def run(self, ask):
        """Call ``ask`` with a client of this service."""
        return asyncio.run(ask(self.client()))


def json_reply(content, **headers):
    return httpx.Response(200, json=content, headers=headers)


def status(code, **headers):
    return httpx.Response(code, headers=headers)


def html(code=200):
    return httpx.Response(code, html="<html>login</html>")


@pytest.mark.parametrize(
    ("ask", "path"),
    [
        (lambda client: client.cell_tasks(7), "/1.0/cell/7/tasks"),
        (lambda client: client.task(31), "/1.0/task/31"),
        (lambda client: client.aggregate(31), "/1.0/task/31/aggregate"),
    ],
)
def test_the_api_is_asked_with_the_token(ask, path):
    service = Service(json_reply({"id": 31}))
    assert service.run(ask) == {"id": 31}
    (request,) = service.requests
    assert (request.method, request.url.path) == ("GET", path)
    assert request.url.params == httpx.QueryParams(access_token=TOKEN)
    assert request.headers["User-Agent"] == f"eyewire-validator/{__version__}"


def test_the_bucket_never_sees_the_token():
    service = Service(httpx.Response(200, content=b"slice"))
    assert service.run(lambda client: client.fetch(FILE)) == b"slice"
    (request,) = service.requests
    assert str(request.url) == FILE
    assert TOKEN not in str(request.headers)


def test_the_token_is_in_no_log(caplog):
    caplog.set_level(logging.DEBUG)
    Service(json_reply({})).run(lambda client: client.task(31))
    assert TOKEN not in caplog.text


@pytest.mark.parametrize(
    "empty",
    [
        json_reply({}),
        json_reply([]),
        json_reply(None),
        httpx.Response(200, content=b""),
        httpx.Response(200, content=b" \n", headers={"Content-Type": "text/html"}),
    ],
)
def test_an_empty_reply_of_any_form_is_believed_the_third_time(empty):
    service = Service(empty)
    assert service.run(lambda client: client.task(31)) == {}
    assert len(service.requests) == 3
    service = Service(empty, empty, json_reply({"id": 31}))
    assert service.run(lambda client: client.task(31)) == {"id": 31}


@pytest.mark.parametrize("tries", [1, 2])
def test_with_fewer_tries_an_empty_reply_is_believed_sooner(tries):
    service = Service(json_reply({}))
    assert asyncio.run(service.client(tries=tries).task(31)) == {}
    assert len(service.requests) == tries


@pytest.mark.parametrize(
    ("answer", "error", "found"),
    [
        (status(401), AuthError, "HTTP 401"),
        (status(403), AuthError, "HTTP 403"),
        (status(302, Location="https://eyewire.org/login"), AuthError, "HTTP 302"),
        (html(), AuthError, "text/html; charset=utf-8 instead of JSON"),
        (httpx.Response(200, content=b"<"), AuthError, "no content type"),
        (status(422), ApiError, "HTTP 422, expected 200"),
        (status(204), ApiError, "HTTP 204, expected 200"),
        (json_reply([1]), MalformedReplyError, "JSON list, expected an object"),
        (json_reply("no"), MalformedReplyError, "JSON str, expected an object"),
    ],
)
def test_useless_answers_of_the_api_fail_at_once(answer, error, found):
    service = Service(answer)
    with pytest.raises(error, match=f"^task 31: .*{found}") as raised:
        service.run(lambda client: client.task(31))
    assert type(raised.value) is error
    assert ("EW_OAUTH2" in str(raised.value)) == (error is AuthError)
    assert TOKEN not in str(raised.value)
    assert len(service.requests) == 1


def test_json_of_another_type_is_read_all_the_same():
    answer = httpx.Response(200, content=b'{"id": 31}')
    assert Service(answer).run(lambda client: client.task(31)) == {"id": 31}


@pytest.mark.parametrize(
    "ask", [lambda client: client.task(31), lambda client: client.fetch(FILE)]
)
def test_what_is_not_there_is_believed_the_third_time(ask):
    service = Service(status(404))
    with pytest.raises(NotFoundError, match="HTTP 404"):
        service.run(ask)
    assert len(service.requests) == 3
    assert Service(status(404), status(404), json_reply({"id": 31})).run(ask)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (html(), ApiError),
        (status(302, Location="https://elsewhere.org"), ApiError),
        (status(400), ApiError),
    ],
)
def test_useless_answers_of_the_bucket_fail_at_once(answer, error):
    service = Service(answer)
    with pytest.raises(error, match=rf"^volume 2: {FILE}: (HTTP|got)") as raised:
        service.run(lambda client: client.fetch(FILE + "?key=hidden", "volume 2"))
    assert type(raised.value) is error
    assert "hidden" not in str(raised.value)
    assert len(service.requests) == 1


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (status(429), ThrottledError),
        (status(500), TransientError),
        (html(502), TransientError),
        (httpx.ConnectError(f"no route to ?access_token={TOKEN}"), TransientError),
        (httpx.ReadTimeout(""), TransientError),
        (httpx.RemoteProtocolError("body cut short"), TransientError),
    ],
)
def test_passing_failures_are_tried_again(answer, error):
    service = Service(answer, answer, json_reply({"id": 31}))
    assert service.run(lambda client: client.task(31)) == {"id": 31}
    assert len(service.requests) == 3
    # Drawn from 0 to 0.5 s, then from 0 to 1 s.
    first_wait, second_wait = service.waits
    assert first_wait <= 0.5
    assert second_wait <= 1

    service = Service(answer)
    with pytest.raises(error, match=r"^task 31: .* after 4 tries; try again") as raised:
        service.run(lambda client: client.task(31))
    assert TOKEN not in str(raised.value)
    assert len(service.requests) == 4


@pytest.mark.parametrize(("code", "asked", "waited"), [(429, 7, 7), (503, 600, 60)])
def test_retry_after_is_honoured_up_to_the_longest_wait(code, asked, waited):
    busy = status(code, **{"Retry-After": str(asked)})
    service = Service(busy, json_reply({"id": 31}))
    service.run(lambda client: client.task(31))
    assert sum(service.waits) == pytest.approx(waited)


def test_requests_that_fail_in_a_row_stop_all(tmp_path):
    """The limit is 2; each of the failed requests had its 4 tries."""
    service = Service(status(500), failures=tmp_path / "failures.txt")
    for _ in range(2):
        with pytest.raises(TransientError):
            service.run(lambda client: client.task(31))
    assert len(service.requests) == 8
    with pytest.raises(StoppedError, match=r"2 requests in a row .* task 31: HTTP 500"):
        service.run(lambda client: client.task(32))
    assert len(service.requests) == 8


def test_tries_stop_as_soon_as_others_have_failed(tmp_path):
    service = Service(status(500), failures=tmp_path / "failures.txt")

    async def fail(client):
        await asyncio.gather(
            *(client.task(task) for task in range(9)), return_exceptions=True
        )

    service.run(fail)
    # Three at a time, and four tries each of the first two to fail for good.
    assert len(service.requests) < 9 * 4
    assert len((tmp_path / "failures.txt").read_text().splitlines()) < 9


def test_answers_between_failures_and_what_is_not_there_stop_nobody(tmp_path):
    service = Service(failures=tmp_path / "failures.txt")
    for answer in (status(401), status(404), json_reply({"id": 3}), status(401)):
        service.answers = [answer]
        asyncio.run(outcome(service.client().task(31)))
    assert len((tmp_path / "failures.txt").read_text().splitlines()) == 1


async def outcome(request):
    try:
        return await request
    except ApiError as error:
        return error


def test_a_file_that_arrives_damaged_is_fetched_again():
    def check(content):
        if content != b"whole":
            raise VolumeError("cut")

    def fetch(client):
        return client.fetch(FILE, "volume 2", check)

    cut, whole = (httpx.Response(200, content=text) for text in (b"who", b"whole"))
    service = Service(cut, cut, whole)
    assert service.run(fetch) == b"whole"
    service = Service(cut)
    with pytest.raises(VolumeError, match="cut"):
        service.run(fetch)
    assert len(service.requests) == 4


def cut_json():
    return httpx.Response(200, content=b'{"id"', headers={"Content-Type": "text/json"})


def file_without_length():
    """Neither a length nor chunks: it ends where the connection does."""
    return httpx.Response(200, stream=httpx.ByteStream(b"who"))


@pytest.mark.parametrize(
    ("cut", "ask"),
    [
        (cut_json, lambda client: client.task(31)),
        (file_without_length, lambda client: client.fetch(FILE)),
    ],
)
def test_a_reply_that_is_not_whole_is_asked_for_again(cut, ask):
    service = Service(*(cut() for _ in range(4)))
    with pytest.raises(CutShortError, match="expected a whole one; try again"):
        service.run(ask)
    assert len(service.requests) == 4


def test_retry_after_holds_other_requests_too():
    service = Service(status(429, **{"Retry-After": "9"}), json_reply({}))

    async def ask(client):
        await asyncio.gather(client.task(31), client.task(32))

    service.run(ask)
    first, *later = service.times
    assert first == 0
    assert min(later) >= 9


def test_retry_after_in_seconds_as_a_date_or_as_nonsense():
    assert seconds_to_wait("12") == 12
    assert seconds_to_wait(formatdate(time() + 30, usegmt=True)) == pytest.approx(
        30, 0.1
    )
    assert seconds_to_wait(formatdate(time() - 30)) == 0
    assert [seconds_to_wait(text) for text in (None, "", "soon", "-3")] == [0] * 4


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("https://evil.org/jpg/0.jpg", "host evil.org .*api.storage_hosts"),
        ("https://storage.googleapis.com@evil.org/0.jpg", "host evil.org"),
        ("https://eyewire.org/1.0/task/submit", "host eyewire.org"),
        ("http://storage.googleapis.com/0.jpg", "https://"),
        ("file:///etc/passwd", "host"),
        ("0.jpg", "host"),
    ],
)
def test_other_hosts_are_never_asked(url, found):
    service = Service(httpx.Response(200))
    with pytest.raises(ApiError, match=found):
        service.run(lambda client: client.fetch(url))
    assert service.requests == []


def test_no_more_requests_at_a_time_than_configured():
    under_way = most = 0

    async def answer(request):
        nonlocal under_way, most
        # As real connections do; the next request may start then.
        await request.extensions["trace"]("http11.send_request_headers.complete", {})
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0)
        under_way -= 1
        return json_reply({"id": int(request.url.path.rpartition("/")[2])})

    async def ask():
        http = httpx.AsyncClient(
            base_url="https://eyewire.org", transport=httpx.MockTransport(answer)
        )
        limiter = Limiter(float("inf"))
        client = EyewireClient(SETTINGS, http, TOKEN, limiter, Breaker(NO_RECORD, 1))
        return await ask_for_all(client.task, range(20), "tasks")

    assert [reply["id"] for reply in asyncio.run(ask())] == list(range(20))
    assert most == 3


def test_the_first_failure_ends_the_others():
    async def ask(item):
        if item == 1:
            raise NotFoundError("task 1")
        await asyncio.Event().wait()

    with pytest.raises(NotFoundError, match="task 1"):
        asyncio.run(ask_for_all(ask, range(20), "tasks"))


def open_and_close(**changes):
    async def run():
        given = {
            "token": TOKEN,
            "requests_per_second": 5,
            "failures": NO_RECORD,
            "sandbox": None,
        } | changes
        settings = replace(SETTINGS, base_url=given.pop("base_url", SETTINGS.base_url))
        async with open_client(settings, **given):
            pass

    asyncio.run(run())


@pytest.mark.parametrize("token", [None, ""])
def test_the_real_service_needs_a_token(token):
    with pytest.raises(AuthError, match=r"eyewire\.org.*EW_OAUTH2.*source: sandbox"):
        open_and_close(token=token)


@pytest.mark.parametrize("rate", [0, -3])
def test_a_rate_that_is_not_above_zero_is_refused(rate):
    with pytest.raises(ConfigError, match=rf"{rate} .*api\.requests_per_second"):
        open_and_close(requests_per_second=rate)


@pytest.mark.parametrize(
    "url", ["http://eyewire.org", "eyewire.org", "ftp://127.0.0.1"]
)
def test_the_token_goes_over_https_only(url):
    with pytest.raises(ConfigError, match=rf"api\.base_url is {url}, expected https"):
        open_and_close(base_url=url)


def test_loopback_may_do_without_https():
    open_and_close(base_url="http://127.0.0.1:8000")


def test_a_missing_sandbox_is_named():
    with pytest.raises(SandboxError, match="nowhere"):
        open_and_close(sandbox=Path("nowhere"), token=None)


def test_a_body_cut_short_on_the_wire_is_tried_again():
    """A real socket, as only there a length can be promised and not kept."""
    bodies = [b"abc", b"abcdef"]

    async def answer(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        head = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\n"
        writer.write(head + bodies.pop(0))
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    async def fetch():
        server = await asyncio.start_server(answer, "127.0.0.1")
        address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        settings = replace(
            SETTINGS, base_url=address, storage_hosts=["127.0.0.1"], max_wait=0.01
        )
        async with (
            server,
            open_client(
                settings,
                token=TOKEN,
                requests_per_second=100,
                failures=NO_RECORD,
                sandbox=None,
            ) as client,
        ):
            return await client.fetch(f"{address}/0.jpg")

    assert asyncio.run(fetch()) == b"abcdef"
    assert bodies == []
