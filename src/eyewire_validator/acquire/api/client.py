"""The HTTP client: GET only, at a bounded pace, with errors that say what to do.

The token is sent to the API's host alone, never to the bucket, and appears in no
message or log.
"""

import asyncio
import json
import logging
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import httpx
from tenacity import (
    AsyncRetrying,
    RetryCallState,
    stop_after_attempt,
    wait_random_exponential,
)

from eyewire_validator import __version__
from eyewire_validator.acquire.api.breaker import Breaker
from eyewire_validator.acquire.api.limiter import Limiter
from eyewire_validator.errors import (
    ApiError,
    AuthError,
    ConfigError,
    CutShortError,
    EyewireValidatorError,
    MalformedReplyError,
    NotFoundError,
    StoppedError,
    ThrottledError,
    TransientError,
    VolumeError,
)

Result = TypeVar("Result")

SANDBOX_URL = "http://sandbox.invalid"
LOOPBACK = ("127.0.0.1", "::1", "localhost")
# Seconds: the first back-off is drawn from 0 to this, and the range doubles each time.
FIRST_WAIT = 0.5
# What another try may mend; a damaged file may have been damaged on its way.
PASSING = (TransientError, ThrottledError, CutShortError, VolumeError)
# "Not found" may be a slip of the service; it is accepted at this try.
ACCEPTED_TRY = 3
USER_AGENT = f"eyewire-validator/{__version__}"
# Bytes that are read of a reply, unpacked: several times what the largest cell's task
# list takes, and twice a segmentation of 256 cubed uint16 before it is packed.
MAX_JSON = 1 << 24
MAX_FILE = 1 << 26

# httpx logs every URL, and with it the token, at level INFO.
logging.getLogger("httpx").addFilter(lambda record: record.levelno > logging.INFO)


@dataclass(frozen=True)
class ApiSettings:
    """The section ``api`` of the configuration; config.yaml explains each of them."""

    base_url: str
    storage_hosts: Sequence[str]
    requests_per_second: float
    jobs: int
    storage_requests_per_second: float
    storage_jobs: int
    concurrent_requests: int
    tries: int
    max_wait: float
    connect_timeout: float
    read_timeout: float
    reply_timeout: float
    failures_in_a_row: int


class Received(NamedTuple):
    """A response that was read to its end."""

    status_code: int
    headers: httpx.Headers
    content: bytes


@asynccontextmanager
async def open_client(
    settings: ApiSettings,
    *,
    token: str | None,
    requests_per_second: float,
    failures: Path,
    sandbox: Path | None,
) -> AsyncIterator["EyewireClient"]:
    """Open a client for the real service, or for a sandbox folder in this process.

    Args:
        settings: section ``api`` of the configuration.
        token: OAuth token of the real service; a sandbox has its own.
        requests_per_second: this client's share of the rate; infinity for no limit.
        failures: the record by which clients of one service stop together; see
            `breaker.Breaker`.
        sandbox: the sandbox folder; None for the service at ``settings.base_url``.

    Raises:
        AuthError: no token for the real service.
        ConfigError: the rate is not above zero, or the address is of no use.
        SandboxError: the sandbox folder is not there or not whole.
    """
    limiter = Limiter(requests_per_second)
    breaker = Breaker(failures, settings.failures_in_a_row)
    if sandbox is None:
        token, http = _connect(settings, token)
    else:
        token, http = _answer_in_process(sandbox)
        settings = replace(settings, storage_hosts=[http.base_url.host])
    async with http:
        yield EyewireClient(settings, http, token, limiter, breaker)


def _answer_in_process(sandbox: Path) -> tuple[str, httpx.AsyncClient]:
    # The real service needs no web server.
    from eyewire_validator.sandbox.service.application import (
        SANDBOX_TOKEN,
        create_application,
    )

    application = create_application(sandbox, SANDBOX_TOKEN)
    transport = httpx.ASGITransport(application)
    http = httpx.AsyncClient(base_url=SANDBOX_URL, transport=transport)
    return SANDBOX_TOKEN, http


def _connect(settings: ApiSettings, token: str | None) -> tuple[str, httpx.AsyncClient]:
    if not token:
        raise AuthError(
            f"{settings.base_url} wants a token and none was given; put your OAuth "
            "token into the environment variable EW_OAUTH2, or use source: sandbox"
        )
    url = httpx.URL(settings.base_url)
    if url.scheme != "https" and not (url.scheme == "http" and url.host in LOOPBACK):
        raise ConfigError(
            f"api.base_url is {settings.base_url}, expected https://… so that "
            "the token is encrypted on its way"
        )
    timeout = httpx.Timeout(
        settings.read_timeout, connect=settings.connect_timeout, pool=None
    )
    # Without TLS, a proxy that the environment names could read the token.
    trust_env = url.scheme == "https"
    return token, httpx.AsyncClient(base_url=url, timeout=timeout, trust_env=trust_env)


