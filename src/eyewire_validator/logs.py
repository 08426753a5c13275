"""A job's log: what it printed, and the one line that says what went wrong."""

import contextlib
import logging
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path

from eyewire_validator.errors import EyewireValidatorError


@contextlib.contextmanager
def job_log(path: str | Path) -> Iterator[None]:
    """Send what the block prints, and what this package logs, to the file ``path``.

    An error of this package ends the process with status 1 and its message, in the
    log and on the terminal; a traceback goes to the log only for what is a bug.
    """
    log = Path(path)
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w", encoding="utf-8", buffering=1) as file:
        package = logging.getLogger(__package__)
        package.setLevel(logging.INFO)
        package.addHandler(logging.StreamHandler(file))
        try:
            with contextlib.redirect_stdout(file), contextlib.redirect_stderr(file):
                yield
        except EyewireValidatorError as error:
            for stream in (file, sys.stderr):
                print(f"error: {error}", file=stream)
            sys.exit(1)
        except Exception:
            traceback.print_exc(file=file)
            raise
