"""Faults of a reply and of the connection under it, made on purpose."""

import asyncio
import io
import json
import lzma
import socket
import struct
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from email.utils import formatdate
from functools import partial
from http import HTTPStatus
from time import time
from typing import Any

import numpy as np
from PIL import Image
from starlette.types import Receive, Scope, Send

# Seconds: shorter than any client's patience, and between two bytes of a drip.
MOMENT = 0.05
JSON = {"content-type": "application/json"}
HTML = {"content-type": "text/html; charset=utf-8"}
XML = {"content-type": "application/xml"}


@dataclass(frozen=True)
class Reply:
    """A reply that has not been sent; names of headers are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    def head(self) -> bytes:
        """Return status line and headers as bytes."""
        phrase = HTTPStatus(self.status).phrase
        lines = [f"HTTP/1.1 {self.status} {phrase}"]
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        return "\r\n".join([*lines, "\r\n"]).encode()


@dataclass(frozen=True)
class Wire:
    """The connection that a reply is due on."""

    scope: Scope
    receive: Receive
    send: Send

    @property
    def transport(self) -> asyncio.Transport:
        """The socket's transport, if a `WireProtocol` serves."""
        transport: asyncio.Transport = self.scope["state"]["transport"]
        return transport

    async def answer(self, reply: Reply) -> None:
        """Send a reply whole."""
        headers = reply.headers | {"content-length": str(len(reply.body))}
        pairs = [(name.encode(), value.encode()) for name, value in headers.items()]
        start = {"type": "http.response.start", "status": reply.status}
        await self.send({**start, "headers": pairs})
        await self.send({"type": "http.response.body", "body": reply.body})

    async def gone(self) -> None:
        """Wait until either side closes the connection."""
        while (await self.receive())["type"] != "http.disconnect":
            pass


Play = Callable[[Wire, Reply], Awaitable[None]]


def _reply(change: Callable[[Reply], Reply]) -> Play:
    """Return a fault that answers with a changed reply."""

    async def play(wire: Wire, reply: Reply) -> None:
        await wire.answer(change(reply))

    return play


