"""A schedule of faults: which requests of the sandbox go wrong, and how."""

import asyncio
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from eyewire_validator.errors import SandboxError
from eyewire_validator.sandbox.service.wire_faults import FAULTS, Reply, Wire
from eyewire_validator.storage.files import read_json


@dataclass(frozen=True)
class Fault:
    """A fault, and the requests that it hits.

    Attributes:
        name: one of `wire_faults.FAULTS`.
        path: a regular expression that is found in the paths of these requests.
        first: hits only among so many first requests for a path.
        every: hits the first of every so many for a path.
    """

    name: str
    path: str = ""
    first: float = float("inf")
    every: int = 1

    def __post_init__(self) -> None:
        """Refuse an unknown fault, and a path that is no regular expression.

        Raises:
            SandboxError: the name or the path is wrong.
        """
        if self.name not in FAULTS:
            raise SandboxError(f"no fault {self.name}; known: {'; '.join(FAULTS)}")
        try:
            re.compile(self.path)
        except re.error as error:
            raise SandboxError(
                f"fault {self.name}: the path {self.path} is no regular expression "
                f"({error})"
            ) from None


def read_faults(path: Path) -> list[Fault]:
    """Read a JSON list of objects whose keys are attributes of `Fault`.

    Raises:
        FileError: the file is missing or not JSON.
        SandboxError: one is no fault.
    """
    try:
        return [Fault(**fault) for fault in read_json(path)]
    except TypeError as error:
        raise SandboxError(
            f"{path}: expected objects with name, path, first and every ({error})"
        ) from None


class WireProtocol(H11Protocol):
    """HTTP protocol that hands its transport to the application, for wire faults."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Put the transport into the state of the ASGI scope."""
        super().connection_made(transport)
        self.app_state = {**self.app_state, "transport": transport}


class FaultyApplication:
    """An application whose replies are faulty by a schedule.

    Args:
        application: an ASGI application, served with `WireProtocol`.
        faults: how and which; of several that hit a request, the first counts.

    Attributes:
        faults: the same; may be changed at any time.
    """

    def __init__(self, application: ASGIApp, faults: Iterable[Fault] = ()) -> None:
        """Count requests from here on."""
        self._application = application
        self._counts: Counter[tuple[Fault, str]] = Counter()
        self.faults = list(faults)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer an ASGI request."""
        hits = [fault for fault in self.faults if self._hits(fault, scope["path"])]
        if not hits:
            await self._application(scope, receive, send)
            return
        reply = await _collect(self._application, scope, receive)
        await FAULTS[hits[0].name](Wire(scope, receive, send), reply)

    def _hits(self, fault: Fault, path: str) -> bool:
        if not re.search(fault.path, path):
            return False
        # Path by path: what is hit does not depend on what else is asked for.
        number = self._counts[fault, path]
        self._counts[fault, path] += 1
        return number < fault.first and number % fault.every == 0


async def _collect(application: ASGIApp, scope: Scope, receive: Receive) -> Reply:
    messages: list[Message] = []

    async def keep(message: Message) -> None:
        messages.append(message)

    await application(scope, receive, keep)
    start, *bodies = messages
    headers = {name.decode(): value.decode() for name, value in start["headers"]}
    body = b"".join(part.get("body", b"") for part in bodies)
    return Reply(start["status"], headers, body)