class EyewireClient:
    """A client of the API and its bucket; use `open_client` to get one.

    Args:
        settings: section ``api`` of the configuration.
        http: how requests travel, with the address of the API.
        token: sent with requests to the API, and with no others.
        limiter: gives each try its turn.
        breaker: counts requests that failed for good, and stops all at some number.
        sleep: waits for some seconds between two tries.
    """

    def __init__(
        self,
        settings: ApiSettings,
        http: httpx.AsyncClient,
        token: str,
        limiter: Limiter,
        breaker: Breaker,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """Keep to ``settings.concurrent_requests`` requests at a time."""
        self._http = http
        http.headers["User-Agent"] = USER_AGENT
        self._settings = settings
        self._token = token
        self._limiter = limiter
        self._breaker = breaker
        self._sleep = sleep
        self._places = asyncio.Semaphore(settings.concurrent_requests)

    async def cell_tasks(self, cell: int) -> dict[str, Any]:
        """Ask for a cell's task list; ``{}`` if the service does not know the cell."""
        return await self._ask(f"/1.0/cell/{cell}/tasks", f"cell {cell}")

    async def task(self, task: int) -> dict[str, Any]:
        """Ask for a task; ``{}`` if the service does not know it."""
        return await self._ask(f"/1.0/task/{task}", f"task {task}")

    async def aggregate(self, task: int) -> dict[str, Any]:
        """Ask for the combined answer of a task; ``{}`` if there is none."""
        return await self._ask(f"/1.0/task/{task}/aggregate", f"task {task}: aggregate")

    async def fetch(
        self,
        url: str,
        what: str = "file",
        check: Callable[[bytes], None] = lambda content: None,
    ) -> bytes:
        """Fetch a file of the bucket, without the token.

        Args:
            url: as the API gave it, or below.
            what: what the file belongs to, for messages, such as ``volume 12``.
            check: raises a VolumeError if the content is damaged.

        Raises:
            NotFoundError: the bucket has no such file, or does not show it.
            VolumeError: the content is damaged, on every try.
            StoppedError: too much has failed; nothing was asked.
            ApiError: any other failure; also if the host is not a storage host.
        """
        what = f"{what}: {_without_query(url)}"

        def read(response: Received) -> bytes:
            content = _file(response, what)
            check(content)
            return content

        return await self._get(self._storage_url(url, what), what, MAX_FILE, read)

    async def _ask(self, path: str, what: str) -> dict[str, Any]:
        """Return a JSON object of the API; ``{}`` for any form of an empty reply."""
        token = {"access_token": self._token}

        def read(response: Received) -> dict[str, Any]:
            return _json_object(response, what)

        return await self._get(path, what, MAX_JSON, read, token)

    def _storage_url(self, url: str, what: str) -> httpx.URL:
        hosts = self._settings.storage_hosts
        try:
            parsed = httpx.URL(url)
        except httpx.InvalidURL as error:
            raise MalformedReplyError(f"{what}: no URL ({error})") from None
        if parsed.host not in hosts:
            raise ApiError(
                f"{what}: the host {parsed.host} is none of {', '.join(hosts)}; if you "
                "trust it, add it to api.storage_hosts in the config"
            )
        api = self._http.base_url
        own = (parsed.scheme, parsed.netloc) == (api.scheme, api.netloc)
        plain = parsed.scheme == "https" and parsed.port is None
        if parsed.userinfo or not (own or plain):
            raise ApiError(
                f"{what}: expected an address that starts with https://host/"
            )
        return parsed

    async def _get(
        self,
        url: httpx.URL | str,
        what: str,
        limit: int,
        read: Callable[[Received], Result],
        params: dict[str, str] | None = None,
    ) -> Result:
        """Send a request until it succeeds or tries run out."""

        async def ask() -> Result:
            return read(await self._try(url, what, limit, params))

        retrying = AsyncRetrying(
            stop=stop_after_attempt(self._settings.tries),
            wait=wait_random_exponential(FIRST_WAIT, self._settings.max_wait),
            retry=_may_pass,
            retry_error_callback=_last_outcome,
            sleep=self._sleep,
        )
        try:
            result: Result = await retrying(ask)
        except (NotFoundError, StoppedError):
            raise
        except EyewireValidatorError as error:
            self._breaker.failed(str(error))
            raise
        self._breaker.succeeded()
        return result

    async def _try(
        self, url: httpx.URL | str, what: str, limit: int, params: dict[str, str] | None
    ) -> Received:
        async with self._places, self._limiter.turn() as leave:
            self._breaker.check()

            async def trace(event: str, _: dict[str, Any]) -> None:
                if event.endswith("send_request_headers.complete"):
                    leave()

            request = self._http.stream(
                "GET", url, params=params, extensions={"trace": trace}
            )
            try:
                async with (
                    asyncio.timeout(self._settings.reply_timeout),
                    request as reply,
                ):
                    response = await _receive(reply, what, limit)
            except (httpx.RequestError, TimeoutError) as error:
                reason = f"{type(error).__name__} {_without_query(str(error))}".strip()
                raise self._failure(TransientError, what, reason) from None
        if response.status_code in (429, 503):
            wait = seconds_to_wait(response.headers.get("Retry-After"))
            self._limiter.hold(min(wait, self._settings.max_wait))
        if response.status_code == 429:
            raise self._failure(ThrottledError, what, "HTTP 429, too many requests")
        if response.status_code >= 500:
            raise self._failure(TransientError, what, f"HTTP {response.status_code}")
        return response

    def _failure(self, kind: type[ApiError], what: str, reason: str) -> ApiError:
        # Only the last try's error is ever seen.
        return kind(
            f"{what}: {reason}, after {self._settings.tries} tries; try again later, "
            "perhaps with a lower rate under api: in the config"
        )


def _may_pass(state: RetryCallState) -> bool:
    """Return whether another try may succeed where this one did not."""
    outcome = state.outcome
    assert outcome is not None
    error = outcome.exception()
    if isinstance(error, NotFoundError) or not (error or outcome.result()):
        return state.attempt_number < ACCEPTED_TRY
    return isinstance(error, PASSING)


def _last_outcome(state: RetryCallState) -> Any:
    assert state.outcome is not None
    return state.outcome.result()


def seconds_to_wait(retry_after: str | None) -> float:
    """Read a ``Retry-After`` header: seconds or an HTTP date; 0 if it is neither."""
    text = (retry_after or "").strip()
    if re.fullmatch(r"[0-9]+", text):
        return float(text)
    try:
        when = parsedate_to_datetime(text)
    except ValueError:
        return 0.0
    # An HTTP date is in GMT, whether or not it says so.
    when = when if when.tzinfo else when.replace(tzinfo=UTC)
    return max(0.0, (when - datetime.now(UTC)).total_seconds())


async def _receive(response: httpx.Response, what: str, limit: int) -> Received:
    """Read a response, but no more of it than ``limit`` bytes."""
    # Packed twice, a few bytes could unpack to gigabytes in one piece.
    if "," in (packed := response.headers.get("Content-Encoding", "")):
        raise MalformedReplyError(f"{what}: packed as {packed:.80}, expected gzip")
    content = bytearray()
    async for piece in response.aiter_bytes():
        content += piece
        if len(content) > limit:
            raise MalformedReplyError(
                f"{what}: the reply is longer than {limit >> 20} MiB and was not read "
                "to its end; has the API changed?"
            )
    return Received(response.status_code, response.headers, bytes(content))


def _file(response: Received, what: str) -> bytes:
    if response.status_code in (401, 403, 404, 410):
        raise NotFoundError(
            f"{what}: HTTP {response.status_code}, the bucket has no such file or "
            "does not show it; check the task's full_path"
        )
    _check_ok(response, what)
    if "html" in (content_type := response.headers.get("Content-Type", "")):
        raise ApiError(f"{what}: got {content_type}, a page instead of the file")
    if not {"content-length", "transfer-encoding"} & set(response.headers):
        raise _cut_short(what, "the reply does not say where it ends")
    return response.content


def _json_object(response: Received, what: str) -> dict[str, Any]:
    status = response.status_code
    if status in (401, 403) or 300 <= status < 400:
        raise AuthError(_token_advice(what, f"HTTP {status}"))
    if status in (404, 410):
        raise NotFoundError(f"{what}: HTTP {status}, the service does not know it")
    _check_ok(response, what)
    if not response.content.strip():
        return {}
    try:
        reply = json.loads(response.content)
    except ValueError as error:
        content_type = response.headers.get("Content-Type", "no content type")
        if "json" not in content_type.lower():
            found = f"got {content_type} instead of JSON"
            raise AuthError(_token_advice(what, found)) from None
        raise _cut_short(what, f"the reply is not JSON ({error})") from None
    except RecursionError as error:
        raise MalformedReplyError(f"{what}: the reply is not JSON ({error})") from None
    # An unknown id may come as [] or null.
    if not reply:
        return {}
    if not isinstance(reply, dict):
        kind = type(reply).__name__
        raise MalformedReplyError(f"{what}: got a JSON {kind}, expected an object")
    return reply


def _cut_short(what: str, found: str) -> CutShortError:
    return CutShortError(f"{what}: {found}, expected a whole one; try again later")


def _check_ok(response: Received, what: str) -> None:
    if response.status_code != 200:
        raise ApiError(f"{what}: HTTP {response.status_code}, expected 200")


def _token_advice(what: str, found: str) -> str:
    return (
        f"{what}: {found}, as if the token were missing, expired or not allowed to "
        "read this; renew the token in the environment variable EW_OAUTH2"
    )


def _without_query(text: str) -> str:
    return re.sub(r"\?\S*", "", text)
