"""Report how far a long job is, and how long still: a line now and then."""

import contextlib
import io
import logging
from collections.abc import Iterable, Iterator
from typing import Any

from tqdm import tqdm

# Seconds between two lines, and before the first one.
INTERVAL = 10.0
LINE = (
    "{n_fmt} of {total_fmt} {unit}, {percentage:.0f} %, "
    "{elapsed} so far, {remaining} to go"
)

log = logging.getLogger(__name__)


class Progress(tqdm):  # type: ignore[type-arg]  # generic in its stubs only
    """A progress bar of tqdm, written line by line to this module's log.

    `shown` shows that log on the terminal; without it nothing is shown.
    What ends within `INTERVAL` is not reported.

    Args:
        items: to iterate over; none if `update` counts them.
        unit: what they are, in the plural.
        total: how many there are, if ``items`` cannot tell.
        initial: how many an earlier run has done.
    """

    # No thread that watches: each item looks at the clock.
    monitor_interval = 0

    def __init__(
        self,
        items: Iterable[Any] | None = None,
        *,
        unit: str,
        total: int | None = None,
        initial: int = 0,
    ) -> None:
        """Start the clock."""
        self._logged: float | None = None
        super().__init__(
            iterable=items,
            total=total,
            initial=initial,
            unit=unit,
            file=io.StringIO(),
            mininterval=INTERVAL,
            miniters=1,
            delay=INTERVAL,
            bar_format=LINE,
        )

    def display(self, msg: str | None = None, pos: int | None = None) -> None:
        """Log the present state, once, in place of drawing it."""
        if self.n != self._logged:
            self._logged = self.n
            log.info("%s", self)


@contextlib.contextmanager
def shown(label: str = "") -> Iterator[None]:
    """Show progress on the terminal, on standard error, with a label on each line."""
    terminal = logging.StreamHandler()
    terminal.setFormatter(logging.Formatter(f"{label}%(message)s"))
    log.setLevel(logging.INFO)
    log.addHandler(terminal)
    try:
        yield
    finally:
        log.removeHandler(terminal)
