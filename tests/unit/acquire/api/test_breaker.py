"""Failures in a row, counted in a file that jobs share."""

import pytest

from eyewire_validator.acquire.api.breaker import Breaker
from eyewire_validator.errors import StoppedError


@pytest.fixture
def record(tmp_path):
    return tmp_path / "downloads" / "failures.txt"


def test_jobs_that_share_a_record_stop_together(record):
    first, second = Breaker(record, 3), Breaker(record, 3)
    for breaker in (first, second, first):
        breaker.check()
        breaker.failed("task 31: HTTP 500")
    for breaker in (first, second, Breaker(record, 3)):
        with pytest.raises(
            StoppedError,
            match=r"3 requests .*failures\.txt.*task 31: HTTP 500; .* same command",
        ):
            breaker.check()


def test_an_answer_starts_the_count_anew(record):
    breaker = Breaker(record, 2)
    for _ in range(5):
        breaker.failed("task 31: HTTP 500")
        breaker.succeeded()
    breaker.check()
    assert not record.exists()


def test_an_answer_that_comes_too_late_changes_nothing(record):
    breaker = Breaker(record, 1)
    breaker.failed("task 31: HTTP 500")
    breaker.succeeded()
    with pytest.raises(StoppedError):
        breaker.check()
    record.unlink()
    breaker.check()


def test_a_failure_is_one_line(record):
    Breaker(record, 2).failed("two\nlines\u2028or three")
    assert record.read_text().endswith(": two lines or three\n")
    assert len(record.read_text().splitlines()) == 1
