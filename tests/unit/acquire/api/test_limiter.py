"""The pace of requests, on a clock that only moves when somebody sleeps."""

import asyncio
from itertools import pairwise

import pytest

from eyewire_validator.acquire.api.limiter import Limiter
from eyewire_validator.errors import ConfigError


class Clock:
    """A clock that stands still unless somebody sleeps."""

    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now

    async def sleep(self, seconds):
        self.now += seconds


def take_turns(limiter, clock, count):
    """Take turns side by side; return when each of them came."""

    async def one():
        async with limiter.turn():
            return clock()

    async def all_of_them():
        return await asyncio.gather(*(one() for _ in range(count)))

    return asyncio.run(all_of_them())


@pytest.mark.parametrize("rate", [1, 4, 10, 250])
def test_no_second_holds_more_turns_than_the_rate(rate):
    clock = Clock()
    starts = take_turns(Limiter(rate, clock, clock.sleep), clock, 3 * rate)
    for start in starts:
        assert sum(start <= other < start + 1 for other in starts) <= rate


def test_turns_are_evenly_spaced():
    clock = Clock()
    starts = take_turns(Limiter(4, clock, clock.sleep), clock, 5)
    gaps = [late - early for early, late in pairwise(starts)]
    assert gaps == pytest.approx([1.05 / 4] * 4)


def test_a_late_sleeper_does_not_make_others_catch_up():
    clock = Clock()

    async def oversleep(seconds):
        clock.now += seconds + 0.7

    starts = take_turns(Limiter(2, clock, oversleep), clock, 4)
    gaps = [late - early for early, late in pairwise(starts)]
    assert min(gaps) >= 0.5


def test_the_first_turn_waits_as_if_somebody_had_just_asked():
    clock = Clock()
    limiter = Limiter(2, clock, clock.sleep)
    assert take_turns(limiter, clock, 1) == pytest.approx([100.525])
    clock.now = 200.0
    assert take_turns(limiter, clock, 1) == [200.0]


def test_the_next_turn_counts_from_when_a_request_is_on_its_way():
    clock = Clock()
    limiter = Limiter(2, clock, clock.sleep)
    starts = []

    async def connect_slowly_and_read_long():
        async with limiter.turn() as leave:
            starts.append(clock())
            clock.now += 7
            leave()
            await asyncio.sleep(0)
            clock.now += 50

    async def two_of_them():
        await asyncio.gather(*(connect_slowly_and_read_long() for _ in range(2)))

    asyncio.run(two_of_them())
    assert starts == pytest.approx([100.525, 100.525 + 7 + 0.525])


def test_a_request_that_fails_gives_its_turn_back():
    clock = Clock()
    limiter = Limiter(2, clock, clock.sleep)

    async def fail():
        async with limiter.turn():
            raise OSError("no route")

    with pytest.raises(OSError, match="no route"):
        asyncio.run(fail())
    assert take_turns(limiter, clock, 1) == pytest.approx([101.05])


def test_hold_delays_all_later_turns():
    clock = Clock()
    limiter = Limiter(1000, clock, clock.sleep)
    limiter.hold(30)
    limiter.hold(5)
    assert take_turns(limiter, clock, 2) == pytest.approx([130.0, 130.00105])


def test_an_infinite_rate_never_waits():
    clock = Clock()
    starts = take_turns(Limiter(float("inf"), clock, clock.sleep), clock, 9)
    assert starts == [100.0] * 9


@pytest.mark.parametrize("rate", [0, -4, float("nan")])
def test_rates_that_are_not_above_zero_are_refused(rate):
    with pytest.raises(ConfigError, match=rf"{rate} .*api\.requests_per_second"):
        Limiter(rate)