def _other(status: int, body: str = "", **headers: str) -> Play:
    """Return a fault that answers with another reply."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return _reply(lambda reply: Reply(status, named, body.encode()))


def _retry_by_date(reply: Reply) -> Reply:
    return Reply(429, {"retry-after": formatdate(time() + 1, usegmt=True)}, b"")


def _body(change: Callable[[bytes], bytes]) -> Play:
    """Return a fault that answers with a changed body."""
    return _reply(lambda reply: replace(reply, body=change(reply.body)))


def _numbers_as_text(body: bytes) -> bytes:
    def change(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: change(member) for name, member in value.items()}
        if isinstance(value, list):
            return [change(member) for member in value]
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        return str(value) if is_number else value

    return json.dumps(change(json.loads(body))).encode()


def _half(body: bytes) -> bytes:
    return body[: len(body) // 2]


def _smaller_jpeg(body: bytes) -> bytes:
    with Image.open(io.BytesIO(body)) as image:
        smaller = image.resize((image.width - 1, image.height))
    packed = io.BytesIO()
    smaller.save(packed, "JPEG")
    return packed.getvalue()


def _repacked(change: Callable[[bytes], bytes], form: int, body: bytes) -> bytes:
    return lzma.compress(change(lzma.decompress(body)), form)


def _as_uint32(content: bytes) -> bytes:
    return np.frombuffer(content, "<u2").astype("<u4").tobytes()


async def _slow_first_byte(wire: Wire, reply: Reply) -> None:
    await asyncio.sleep(MOMENT)
    await wire.answer(reply)


async def _no_first_byte(wire: Wire, reply: Reply) -> None:
    await wire.gone()


async def _hang_up(wire: Wire, reply: Reply) -> None:
    wire.transport.close()
    await wire.gone()


async def _stall(wire: Wire, reply: Reply) -> None:
    wire.transport.write(reply.head() + _half(reply.body))
    await wire.gone()


async def _drip(wire: Wire, reply: Reply) -> None:
    """Send a byte now and then, and never end."""
    wire.transport.write(reply.head())
    for at in range(len(reply.body) - 1):
        wire.transport.write(reply.body[at : at + 1])
        await asyncio.sleep(MOMENT)
        if wire.transport.is_closing():
            break
    await wire.gone()


async def _reset(wire: Wire, reply: Reply) -> None:
    wire.transport.write(reply.head() + _half(reply.body))
    # Lingering for no time: the other side gets a reset, not an end.
    no_time = struct.pack("ii", 1, 0)
    connection = wire.transport.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, no_time)
    wire.transport.abort()
    await wire.gone()


async def _cut(wire: Wire, reply: Reply, says_length: bool) -> None:
    headers = dict(reply.headers)
    if not says_length:
        del headers["content-length"]
    head = replace(reply, headers=headers | {"connection": "close"}).head()
    wire.transport.write(head + _half(reply.body))
    wire.transport.close()
    await wire.gone()


LOGIN = "<html><form action='/login'>Please log in</form></html>"
SORRY = "<html><h1>502 Bad Gateway</h1></html>"
DENIED = "<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>"
MISSING = "<?xml version='1.0'?><Error><Code>NoSuchKey</Code></Error>"

# Of any request.
ANY_FAULTS: dict[str, Play] = {
    "401": _other(401, '{"error": "no"}', **JSON),
    "403": _other(403, '{"error": "no"}', **JSON),
    "404": _other(404, '{"error": "no"}', **JSON),
    "429": _other(429),
    "429, Retry-After in seconds": _other(429, retry_after="1"),
    "429, Retry-After as a date": _reply(_retry_by_date),
    "500": _other(500),
    "502 with HTML": _other(502, SORRY, **HTML),
    "200 with HTML": _other(200, LOGIN, **HTML),
    "redirect to a login page": _other(302, location="/login"),
    "empty body": _body(lambda body: b""),
    "wrong content type": _reply(
        lambda reply: replace(reply, headers={"content-type": "text/plain"})
    ),
    "slow first byte": _slow_first_byte,
    "no first byte": _no_first_byte,
    "hang-up before the first byte": _hang_up,
    "stall in the middle": _stall,
    "drip without end": _drip,
    "reset in the middle": _reset,
    "cut short, length said": partial(_cut, says_length=True),
    "cut short, length not said": partial(_cut, says_length=False),
}
# Of a reply of the API.
JSON_FAULTS: dict[str, Play] = {
    "empty object": _other(200, "{}", **JSON),
    "missing keys": _other(200, '{"status": 0}', **JSON),
    "numbers as text": _body(_numbers_as_text),
    "half of the JSON": _body(_half),
}
# Of any file of the bucket.
FILE_FAULTS: dict[str, Play] = {
    "miss as 403 with XML": _other(403, DENIED, **XML),
    "miss as 404 with XML": _other(404, MISSING, **XML),
}
IMAGE_FAULTS: dict[str, Play] = {
    "JPEG cut short": _body(_half),
    "JPEG of another size": _body(_smaller_jpeg),
}
SEGMENTATION_FAULTS: dict[str, Play] = {
    "LZMA cut short": _body(_half),
    "xz in place of LZMA-alone": _body(partial(_repacked, bytes, lzma.FORMAT_XZ)),
    "wrong decoded length": _body(partial(_repacked, _half, lzma.FORMAT_ALONE)),
    "uint32 data": _body(partial(_repacked, _as_uint32, lzma.FORMAT_ALONE)),
}
FAULTS = {
    **ANY_FAULTS,
    **JSON_FAULTS,
    **FILE_FAULTS,
    **IMAGE_FAULTS,
    **SEGMENTATION_FAULTS,
}
