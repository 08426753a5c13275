"""Ask for arrays that lie elsewhere: at a rate, within a time, and kept in a folder.

Those who serve them serve others, too: requests are spaced, few are under way at a
time, and with a folder to keep them in, no block is asked for twice.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Access:
    """Limits of asking, shared by all arrays that are opened with them.

    Args:
        cache: folder for what was read; none keeps nothing.
        concurrent: requests under way at the same time.
        rate: blocks that are asked for in a second.
        time_limit_s: how long a block, or a file of metadata, may take, with retries.
        retries: further tries if a server is busy or a connection breaks.
        clock: gives the time in seconds.
        sleep: waits for some seconds.
    """

    cache: Path | None = None
    concurrent: int = 8
    rate: float = 20.0
    time_limit_s: float = 120.0
    retries: int = 5
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    _turn: "_Turn" = field(default_factory=lambda: _Turn(), repr=False, compare=False)

    def wait(self) -> None:
        """Wait until another block may be asked for; first come, first served."""
        with self._turn.lock:
            now = self.clock()
            if self._turn.next > now:
                self.sleep(self._turn.next - now)
            self._turn.next = max(now, self._turn.next) + 1 / self.rate

    def limits(self) -> dict[str, Any]:
        """Return these limits as resources of a context of tensorstore."""
        return {
            "http_request_concurrency": {"limit": self.concurrent},
            "http_request_retries": {
                "max_retries": self.retries,
                "initial_delay": "500ms",
                "max_delay": "16s",
            },
        }


@dataclass
class _Turn:
    next: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock)
