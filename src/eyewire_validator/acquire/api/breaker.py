"""A circuit breaker: stop requests to a service that keeps failing."""

from datetime import UTC, datetime
from pathlib import Path

from eyewire_validator.errors import StoppedError

ENCODING = "utf-8"


class Breaker:
    """A circuit breaker for all jobs that share its record of failures in a row.

    The record is a file of one line a failure: a usable answer removes it, unless it is
    full by then. A full record stays until a person removes it, and no request starts.

    Args:
        record: the file.
        limit: the number of failures in a row that fills it.
    """

    def __init__(self, record: Path, limit: int) -> None:
        """Take the settings; nothing is read or written yet."""
        self._record = record
        self._limit = limit

    def check(self) -> None:
        """Refuse a request once the record is full.

        Raises:
            StoppedError: it is full.
        """
        failures = self._failures()
        if len(failures) >= self._limit:
            raise StoppedError(
                f"no request sent: {len(failures)} requests in a row failed "
                f"({self._record}), the last of them at {failures[-1]}; when the "
                "service answers again, run the same command: what is done stays done"
            )

    def failed(self, reason: str) -> None:
        """Count a failure."""
        self._record.parent.mkdir(parents=True, exist_ok=True)
        when = datetime.now(UTC).isoformat(timespec="seconds")
        # One short write at the end: jobs that fail at once do not lose lines.
        with self._record.open("ab", buffering=0) as record:
            record.write(f"{when}: {' '.join(reason.split())}\n".encode(ENCODING))

    def succeeded(self) -> None:
        """Reset the count, unless the record is full."""
        if 0 < len(self._failures()) < self._limit:
            self._record.unlink(missing_ok=True)

    def _failures(self) -> list[str]:
        try:
            return self._record.read_text(ENCODING).splitlines()
        except FileNotFoundError:
            return []
