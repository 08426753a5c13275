"""Limit the rate of requests."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from eyewire_validator.errors import ConfigError

# Starts lie 5 % further apart than the rate asks. Requests reach the service with some
# jitter; so by its clock, too, no second holds more of them than the rate.
MARGIN = 1.05


class Limiter:
    """A rate limiter that hands out evenly spaced turns.

    No second, half-open, holds more than ``requests_per_second`` turns, rounded up. The
    first turn comes no sooner after the limiter was made: the job that
    had this share of the rate before may have sent a request a moment ago.

    Args:
        requests_per_second: the rate; infinity for no limit.
        clock: gives the time in seconds.
        sleep: waits for some seconds.

    Raises:
        ConfigError: the rate is not above zero.
    """

    def __init__(
        self,
        requests_per_second: float,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """Refuse rates that would never, or backwards, let a request start."""
        if not requests_per_second > 0:
            raise ConfigError(
                f"the rate is {requests_per_second} requests a second, expected above "
                "0; set api.requests_per_second and api.storage_requests_per_second"
            )
        self._interval = MARGIN / requests_per_second
        self._clock = clock
        self._sleep = sleep
        self._next_start = clock() + self._interval
        self._queue = asyncio.Lock()

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[Callable[[], None]]:
        """Wait until another request may start; first come, first served.

        Yields:
            To be called once the request is on its way: from then on, the next turn is
            counted. Who connects slowly would else arrive together with the next one.
            At the latest, a turn ends with the block.
        """
        await self._queue.acquire()
        under_way = False

        def leave() -> None:
            nonlocal under_way
            if not under_way:
                under_way = True
                self.hold(self._interval)
                self._queue.release()

        try:
            while (wait := self._next_start - self._clock()) > 0:
                await self._sleep(wait)
            yield leave
        finally:
            leave()

    def hold(self, seconds: float) -> None:
        """Hold back further requests for so many seconds."""
        self._next_start = max(self._next_start, self._clock() + seconds)
