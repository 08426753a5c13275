"""A job's log: what it printed, what went wrong in one line, and what it made."""

import contextlib
import logging
import sys
import traceback
from collections.abc import Iterable, Iterator
from pathlib import Path

from eyewire_validator.errors import EyewireValidatorError
from eyewire_validator.manifests import SUFFIX, write_manifest


@contextlib.contextmanager
def job_log(path: str | Path, outputs: Iterable[str] = ()) -> Iterator[list[Path]]:
    """Send what the block prints, and what this package logs, to the file ``path``.

    The block gets the list of the files that it makes, to add to it what is not among
    ``outputs``. Once it is done, their hashes are written beside the log.

    An error of this package ends the process with status 1 and its message, in the
    log and on the terminal; a traceback goes to the log only for what is a bug.
    """
    log, made = Path(path), [Path(output) for output in outputs]
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w", encoding="utf-8", buffering=1) as file:
        package = logging.getLogger(__package__)
        package.setLevel(logging.INFO)
        package.addHandler(logging.StreamHandler(file))
        try:
            with contextlib.redirect_stdout(file), contextlib.redirect_stderr(file):
                yield made
                if made:
                    write_manifest(log.with_suffix(SUFFIX), made)
        except EyewireValidatorError as error:
            for stream in (file, sys.stderr):
                print(f"error: {error}", file=stream)
            sys.exit(1)
        except Exception:
            traceback.print_exc(file=file)
            raise
